"""One line each: a plan in a list, a step in a status."""

from bot.blocks.text import cut, person, plan_name
from bot.blocks.words import PLAN_WORDS, task_words
from orchestrator.domain.views import PlanListItem, TaskState


def plan_line(plan: PlanListItem) -> str:
    """Return a plan in one line: number, status, progress, who asked for what."""
    name = plan_name(plan.number, plan.revision)
    done = f"{plan.completed} of {plan.steps} done"
    request = cut(plan.request_text, 150)
    return f"*{name}* {PLAN_WORDS[plan.status]}, {done}, for {person(plan.requester)}: {request}"


def step_line(number: int, task: TaskState, *, name_limit: int = 150) -> str:
    """Return a step in one line: number, name, where it stands."""
    step = f"{number}.{task.step_number}"
    state = task_words(task, reason_limit=300, whole=f"whole: `why {step}`")
    return f"*{step}* {cut(task.name, name_limit)}: {state}"
