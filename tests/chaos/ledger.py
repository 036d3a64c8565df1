"""The ledger: what was promised, held against what was really done."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tests.chaos.clients import Wish
from tests.chaos.rows import Records, Row
from tests.chaos.work import BY_CAPABILITY, Line

ENDED = frozenset({"completed", "failed", "rejected", "cancelled", "expired"})
_NEVER_STARTED = frozenset({"superseded"})


@dataclass
class Ledger:
    """Counts, and for each broken promise what it is and about which plan."""

    attempted: int = 0
    accepted: int = 0
    done: int = 0
    failed: int = 0
    called_off: int = 0
    repeated: int = 0
    unknown: int = 0
    findings: list[tuple[str, int | None, str]] = field(default_factory=list)

    def find(self, kind: str, plan: int | None, what: str) -> None:
        self.findings.append((kind, plan, what))

    def count(self, kind: str) -> int:
        return sum(found == kind for found, _, _ in self.findings)

    @property
    def is_clean(self) -> bool:
        return not self.findings

    def rows(self) -> list[tuple[str, int, str]]:
        """Return the table: name, number, what it means."""
        return [
            ("attempted", self.attempted, "requests that somebody made"),
            ("accepted", self.accepted, "plans that Chiffon said it would carry out"),
            ("done", self.done, "of them done, every effect seen"),
            ("failed", self.failed, "of them failed, and said so"),
            ("called off", self.called_off, "of them cancelled in time or on the way"),
            ("unknown", self.unknown, "steps of unknown outcome, announced; a person decided"),
            ("repeated", self.repeated, "harmless steps that were done again after a kill"),
            ("LOST", self.count("lost"), "accepted, and then forgotten"),
            ("DUPLICATED", self.count("duplicated"), "done twice, though once was promised"),
            ("UNAPPROVED", self.count("unapproved"), "done, though nobody approved just that"),
            ("FALSE", self.count("false"), "said to be so, and the canary says otherwise"),
            ("STUCK", self.count("stuck"), "neither ended nor in a person's hands"),
        ]


class Judge:
    """Reads the records and the canary, and fills a ledger."""

    def __init__(self, wishes: Sequence[Wish], records: Records, lines: Sequence[Line]) -> None:
        self._wishes = wishes
        self._records = records
        self.ledger = Ledger(attempted=len(wishes))
        self._plans = {plan["id"]: plan for plan in records.plans}
        self._tasks = {task["id"]: task for task in records.tasks}
        self._attempts = {attempt["id"]: attempt for attempt in records.attempts}
        self._by_task: defaultdict[str, list[Row]] = defaultdict(list)
        for attempt in records.attempts:
            self._by_task[attempt["task_id"]].append(attempt)
        self._begun: defaultdict[str, int] = defaultdict(int)
        self._effects: defaultdict[str, list[Line]] = defaultdict(list)
        for line in lines:
            if line.what == "effect":
                self._effects[line.attempt_id].append(line)
            else:
                self._begun[line.attempt_id] += 1

    def effects_of(self, task_id: str) -> list[Line]:
        """Return what was really done of a task."""
        return [line for each in self._by_task[task_id] for line in self._effects[each["id"]]]

    def judge(self) -> Ledger:
        self._judge_wishes()
        for request in self._records.requests:
            if request["status"] in {"pending", "failed"}:
                self.ledger.find("stuck", None, f"a request is {request['status']}")
        self._judge_canary()
        for task in self._records.tasks:
            self._judge_task(task)
        for attempt in self._records.attempts:
            self._judge_attempt(attempt)
        return self.ledger

    def _number(self, plan_id: str) -> int:
        return int(self._plans[plan_id]["number"])

    def _judge_wishes(self) -> None:
        decided = {row["plan_id"]: row["decision"] for row in self._records.approvals}
        for wish in self._wishes:
            if wish.number is None:
                self._judge_unplanned(wish)
                continue
            plan = self._plans.get(wish.plan_id)
            if plan is None:
                self.ledger.find("lost", wish.number, "the plan that was shown is gone")
                continue
            if wish.approved:
                self.ledger.accepted += 1
                self._judge_accepted(wish, plan, decided.get(wish.plan_id))
            undecided = plan["status"] == "pending_approval" and not wish.is_decided
            if plan["status"] not in ENDED and not undecided:
                self.ledger.find("stuck", wish.number, f"it is {plan['status']}")
            if wish.approved and wish.rejected:
                self.ledger.find("false", wish.number, "both a yes and a no were accepted")

    def _judge_unplanned(self, wish: Wish) -> None:
        """What was never answered was not accepted; what was, is planned or still asked about."""
        if wish.refused:
            self.ledger.find("stuck", None, f"{wish.key} has no plan: {wish.refused}")

    def _judge_accepted(self, wish: Wish, plan: Row, decision: str | None) -> None:
        if decision != "approved":
            self.ledger.find("lost", wish.number, "its approval was answered, and is gone")
        status = plan["status"]
        self.ledger.done += status == "completed"
        self.ledger.failed += status == "failed"
        self.ledger.called_off += status == "cancelled"
        if wish.cancelled and status != "cancelled":
            self.ledger.find("lost", wish.number, f"it was cancelled, and is {status}")
        if status == "failed" and not self._has_reason(plan["id"]):
            self.ledger.find("false", wish.number, "it failed, and no step of it says why")

    def _has_reason(self, plan_id: str) -> bool:
        return any(
            task["plan_id"] == plan_id and task["status"] == "failed" and task["reason"]
            for task in self._records.tasks
        )

    def _judge_canary(self) -> None:
        """Everything that was done was shown to somebody, and approved."""
        approved = {
            row["plan_id"] for row in self._records.approvals if row["decision"] == "approved"
        }
        shown = {wish.plan_id: wish.shown for wish in self._wishes}
        for attempt_id, lines in self._effects.items():
            attempt = self._attempts.get(attempt_id)
            if attempt is None:
                self.ledger.find("unapproved", None, f"an effect of attempt {attempt_id}: no row")
                continue
            number, task = self._number(attempt["plan_id"]), self._tasks[attempt["task_id"]]
            step = task["step_number"]
            if attempt["plan_id"] not in approved:
                self.ledger.find("unapproved", number, f"step {step} was done without a yes")
            wanted = shown.get(attempt["plan_id"], [])
            if wanted and wanted[step - 1] != lines[0].capability:
                what = f"step {step} was shown as {wanted[step - 1]}, done: {lines[0].capability}"
                self.ledger.find("unapproved", number, what)
            if len(lines) > 1 or self._begun[attempt_id] > 1:
                what = f"attempt {attempt['number']} of step {step} ran {len(lines)} times"
                self.ledger.find("duplicated", number, what)

    def _judge_task(self, task: Row) -> None:
        done, thing = self.effects_of(task["id"]), BY_CAPABILITY[task["capability"]]
        number, step = self._number(task["plan_id"]), task["step_number"]
        if len(done) > 1:
            if thing.idempotent:
                self.ledger.repeated += len(done) - 1
            else:
                self.ledger.find("duplicated", number, f"step {step} was done {len(done)} times")
        status = task["status"]
        if status == "completed" and (thing.fails or not done):
            how = "it always fails" if thing.fails else "nothing was done"
            self.ledger.find("false", number, f"step {step} is called completed, and {how}")
        if status in {"skipped", "pending", "held", "dispatched"} and done:
            self.ledger.find("false", number, f"step {step} is {status}, and was done")
        in_work = status in {"executing", "dispatched", "outcome_unknown"}
        if in_work and self._plans[task["plan_id"]]["status"] in ENDED:
            self.ledger.find("stuck", number, f"its plan has ended, step {step} is {status}")

    def _judge_attempt(self, attempt: Row) -> None:
        number, task = self._number(attempt["plan_id"]), self._tasks[attempt["task_id"]]
        where = f"attempt {attempt['number']} of step {task['step_number']}"
        done, status = self._effects[attempt["id"]], attempt["status"]
        if attempt["ended_at"] is None:
            self.ledger.find("stuck", number, f"{where} is {status}")
        if status == "succeeded" and not done:
            self.ledger.find("false", number, f"{where} succeeded, and nothing was done")
        if done and (status in _NEVER_STARTED or attempt["started_at"] is None):
            self.ledger.find("false", number, f"{where} never started ({status}), and was done")


def worst(findings: Iterable[tuple[str, int | None, str]]) -> int | None:
    """Return the number of the first plan that something is found about."""
    return next((plan for _, plan, _ in findings if plan is not None), None)
