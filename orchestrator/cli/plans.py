"""`chiffon status` and `chiffon plan …`: look at plans and decide about them."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console

from orchestrator.cli.ask import follow_aloud
from orchestrator.cli.clarify import read_line
from orchestrator.cli.client import ApiClient, Outcome
from orchestrator.cli.follow import conclude
from orchestrator.cli.place import settings_here
from orchestrator.cli.render import (
    agent_table,
    next_steps,
    plan_card,
    plan_table,
    results,
    status_head,
    step_table,
)
from orchestrator.cli.session import (
    AsJson,
    Person,
    PlanName,
    Reason,
    StepName,
    say_json,
    screen,
    speaking,
)
from orchestrator.cli.words import plan_word, shown
from orchestrator.domain.lifecycle import PlanStatus
from orchestrator.domain.views import ApproveResult, PhraseMeaning

plan_app = typer.Typer(
    name="plan", help="Show a plan, decide about it, put it right.", no_args_is_help=True
)

Follow = Annotated[bool, typer.Option("--follow", "-f", help="Stay until it ends.")]


def status(
    plan: Annotated[str | None, typer.Argument(metavar="[PLAN]", help="Only this plan.")] = None,
    *,
    follow: Follow = False,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many plans to list.")] = 10,
    person: Person = None,
    as_json: AsJson = False,
) -> None:
    """Show the newest plans and the agents, or where one plan stands."""
    with speaking(person, as_json=as_json) as client:
        if plan is None:
            _show_all(client, limit, as_json=as_json)
        elif follow and not as_json:
            _finish(follow_aloud(client, client.status(plan).number, screen()))
        elif as_json:
            say_json(client.status(plan))
        else:
            _show_one(client, plan, screen())


@plan_app.command("show")
def show_plan(
    plan: PlanName,
    *,
    output: Annotated[bool, typer.Option("--output", help="All that the steps printed.")] = False,
    person: Person = None,
    as_json: AsJson = False,
) -> None:
    """Show all of a plan: what it does, how it went."""
    with speaking(person, as_json=as_json) as client:
        found = client.plan(plan)
        state = client.status(found.plan_id)
    if as_json:
        say_json({"plan": found, "status": state})
        return
    console = screen()
    console.print(plan_card(found))
    if found.approved_at is not None or output:
        console.print()
        console.print(results(state, whole=output))


@plan_app.command("approve")
def approve(
    plan: PlanName,
    *,
    follow: Follow = False,
    notes: Annotated[str | None, typer.Option("--notes", help="Kept with the decision.")] = None,
    person: Person = None,
    as_json: AsJson = False,
) -> None:
    """Show a plan and approve exactly what was shown."""
    with speaking(person, as_json=as_json) as client:
        found = client.plan(plan)
        if not as_json:
            screen().print(plan_card(found))
        decided = client.decide(found.plan_id, approved=True, digest=found.digest, notes=notes)
        _tell(decided, found.number, as_json=as_json)
        if follow and not as_json:
            _finish(follow_aloud(client, found.number, screen()))


@plan_app.command("reject")
def reject(
    plan: PlanName, *, reason: Reason = None, person: Person = None, as_json: AsJson = False
) -> None:
    """Reject a plan; nothing of it will run."""
    with speaking(person, as_json=as_json) as client:
        found = client.plan(plan)
        decided = client.decide(found.plan_id, approved=False, notes=reason)
        _tell(decided, found.number, as_json=as_json)


@plan_app.command("cancel")
def cancel(
    plan: PlanName, *, reason: Reason = None, person: Person = None, as_json: AsJson = False
) -> None:
    """Stop a plan: what has not started never will, what runs is asked to stop."""
    with speaking(person, as_json=as_json) as client:
        number = client.plan(plan).number
        _tell(client.change("cancel", plan, reason), number, as_json=as_json)


@plan_app.command("resume")
def resume(
    plan: PlanName,
    *,
    follow: Follow = False,
    reason: Reason = None,
    person: Person = None,
    as_json: AsJson = False,
) -> None:
    """Go on with a failed plan where it stopped; what is done is not repeated."""
    with speaking(person, as_json=as_json) as client:
        number = client.plan(plan).number
        decided = client.change("resume", plan, reason)
        _tell(decided, number, as_json=as_json)
        _finish(decided.status is not PlanStatus.FAILED)
        if follow and not as_json:
            _finish(follow_aloud(client, number, screen()))


@plan_app.command("retry")
def retry(
    step: StepName,
    *,
    follow: Follow = False,
    reason: Reason = None,
    person: Person = None,
    as_json: AsJson = False,
) -> None:
    """Try a failed step again, and go on from there."""
    _try(step, None, reason, person, follow=follow, as_json=as_json)


@plan_app.command("resolve")
def resolve(
    step: StepName,
    outcome: Annotated[Outcome, typer.Argument(help="What you found out.")],
    *,
    follow: Follow = False,
    reason: Reason = None,
    person: Person = None,
    as_json: AsJson = False,
) -> None:
    """Say what became of a step that may or may not have happened."""
    _try(step, outcome, reason, person, follow=follow, as_json=as_json)


@plan_app.command("remember")
def remember(
    plan: PlanName,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Remember them unasked.")] = False,
    person: Person = None,
    as_json: AsJson = False,
) -> None:
    """Have the words that were corrected understood from now on; for who may approve the plan.

    You see them first, with what they mean today. With --json nothing is asked.
    """
    console = screen()
    with speaking(person, as_json=as_json) as client:
        if not (yes or as_json):
            listed = client.phrases(plan)
            if not _agreed(listed.phrases, console):
                console.print("Nothing was remembered.")
                raise typer.Exit(1)
            plan = listed.plan_id
        saved = client.remember(plan)
        file = settings_here().phrases_file
    if as_json:
        say_json(saved)
        return
    for phrase in saved.phrases:
        sentence = f"From now on “{phrase.text}” means {phrase.capability}."
        console.print(shown(sentence), soft_wrap=True)
    console.print(shown(f"Each is a line of {file}; delete it to forget."), soft_wrap=True)


def _agreed(phrases: Sequence[PhraseMeaning], console: Console) -> bool:
    """Show what would change, and ask; only a typed yes agrees."""
    new = [each for each in phrases if not each.remembered]
    for phrase in new:
        today = ", ".join(phrase.means) or "nothing that can be done here"
        sentence = f"“{phrase.text}” means {today} today, and {phrase.capability} from now on."
        console.print(shown(sentence), soft_wrap=True)
    if not new:
        return True
    try:
        line = read_line("remember? [y/N] ", console) or ""
    except KeyboardInterrupt:
        console.print()
        line = ""
    return line.lower() in {"y", "yes"}


def _try(
    step: str,
    outcome: Outcome | None,
    reason: str | None,
    person: str | None,
    *,
    follow: bool,
    as_json: bool,
) -> None:
    with speaking(person, as_json=as_json) as client:
        decided = client.retry(step, outcome, reason)
        number = client.status(decided.plan_id).number
        _tell(decided, number, as_json=as_json)
        _finish(outcome == "failed" or decided.status is not PlanStatus.FAILED)
        if follow and not as_json:
            _finish(follow_aloud(client, number, screen()))


def _show_all(client: ApiClient, limit: int, *, as_json: bool) -> None:
    plans, agents = client.plans(limit).plans, client.agents().agents
    if as_json:
        say_json({"plans": plans, "agents": agents})
        return
    console = screen()
    if plans:
        console.print(plan_table(plans))
    else:
        console.print('No plans yet. Try: chiffon ask "Deploy Kuma Uptime"')
    console.print()
    if agents:
        console.print(agent_table(agents))
    else:
        console.print("No agent has registered; plans can be made but not carried out.")


def _show_one(client: ApiClient, plan: str, console: Console) -> None:
    state = client.status(plan)
    if state.status in {PlanStatus.PENDING_APPROVAL, PlanStatus.APPROVED, PlanStatus.EXECUTING}:
        console.print(status_head(state))
        console.print(step_table(state))
        for advice in next_steps(state):
            console.print(advice, soft_wrap=True)
    else:
        conclude(state, console)


def _tell(decided: ApproveResult, number: int, *, as_json: bool) -> None:
    if as_json:
        say_json(decided)
        return
    console = screen()
    console.print(f"Plan #{number} ", plan_word(decided.status), ".", sep="")
    if decided.status in {PlanStatus.APPROVED, PlanStatus.EXECUTING}:
        console.print(f"`chiffon status {number} --follow` follows it.", soft_wrap=True)


def _finish(done: bool) -> None:
    if not done:
        raise typer.Exit(1)
