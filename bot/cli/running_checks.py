"""What the doctor asks the running Chiffon: does it answer, and who works for it."""

from collections.abc import Iterator

from bot.cli.check import Check, ok, problem, warning
from orchestrator.cli.client import ApiClient
from orchestrator.cli.place import NotRunning, find_place
from orchestrator.domain.views import AgentView
from orchestrator.errors import Refused, SettingsError
from orchestrator.settings import Settings

_START = "Start it: `chiffon up`."


def check_running(settings: Settings) -> Iterator[Check]:
    """Ask the one whose home this is; the agents can only be asked through it."""
    needs = warning("agents", "Needs a running Chiffon.", _START)
    try:
        place = find_place()
        with ApiClient(place, "doctor") as client:
            agents = client.agents().agents
    except (NotRunning, SettingsError) as fault:
        yield warning("chiffon", str(fault), _START)
        yield needs
        return
    except Refused as refusal:
        fix = f"Is {settings.address_file} that of the Chiffon that runs? Start it again."
        yield problem("chiffon", refusal.error.message, refusal.error.hint or fix)
        yield needs
        return
    yield ok("chiffon", f"It answers at {place.address} and takes the local token.")
    yield _agents(agents)


def _agents(agents: tuple[AgentView, ...]) -> Check:
    online = sorted(each.name for each in agents if each.online)
    away = sorted(each.name for each in agents if not each.online)
    if not online:
        return problem("agents", "None is online: nothing can be done.", "Start Chiffon again.")
    told = f"Online: {', '.join(online)}."
    if away:
        return warning("agents", f"{told} Away: {', '.join(away)}.", "Start those agents again.")
    return ok("agents", told)
