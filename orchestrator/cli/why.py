"""`chiffon why`: what was understood, where each step went and why, what happened."""

from collections.abc import Iterator
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from orchestrator.cli.session import AsJson, Person, say_json, screen, speaking
from orchestrator.cli.words import exactly, moment, shown
from orchestrator.domain.views import (
    AuditEvent,
    CandidateView,
    Explanation,
    RoutingView,
)

Subject = Annotated[str, typer.Argument(metavar="PLAN|STEP", help="A plan (12) or a step (12.2).")]


def why(subject: Subject, *, person: Person = None, as_json: AsJson = False) -> None:
    """Explain a plan or a step, in words and numbers, from what was stored."""
    with speaking(person, as_json=as_json) as client:
        story = client.explain(subject)
    if as_json:
        say_json(story)
    else:
        screen().print(Group(*story_parts(story)))


def story_parts(story: Explanation) -> Iterator[RenderableType]:
    """Yield the story, chapter by chapter."""
    name = f"Plan #{story.number}"
    yield Text(name if story.step_number is None else f"{name}, step {story.step_number}", "bold")
    yield from _chapter("Understood", [shown(sentence) for sentence in story.understood])
    routed = [part for decision in story.routing for part in _routing(story.number, decision)]
    yield from _chapter("Routed", routed or [Text("Nothing was routed yet.")])
    yield from _chapter(
        "Language models", [shown(sentence) for sentence in story.model_sentences()]
    )
    yield from _chapter("What happened", [_timeline(story.events)] if story.events else [])


def _chapter(title: str, parts: list[RenderableType]) -> Iterator[RenderableType]:
    if parts:
        yield Text()
        yield Text(title, "bold")
        yield from parts


def _routing(number: int, decision: RoutingView) -> Iterator[RenderableType]:
    step = f"{number}.{decision.step_number}"
    yield Text.assemble(
        (f"{step}, attempt {decision.attempt_number}: ", "bold"), shown(decision.sentence)
    )
    if decision.candidates:
        yield _candidates(decision.candidates)


def _candidates(candidates: tuple[CandidateView, ...]) -> Table:
    parts = list(dict.fromkeys(part for each in candidates for part in each.parts))
    table = Table(box=None, padding=(0, 2, 0, 2), header_style="dim")
    table.add_column("agent", overflow="fold")
    for part in (*parts, "score"):
        table.add_column(part, justify="right")
    table.add_column("", overflow="fold")
    for each in candidates:
        numbers = [f"{each.parts[part]:g}" if part in each.parts else "" for part in parts]
        score = "" if each.score is None else f"{each.score:g}"
        out = shown(f"out: {each.excluded}", "yellow") if each.excluded else Text()
        table.add_row(shown(each.name), *numbers, score, out)
    return table


def _timeline(events: tuple[AuditEvent, ...]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, style="dim")
    for _ in range(3):
        table.add_column(overflow="fold")
    for event in events:
        told = ((key, each) for key, each in event.details.items() if each not in (None, "", []))
        details = ", ".join(f"{key} {_plain(value)}" for key, value in told)
        table.add_row(
            moment(event.at, "%H:%M:%S"),
            shown(event.kind.replace("_", " ")),
            shown(event.actor),
            shown(details),
        )
    return table


def _plain(value: object) -> str:
    return value if isinstance(value, str) else exactly(value)  # type: ignore[arg-type] # JSON
