"""What the doctor asks Slack: tokens, scopes, leave to connect, and whether approvers exist."""

import re
from collections.abc import AsyncIterator, Sequence

from bot.cli.check import Check, ok, problem, warning
from bot.cli.slack_account import (
    SlackSays,
    Workspace,
    check_app_token,
    check_bot_token,
    check_same_app,
    client_for,
    look_up,
)
from bot.cli.slack_manifest import load_manifest
from bot.settings import SlackSettings

_SETUP = "chiffon slack setup"
_APP_IN_TOKEN = re.compile(r"xapp-\d+-(A[A-Z0-9]+)-")
_HISTORY = frozenset(("channels:history", "groups:history"))


async def check_slack(slack: SlackSettings, admins: Sequence[str]) -> list[Check]:
    """Return what is found; without tokens that the local page is used."""
    return [each async for each in _checks(slack, admins)]


async def _checks(slack: SlackSettings, admins: Sequence[str]) -> AsyncIterator[Check]:
    if not slack.bot_token and not slack.app_token:
        yield ok("slack", "No tokens are set: the local page stands in for Slack.")
        return
    workspace = None
    if slack.bot_token:
        try:
            workspace = await check_bot_token(slack.bot_token, slack.api_url)
        except SlackSays as fault:
            yield problem("slack token", f"SLACK_BOT_TOKEN: {fault}", _SETUP)
    else:
        yield problem("slack token", "SLACK_APP_TOKEN is set, SLACK_BOT_TOKEN is not.", _SETUP)
    if workspace:
        yield ok("slack token", f"@{workspace.bot_name} in {workspace.team}.")
        yield _scopes(workspace, listens=bool(slack.listen_channels))
    yield await _connection(slack, workspace)
    yield await _approvers(slack, admins, workspace)


def _scopes(workspace: Workspace, *, listens: bool) -> Check:
    if workspace.scopes is None:
        return ok("slack scopes", "Slack does not say which the token has; not compared.")
    manifest = load_manifest()
    missing = manifest.scopes - workspace.scopes
    fix = "Paste it in the app under “App Manifest”, then reinstall the app."
    if missing:
        found = f"Missing: {', '.join(sorted(missing))} ({manifest.name})."
        return problem("slack scopes", found, fix)
    if listens and not _HISTORY & workspace.scopes:
        found = "CHIFFON_LISTEN_CHANNELS needs channels:history or groups:history."
        return problem("slack scopes", found, f"{load_manifest(agent=True).name}: {fix}")
    return ok("slack scopes", f"All that {manifest.name} asks for.")


async def _connection(slack: SlackSettings, workspace: Workspace | None) -> Check:
    name = "slack connection"
    if not slack.app_token:
        return problem(name, "SLACK_BOT_TOKEN is set, SLACK_APP_TOKEN is not.", _SETUP)
    try:
        await check_app_token(slack.app_token, slack.api_url)
        if workspace:
            client = client_for(slack.bot_token or "", slack.api_url)
            await check_same_app(client, workspace.bot_id, _app_of(slack.app_token))
    except SlackSays as fault:
        return problem(name, str(fault), _SETUP)
    return ok(
        name,
        "Slack offers a Socket Mode connection. None was opened: a second one would take clicks "
        "from a running Chiffon.",
    )


def _app_of(app_token: str) -> str:
    """Return the app that an app-level token names, `xapp-1-A0123-…`; empty where it names none."""
    found = _APP_IN_TOKEN.match(app_token)
    return found[1] if found else ""


async def _approvers(
    slack: SlackSettings, admins: Sequence[str], workspace: Workspace | None
) -> Check:
    name = "approvers"
    if not admins:
        found = "Nobody may approve: plans are made, and nothing of them runs."
        return problem(name, found, f"{_SETUP}, or set CHIFFON_ADMINS to Slack member ids.")
    if workspace is None or not slack.bot_token:
        return warning(name, f"{', '.join(admins)}; Slack could not be asked.", _SETUP)
    client = client_for(slack.bot_token, slack.api_url)
    known: list[str] = []
    off: list[str] = []
    for each in admins:
        try:
            person = await look_up(client, each, workspace.team_id)
        except SlackSays as fault:
            off.append(f"{each} ({fault.code or fault})")
        else:
            (off if person.barred else known).append(
                f"{person.name} ({person.barred or person.user_id})"
            )
    if not known:
        return problem(name, f"None can decide: {', '.join(off)}.", _SETUP)
    if off:
        found = f"{', '.join(known)}. Cannot decide here: {', '.join(off)}."
        return warning(name, found, "Take them out of CHIFFON_ADMINS, unless they use REST keys.")
    return ok(name, f"{', '.join(known)}.")
