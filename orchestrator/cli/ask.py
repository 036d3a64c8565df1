"""`chiffon ask`: from a sentence to finished work, with one question in between."""

from typing import Annotated

import typer
from rich.console import Console

from orchestrator.cli.clarify import clarify, read_line
from orchestrator.cli.client import ApiClient
from orchestrator.cli.follow import conclude, follow
from orchestrator.cli.render import plan_card
from orchestrator.cli.session import AsJson, Person, say_json, screen, speaking
from orchestrator.cli.words import shown
from orchestrator.domain.lifecycle import PlanStatus, RequestStatus
from orchestrator.domain.request import CANNOT_WAIT
from orchestrator.domain.views import PlanResult, PlanStatusResult, SubmitResult

Words = Annotated[list[str], typer.Argument(metavar="TEXT", help="What you want, in a sentence.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Approve the plan without asking.")]


def ask(words: Words, *, yes: Yes = False, person: Person = None, as_json: AsJson = False) -> None:
    """Ask for something: see the plan, approve it, follow the work.

    Typing n rejects the plan; Enter leaves it waiting. Exit status 0 means the work is done.
    """
    text = " ".join(words)
    with speaking(person, as_json=as_json) as client:
        if as_json:
            done = for_programs(client, client.submit(text), yes=yes)
        else:
            done = _talk(client, text, yes=yes)
    if not done:
        raise typer.Exit(1)


def for_programs(client: ApiClient, request: SubmitResult, *, yes: bool) -> bool:
    """Print one document; without --yes the plan is left waiting. Say whether it went well."""
    plan: PlanResult | None = None
    status: PlanStatusResult | None = None
    if request.status is RequestStatus.PARSING_COMPLETE:
        plan = client.await_plan(request.request_id)
        if yes:
            client.decide(plan.plan_id, approved=True, digest=plan.digest)
            status = follow(client, plan.plan_id, Console(quiet=True))
    say_json({"request": request, "plan": plan, "status": status})
    return plan is not None and (status is None or status.status is PlanStatus.COMPLETED)


def _talk(client: ApiClient, text: str, *, yes: bool) -> bool:
    console = screen()
    try:
        request = clarify(client, client.submit(text), console)
    except KeyboardInterrupt:
        console.print("\nNothing was planned.")
        return False
    if request.status is not RequestStatus.PARSING_COMPLETE:
        _say_why_no_plan(request, console)
        return False
    return see_through(client, request.request_id, console, yes=yes)


def see_through(client: ApiClient, request_id: str, console: Console, *, yes: bool) -> bool:
    """Show the plan of a request, ask for approval, follow the work. Say whether it is done."""
    with console.status("Planning …"):
        plan = client.await_plan(request_id)
    console.print(plan_card(plan))
    if not (yes or _approved(client, plan, console)):
        return False
    client.decide(plan.plan_id, approved=True, digest=plan.digest)
    return follow_aloud(client, plan.number, console)


def follow_aloud(client: ApiClient, number: int, console: Console) -> bool:
    """Follow a plan and tell how it ended; Ctrl-C leaves it at work. Say whether it is done."""
    try:
        return conclude(follow(client, str(number), console), console)
    except KeyboardInterrupt:
        console.print(
            f"\nThe work goes on. `chiffon status {number}` shows it, "
            f"`chiffon plan cancel {number}` stops it.",
            soft_wrap=True,
        )
        return False


def _approved(client: ApiClient, plan: PlanResult, console: Console) -> bool:
    """Ask. Only a typed yes approves and only a typed no rejects; silence decides nothing."""
    if console.is_terminal:
        hint = f"Not what you meant? Press Enter, then `chiffon correct {plan.number}`."
        console.print(hint, soft_wrap=True)
    try:
        line = (read_line("approve? [y/N] ", console) or "").lower()
    except KeyboardInterrupt:
        console.print()
        line = ""
    if line in {"y", "yes"}:
        return True
    if line in {"n", "no"}:
        client.decide(plan.plan_id, approved=False, digest=plan.digest)
        console.print(f"Plan #{plan.number} is rejected; nothing was done.")
        return False
    console.print(
        f"Plan #{plan.number} waits. `chiffon plan approve {plan.number}` or "
        f"`chiffon plan reject {plan.number}` decides, "
        f"`chiffon correct {plan.number}` lets you say what you meant.",
        soft_wrap=True,
    )
    return False


def _say_why_no_plan(request: SubmitResult, console: Console) -> None:
    if request.status is RequestStatus.REQUIRES_CLARIFICATION:
        sentence = (
            "This is still open, so nothing was planned. Ask again and say it in the request."
        )
        console.print(sentence, soft_wrap=True)
        _say_how_to_correct(request, console)
        return
    if request.status is RequestStatus.OUT_OF_SCOPE:
        parts = ", ".join(f"“{words}”" for words in request.out_of_scope) or "what you asked"
        offers = ", ".join(request.offers)
        can = f" What can be done: {offers}." if offers else ""
        why = f" {CANNOT_WAIT}" if request.deferred else ""
        sentence = (
            f"Nothing here can do {parts}.{why}{can} `chiffon catalog list` shows everything."
        )
        console.print(shown(sentence), soft_wrap=True)
        _say_how_to_correct(request, console)
        return
    console.print("The request could not be understood because of a fault; ask again.")


def _say_how_to_correct(request: SubmitResult, console: Console) -> None:
    sentence = f"`chiffon correct {request.request_id}` lets you say what you meant."
    console.print(sentence, soft_wrap=True)
