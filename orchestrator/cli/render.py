"""A plan as a person sees it before and after deciding. Pure: views in, renderables out."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from orchestrator.cli.words import (
    amounts,
    exactly,
    moment,
    plan_word,
    short,
    shown,
    task_word,
    took,
)
from orchestrator.domain.lifecycle import PlanStatus, TaskStatus
from orchestrator.domain.plan import WorkTask
from orchestrator.domain.request import CANNOT_WAIT
from orchestrator.domain.text import visible
from orchestrator.domain.views import (
    AgentView,
    ExecutionLog,
    PlanListItem,
    PlanResult,
    PlanStatusResult,
    TaskState,
)

_TAIL_LINES = 10


def plan_card(plan: PlanResult) -> RenderableType:
    """Return all of a plan: nothing that will run is cut or left out."""
    return Group(*_card_parts(plan))


def _card_parts(plan: PlanResult) -> Iterator[RenderableType]:
    yield Text.assemble(
        (f"Plan {plan_name(plan.number, plan.revision)}", "bold"), "  ", plan_word(plan.status)
    )
    yield shown(f"“{plan.request_text}”", "italic")
    for task in plan.tasks:
        yield Text()
        yield Text.assemble((f"{task.step_number}. ", "bold"), shown(task.name, "bold"))
        yield Padding(_step(task), (0, 0, 0, 3), expand=False)
    yield Text()
    for words in plan.out_of_scope:
        why = CANNOT_WAIT if words in plan.deferred else "Nothing here can do that."
        yield shown(f"Left out: “{words}”. {why}", "yellow")
    if plan.will_use_external_ai:
        yield Text(
            "Calls for an external language model; a note says what is sent where.", style="yellow"
        )
    for note in plan.notes:
        yield shown(note, "yellow")
    yield Text(_deadline(plan), style="dim")


def _deadline(plan: PlanResult) -> str:
    digest = f"Digest {plan.digest[:16]}"
    if plan.status is PlanStatus.PENDING_APPROVAL and plan.expires_at:
        return f"{digest}; can be approved until {moment(plan.expires_at)}"
    if plan.decided_by:
        return f"{digest}; decided by {visible(plan.decided_by)}"
    return digest


def _step(task: WorkTask) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row("does", shown(task.capability))
    for label, value in zip(
        ("with", *[""] * len(task.parameters)), sorted(task.parameters.items()), strict=False
    ):
        grid.add_row(label, shown(f"{value[0]} = {exactly(value[1])}"))
    grid.add_row("where", shown(_where(task)))
    grid.add_row("risk", _risk(task.risk))
    grid.add_row("needs", amounts(task.resources))
    if task.depends_on:
        grid.add_row("after", "step " + " and ".join(map(str, task.depends_on)))
    if task.source_words:
        grid.add_row("because", shown(f"“{task.source_words}” ({task.confidence:.0%} sure)"))
    for note in task.notes:
        grid.add_row("note", shown(note, "yellow"))
    return grid


def _where(task: WorkTask) -> str:
    place = f" that serves {task.target}" if task.target else ""
    model = f", with a language model ({task.model_tier})" if task.reasoning else ""
    return f"an agent of the pool {task.agent_type}{place}{model}"


def _risk(risk: str) -> Text:
    colours = {"none": "green", "low": "green", "medium": "yellow", "high": "bold red"}
    return shown(risk, colours.get(risk, "bold red"))


def plan_name(number: int, revision: int = 1) -> str:
    """Return what people call a plan: `#12`, `#12 r3`."""
    return f"#{number}" if revision == 1 else f"#{number} r{revision}"


def step_table(status: PlanStatusResult) -> Table:
    """Return where each step stands."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("step", no_wrap=True)
    table.add_column("", overflow="fold", ratio=1)
    table.add_column("state", no_wrap=True)
    table.add_column("agent", overflow="fold")
    table.add_column("took", no_wrap=True, justify="right")
    for task in status.tasks:
        table.add_row(
            f"{status.number}.{task.step_number}",
            shown(task.name),
            _state(task),
            shown(task.agent_name or task.agent_id or ""),
            took(task.duration_seconds),
        )
    return table


def _state(task: TaskState) -> Text:
    word = task_word(task.status)
    if task.status is TaskStatus.EXECUTING and task.progress is not None:
        word.append(f" {task.progress} %")
    return word


def status_head(status: PlanStatusResult) -> Text:
    """Return one line: which plan, where it stands, how far it is."""
    counts = status.summary
    return Text.assemble(
        (f"Plan {plan_name(status.number, status.revision)}", "bold"),
        "  ",
        plan_word(status.status),
        f"  {counts.get('completed', 0)} of {counts.get('total', 0)} steps done",
    )


def results(status: PlanStatusResult, *, whole: bool = False) -> RenderableType:
    """Return how each step ended, why, and (the end of) what it said.

    Args:
        status: Where the plan stands.
        whole: Whether to return all of the output instead of its last lines.
    """
    return Group(*_result_parts(status, whole=whole))


def _result_parts(status: PlanStatusResult, *, whole: bool) -> Iterator[RenderableType]:
    for task in status.tasks:
        step = f"{status.number}.{task.step_number}"
        ended = f" in {took(task.duration_seconds)}" if task.duration_seconds is not None else ""
        yield Text.assemble(
            (f"{step} ", "bold"), shown(task.name), " ", task_word(task.status), ended
        )
        if task.reason:
            yield Padding(shown(task.reason, "yellow"), (0, 0, 0, 3), expand=False)
        logs = [log for log in status.execution_logs if log.step_number == task.step_number]
        for log in logs if whole else logs[-1:]:
            yield from _output(status.number, log, whole=whole)


def _output(number: int, log: ExecutionLog, *, whole: bool) -> Iterator[RenderableType]:
    lines = log.output.strip("\n").split("\n") if log.output.strip() else []
    hidden = 0 if whole else max(0, len(lines) - _TAIL_LINES)
    if whole:
        ended = f", exit code {log.exit_code}" if log.exit_code is not None else ""
        head = f"attempt {log.attempt_number}: {log.status}{ended}"
        yield Padding(shown(head, "dim"), (0, 0, 0, 3), expand=False)
    if hidden:
        more = f"… {hidden} lines before; `chiffon plan show {number} --output` shows all"
        yield Padding(Text(more, style="dim"), (0, 0, 0, 3), expand=False)
    for line in lines[hidden:]:
        yield Padding(shown(line), (0, 0, 0, 3), expand=False)


def next_steps(status: PlanStatusResult) -> list[str]:
    """Return what a person can do about a plan as it stands, one sentence each."""
    number = status.number
    advice: list[str] = []
    for task in status.tasks:
        step = f"{number}.{task.step_number}"
        if task.status is TaskStatus.OUTCOME_UNKNOWN:
            advice.append(
                f"Step {step} may or may not have happened. Look at what it changes, then say "
                f"`chiffon plan resolve {step} done`, `… failed` or `… retry`."
            )
        elif task.status is TaskStatus.FAILED:
            advice.append(f"`chiffon plan retry {step}` tries step {step} again.")
    if status.status is PlanStatus.FAILED:
        advice.append(f"`chiffon plan resume {number}` goes on and repeats nothing that is done.")
    if status.status is PlanStatus.PENDING_APPROVAL:
        advice.append(f"`chiffon plan approve {number}` or `chiffon plan reject {number}` decides.")
    if status.status in {PlanStatus.APPROVED, PlanStatus.EXECUTING}:
        advice.append(f"`chiffon status {number} --follow` follows it.")
    return advice


def plan_table(plans: tuple[PlanListItem, ...]) -> Table:
    """Return the list of plans."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("plan", "state", "steps", "asked by", "when", "request"):
        table.add_column(name, overflow="fold", no_wrap=name in {"plan", "steps"})
    for plan in plans:
        table.add_row(
            plan_name(plan.number, plan.revision),
            plan_word(plan.status),
            f"{plan.completed}/{plan.steps}",
            shown(plan.requester),
            moment(plan.created_at),
            shown(short(plan.request_text)),
        )
    return table


def agent_table(agents: tuple[AgentView, ...]) -> Table:
    """Return the list of agents."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("agent", "pool", "state", "load", "labels", "can do"):
        table.add_column(name, overflow="fold")
    for agent in agents:
        online = Text("online", "green") if agent.online else Text("offline", "red")
        table.add_row(
            shown(agent.name),
            shown(agent.agent_type),
            online,
            f"{agent.load:.0%}",
            shown(" ".join(f"{key}={value}" for key, value in sorted(agent.labels.items()))),
            _counted(len(agent.capabilities)),
        )
    return table


def _counted(capabilities: int) -> str:
    return "1 capability" if capabilities == 1 else f"{capabilities} capabilities"
