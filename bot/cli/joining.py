"""Join a workspace step by step: tokens, a test message, a first approver."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import typer
from slack_sdk.web.async_client import AsyncWebClient

from bot.cli.env_file import EnvFile
from bot.cli.slack_account import (
    Person,
    SlackSays,
    Workspace,
    check_app_token,
    check_bot_token,
    check_same_app,
    client_for,
    post,
)
from bot.cli.slack_manifest import Manifest, load_manifest
from bot.cli.slack_socket import CODE_SECONDS, CodeListener, Hello, new_code, open_socket
from orchestrator.errors import ChiffonError, SettingsError

BOT_TOKEN, APP_TOKEN = "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"
API_URL, ADMINS = "CHIFFON_SLACK_API_URL", "CHIFFON_ADMINS"

_Answer = TypeVar("_Answer")


@dataclass(frozen=True)
class Wishes:
    """What was said on the command line; None where nothing was."""

    agent: bool = False
    again: bool = False
    bot_token_file: Path | None = None
    app_token_file: Path | None = None
    channel: str | None = None
    approver: bool | None = None


def join(wishes: Wishes) -> int:
    """Go through all steps; return the exit status."""
    joining = Joining(EnvFile(), load_manifest(agent=wishes.agent), again=wishes.again)
    joining.asks = not (wishes.bot_token_file and wishes.app_token_file)
    try:
        joining.look()
        workspace = joining.tokens(wishes.bot_token_file, wishes.app_token_file)
        joining.test_message(workspace, wishes.channel)
        if joining.wants_approver(wishes.approver):
            joining.name_approver(workspace)
        joining.farewell(workspace)
    except (KeyboardInterrupt, typer.Abort):
        joining.stopped("Stopped.")
        return 1
    except ChiffonError as fault:
        joining.stopped(str(fault))
        return 1
    return 0


class Joining:
    """The steps of joining a workspace; each leaves a valid `.env`."""

    def __init__(self, env: EnvFile, manifest: Manifest, *, again: bool) -> None:
        self._env = env
        self._manifest = manifest
        self._again = again
        self._api_url = ""
        self._good: dict[str, str] = {}  # tokens that were checked; the environment has others?
        self._invited = False
        self.asks = True

    def look(self) -> None:
        """Read what is set already.

        Raises:
            SettingsError: `.env` cannot be read.
        """
        self._api_url = self._env.value(API_URL)
        if self._api_url:
            typer.echo(f"Slack is asked at {self._api_url} ({API_URL}).")

    def tokens(self, bot_file: Path | None, app_file: Path | None) -> Workspace:
        """Get both tokens, each checked and then written."""
        workspace = self._token(BOT_TOKEN, "Bot token (xoxb-…)", bot_file, self._check_bot)
        self._say_workspace(workspace)
        self._token(APP_TOKEN, "App-level token (xapp-…)", app_file, self._check_app)
        typer.echo("The app-level token is good: Slack offers a Socket Mode connection.")
        return workspace

    def test_message(self, workspace: Workspace, channel: str | None) -> None:
        """Post a test message where the person wants one."""
        while True:
            place = channel or self._place()
            if not place:
                return
            try:
                self._post_test(workspace, place)
            except SlackSays as fault:
                if channel:
                    raise
                typer.echo(str(fault), err=True)
            else:
                typer.echo(f"The test message is in {place}.")
                return

    def wants_approver(self, wish: bool | None) -> bool:
        """Tell whether to name somebody: always the first, further ones when wished."""
        if wish is not None:
            return wish
        named = _names(self._env.value(ADMINS))
        if not named:
            return True
        typer.echo(f"May approve already: {', '.join(named)}.")
        return self.asks and typer.confirm("Name another approver?", default=False)

    def name_approver(self, workspace: Workspace) -> None:
        """Make whoever sends the code an approver."""
        code = new_code()
        person = asyncio.run(self._await_code(workspace, code))
        typer.echo(f"{person.name} ({person.user_id}) may approve now.")

    def farewell(self, workspace: Workspace) -> None:
        """Say what comes next."""
        for name in (BOT_TOKEN, APP_TOKEN, ADMINS):
            if self._env.overridden(name):
                typer.echo(f"Careful: the environment sets {name} too, and wins. Unset it there.")
        if not self._env.value(ADMINS):
            typer.echo("Nobody may approve yet: plans are made and wait. Run this again for that.")
        typer.echo(
            f"Done. Start with `chiffon up` in this folder, then write @{workspace.bot_name} "
            "in Slack. `chiffon doctor` checks everything."
        )

    def stopped(self, sentence: str) -> None:
        """Say what was done so far and how to go on."""
        typer.echo(f"\n{sentence}", err=True)
        try:
            kept = [name for name in (BOT_TOKEN, APP_TOKEN, ADMINS) if self._env.written(name)]
        except SettingsError:
            kept = []
        if kept:
            typer.echo(f"In {self._env.path.absolute()} is: {', '.join(kept)}.", err=True)
        typer.echo("Go on with `chiffon slack setup`; what works is kept.", err=True)

    def _token(
        self, name: str, label: str, file: Path | None, check: Callable[[str], _Answer]
    ) -> _Answer:
        kept = "" if self._again or file else self._env.value(name)
        if kept:
            try:
                answer = check(kept)
            except SlackSays as fault:
                typer.echo(f"The {name} that is set does not work: {fault}", err=True)
            else:
                typer.echo(f"{name} is set and works; it is kept.")
                self._good[name] = kept
                return answer
        token, answer = self._given(label, file, check)
        self._env.write(name, token)
        self._good[name] = token
        return answer

    def _given(
        self, label: str, file: Path | None, check: Callable[[str], _Answer]
    ) -> tuple[str, _Answer]:
        if file is not None:
            token = _read(file)
            return token, check(token)
        self._invite()
        while True:
            token = str(typer.prompt(f"{label}, not shown", hide_input=True)).strip()
            try:
                return token, check(token)
            except SlackSays as fault:
                typer.echo(str(fault), err=True)

    def _invite(self) -> None:
        if self._invited:
            return
        self._invited = True
        typer.echo(
            f"1. Open this link, choose the workspace, create the app ({self._manifest.name}):\n\n"
            f"{self._manifest.create_link}\n\n"
            "2. “Install App”: install it; copy the Bot User OAuth Token (xoxb-…).\n"
            "3. “Basic Information”, “App-Level Tokens”: generate one with connections:write; "
            "copy it (xapp-…).\n"
        )

    def _check_bot(self, token: str) -> Workspace:
        return asyncio.run(check_bot_token(token, self._api_url))

    def _check_app(self, token: str) -> str:
        return asyncio.run(check_app_token(token, self._api_url))

    def _say_workspace(self, workspace: Workspace) -> None:
        typer.echo(f"The bot token is good: @{workspace.bot_name} in {workspace.team}.")
        missing = self._manifest.scopes - (workspace.scopes or self._manifest.scopes)
        if missing:
            typer.echo(
                f"It lacks {', '.join(sorted(missing))}, which {self._manifest.name} asks for. "
                "Paste the manifest in the app under “App Manifest”, then reinstall it.",
                err=True,
            )

    def _place(self) -> str:
        if not self.asks:
            return ""
        words = "Where shall a test message go? #channel (invite the bot first), or Enter for none"
        return str(typer.prompt(words, default="", show_default=False)).strip()

    def _post_test(self, workspace: Workspace, place: str) -> None:
        mention = f"<@{workspace.bot_user_id}>"
        text = f"Chiffon is connected. Mention me with what you need, or write: {mention} help"
        asyncio.run(post(self._client(), place, text))

    def _client(self) -> AsyncWebClient:
        return client_for(self._good[BOT_TOKEN], self._api_url)

    async def _await_code(self, workspace: Workspace, code: str) -> Person:
        client = self._client()
        listener = CodeListener(client, workspace.team_id, code, typer.echo)
        async with open_socket(self._good[APP_TOKEN], self._api_url, listener) as hello:
            await check_same_app(client, workspace.bot_id, hello.app_id)
            _announce(code, workspace, hello)
            try:
                async with asyncio.timeout(CODE_SECONDS):
                    person, channel = await listener.named.get()
            except TimeoutError as fault:
                raise SlackSays("Nobody sent the code in time; it is void now.") from fault
            self._keep_approver(person)
            await _tell(client, channel)
        return person

    def _keep_approver(self, person: Person) -> None:
        named = _names(self._env.written(ADMINS))
        if person.user_id not in named:
            self._env.write(ADMINS, ",".join((*named, person.user_id)))


def _announce(code: str, workspace: Workspace, hello: Hello) -> None:
    if hello.connections > 1:
        typer.echo(
            "Another program is connected with this app-level token. Stop it (a running Chiffon?) "
            "until this is done: Slack gives each message to one of the two."
        )
    typer.echo(
        f"\nWho shall approve plans? Send this code to @{workspace.bot_name} as a direct message "
        f"within {CODE_SECONDS // 60} minutes:\n\n    {code}\n"
    )


async def _tell(client: AsyncWebClient, channel: str) -> None:
    text = "You may approve plans now. Ask me for something here, or mention me in a channel."
    try:
        await post(client, channel, text)
    except SlackSays as fault:  # it is written down already
        typer.echo(f"Only the answer in Slack failed: {fault}", err=True)


def _names(value: str) -> tuple[str, ...]:
    return tuple(filter(None, map(str.strip, value.split(","))))


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as fault:
        raise SettingsError(f"{file} cannot be read: {fault}.") from fault
