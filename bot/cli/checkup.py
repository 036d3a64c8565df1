"""The checks of `chiffon doctor`, one after the other, and the table that shows them."""

import asyncio
import os
from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from bot.cli.check import Check, State, ok, problem, warning
from bot.cli.env_file import EnvFile
from bot.cli.machine_checks import check_catalogue, check_database, check_disk, check_docker
from bot.cli.model_checks import check_models
from bot.cli.offhost_checks import check_broker, check_door
from bot.cli.running_checks import check_running
from bot.cli.slack_checks import check_slack
from bot.settings import load_slack_settings
from orchestrator.cli.place import settings_here
from orchestrator.cli.session import say_json, screen
from orchestrator.domain.text import visible
from orchestrator.errors import SettingsError

_COLOURS = {State.OK: "green", State.WARNING: "yellow", State.PROBLEM: "bold red"}
_SECRETS = (
    "SLACK_BOT_TOKEN",
    "SLACK_APP_TOKEN",
    "CHIFFON_DATABASE_URL",
    "CHIFFON_BROKER_URL",
    "CHIFFON_LOCAL_MODEL_KEY",
    "ANTHROPIC_API_KEY",
)
_MEND = "Correct it in the environment or in .env."


def examine(*, as_json: bool) -> int:
    """Run every check, show what was found, return the exit status."""
    found = list(checks())
    good = all(each.state is not State.PROBLEM for each in found)
    if as_json:
        say_json({"ok": good, "checks": found})
    else:
        _show(found)
    return 0 if good else 1


def checks() -> Iterator[Check]:
    """Yield every finding; what needs settings that cannot be read is left out."""
    env = EnvFile()
    yield _env_file(env)
    try:
        settings, slack = settings_here(), load_slack_settings()
    except SettingsError as fault:
        yield problem("settings", str(fault), _MEND)
        return
    yield ok("settings", f"The home is {settings.home}.")
    yield from asyncio.run(check_slack(slack, settings.admins))
    yield from check_running(settings)
    yield asyncio.run(check_database(settings))
    yield asyncio.run(check_broker(settings))
    yield from asyncio.run(check_door(settings, slack))
    yield check_catalogue(settings)
    yield from asyncio.run(check_models(settings))
    yield asyncio.run(check_docker())
    yield check_disk(settings.home)


def _env_file(env: EnvFile) -> Check:
    place = env.path.absolute()
    if not env.path.exists():
        return ok(".env", f"There is none in {place.parent}; the environment alone counts.")
    try:
        names = env.values()
    except SettingsError as fault:
        return problem(".env", str(fault), "Make it a text file in UTF-8 that you may read.")
    if env.readable_by_others():
        secret = any(names.get(name) for name in _SECRETS)
        say = problem if secret else warning
        return say(".env", f"Others may read {place}.", f"chmod 600 {place}")
    return ok(".env", f"{place} is for its owner alone.")


def _show(found: list[Check]) -> None:
    table = Table("check", "", "found", "what to do")
    for each in found:
        colour = _COLOURS[each.state] if "NO_COLOR" not in os.environ else ""
        state = Text(each.state, style=colour)
        table.add_row(each.name, state, Text(visible(each.found)), Text(visible(each.fix)))
    screen().print(table)
    problems = sum(each.state is State.PROBLEM for each in found)
    warnings = sum(each.state is State.WARNING for each in found)
    screen().print(f"{len(found)} checks: {problems} problems, {warnings} warnings.")
