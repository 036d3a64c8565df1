"""Follow a plan until it ends or waits for a person."""

import signal
import threading
import time
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.text import Text

from orchestrator.cli.client import ApiClient
from orchestrator.cli.place import NotRunning
from orchestrator.cli.render import next_steps, results, status_head, step_table
from orchestrator.cli.words import task_word, took
from orchestrator.domain.lifecycle import PlanStatus, TaskStatus
from orchestrator.domain.views import PlanStatusResult

_PAUSE = 0.25
_AWAY_SECONDS = 60.0
_MOVING = frozenset({PlanStatus.APPROVED, PlanStatus.EXECUTING})

Show = Callable[[PlanStatusResult, str], None]


def follow(client: ApiClient, reference: str, console: Console) -> PlanStatusResult:
    """Show a plan's progress until nothing moves any more, and return how it stands then.

    On a terminal the steps are redrawn in place; elsewhere each change is a line.

    Raises:
        NotRunning: Chiffon was away for longer than a minute.
        KeyboardInterrupt: the person has seen enough; the work goes on.
    """
    if not console.is_terminal:
        return _watch(client, reference, _Lines(console))
    started = time.monotonic()
    with Live(console=console, auto_refresh=False) as live:

        def redraw(status: PlanStatusResult, trouble: str) -> None:
            live.update(_picture(status, trouble, time.monotonic() - started), refresh=True)

        return _watch(client, reference, redraw)


def conclude(status: PlanStatusResult, console: Console) -> bool:
    """Tell how a plan stands and what can be done about it; say whether it is done."""
    console.print()
    console.print(status_head(status))
    console.print(results(status))
    for advice in next_steps(status):
        console.print(advice, soft_wrap=True)
    return status.status is PlanStatus.COMPLETED


class _CtrlC:
    """Remembers Ctrl-C besides raising it.

    Raised within a destructor or a callback, a KeyboardInterrupt is printed and lost; whoever
    pressed the keys must not have to press them twice.
    """

    def __init__(self) -> None:
        self.pressed = False
        self._before: signal.Handlers | Callable[[int, FrameType | None], object] | int | None

    def __enter__(self) -> Self:
        self._is_main = threading.current_thread() is threading.main_thread()
        if self._is_main:
            self._before = signal.signal(signal.SIGINT, self._noted)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._is_main:
            signal.signal(signal.SIGINT, self._before)

    def check(self) -> None:
        """Raise what was pressed and lost."""
        if self.pressed:
            raise KeyboardInterrupt

    def _noted(self, _number: int, _frame: FrameType | None) -> None:
        self.pressed = True
        raise KeyboardInterrupt


def _watch(client: ApiClient, reference: str, show: Show) -> PlanStatusResult:
    with _CtrlC() as ctrl_c:
        return _look_until_still(client, reference, show, ctrl_c)


def _look_until_still(
    client: ApiClient, reference: str, show: Show, ctrl_c: _CtrlC
) -> PlanStatusResult:
    last = client.status(reference)
    away_since: float | None = None
    trouble = ""
    while True:
        show(last, trouble)
        ctrl_c.check()
        if last.status not in _MOVING:
            return last
        time.sleep(_PAUSE)
        try:
            last = client.status(reference)
            away_since, trouble = None, ""
        except NotRunning as fault:
            away_since = away_since or time.monotonic()
            if time.monotonic() - away_since > _AWAY_SECONDS:
                raise
            trouble = f"{fault} The work is stored; this waits for it."
            _look_again(client)


def _look_again(client: ApiClient) -> None:
    try:
        client.look_again()
    except NotRunning:
        return  # still away; the next round looks again


def _picture(status: PlanStatusResult, trouble: str, elapsed: float) -> RenderableType:
    counts = status.summary
    ended = counts.get("completed", 0) + counts.get("failed", 0)
    head = status_head(status)
    head.append(f"  {took(elapsed)}", style="dim")
    bar = ProgressBar(total=max(counts.get("total", 0), 1), completed=ended, width=40)
    # The bar alone does not end its line.
    parts: list[RenderableType] = [head, Padding(bar), step_table(status)]
    if trouble:
        parts.append(Text(trouble, style="yellow"))
    return Group(*parts)


class _Lines:
    """Prints each change once."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._seen: dict[int, TaskStatus] = {}
        self._trouble = ""

    def __call__(self, status: PlanStatusResult, trouble: str) -> None:
        if trouble and trouble != self._trouble:
            self._console.print(trouble, soft_wrap=True)
        self._trouble = trouble
        for task in status.tasks:
            if self._seen.get(task.step_number, TaskStatus.PENDING) is not task.status:
                step = f"{status.number}.{task.step_number} "
                where = f" ({task.agent_name})" if task.status is TaskStatus.EXECUTING else ""
                self._console.print(step, task_word(task.status), where, sep="")
            self._seen[task.step_number] = task.status
