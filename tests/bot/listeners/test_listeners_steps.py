"""What people do about single steps: look at the output, retry, say what became of one."""

from functools import partial

import pytest

from bot import ids
from bot.ids import PlanButton, TaskButton
from orchestrator.domain.lifecycle import PlanStatus
from orchestrator.domain.views import PlanResult
from orchestrator.protocol import Outcome, WorkRequest, WorkResult
from orchestrator.testing import ScriptedAgent, result_of
from tests.bot.slack_scene import Scene
from tests.plugins.waiting import until


@pytest.fixture
def agents(mock_agent_pool: list[ScriptedAgent]) -> list[ScriptedAgent]:
    """Agents that fail at first."""
    behave(mock_agent_pool, Outcome.FAILED)
    return mock_agent_pool


def behave(agents: list[ScriptedAgent], outcome: Outcome) -> None:
    for agent in agents:
        agent.script = partial(ended, agent.agent_id, outcome)


def ended(agent_id: str, outcome: Outcome, work: WorkRequest) -> WorkResult:
    return result_of(work, agent_id, outcome)


async def reaches(scene: Scene, plan: PlanResult, status: PlanStatus) -> None:
    async def there() -> bool:
        return (await scene.service.get_plan(plan.plan_id)).status is status

    await until(there, what=status.value)


async def run(scene: Scene, text: str, status: PlanStatus) -> tuple[PlanResult, TaskButton]:
    plan = await scene.planned(text)
    await scene.clicks(ids.APPROVE, PlanButton(plan=plan.plan_id, digest=plan.digest))
    await reaches(scene, plan, status)
    return plan, TaskButton(plan=plan.plan_id, task=plan.tasks[0].task_id)


async def test_a_failed_step_is_run_again_by_its_button(
    scene: Scene, agents: list[ScriptedAgent]
) -> None:
    plan, step = await run(scene, "Deploy Kuma", PlanStatus.FAILED)
    behave(agents, Outcome.SUCCESS)
    await scene.clicks(ids.RETRY, step, moment="600.1")
    await reaches(scene, plan, PlanStatus.COMPLETED)
    assert not scene.slack.asked("chat.postEphemeral")


async def test_a_failed_step_is_run_again_by_a_word_in_its_thread(
    scene: Scene, agents: list[ScriptedAgent]
) -> None:
    plan, _ = await run(scene, "Deploy Kuma", PlanStatus.FAILED)
    behave(agents, Outcome.SUCCESS)
    await scene.says("retry 1", ts="100.2", thread_ts="100.1", user="U0SAM")
    await reaches(scene, plan, PlanStatus.COMPLETED)


async def test_a_failed_plan_is_resumed(scene: Scene, agents: list[ScriptedAgent]) -> None:
    plan, _ = await run(scene, "Deploy Kuma", PlanStatus.FAILED)
    behave(agents, Outcome.SUCCESS)
    button = PlanButton(plan=plan.plan_id, digest=plan.digest)
    await scene.clicks(ids.RESUME, button, moment="600.1")
    await reaches(scene, plan, PlanStatus.COMPLETED)


async def test_the_output_of_a_step_is_shown(scene: Scene, agents: list[ScriptedAgent]) -> None:
    _, step = await run(scene, "Deploy Kuma", PlanStatus.FAILED)
    await scene.clicks(ids.SHOW_LOGS, step, moment="600.1")
    assert "deploy_service: failed" in scene.slack.words("chat.postEphemeral")


@pytest.mark.parametrize(
    ("action", "status"),
    [
        (ids.MARK_DONE, PlanStatus.COMPLETED),
        (ids.MARK_FAILED, PlanStatus.FAILED),
        (ids.RETRY, PlanStatus.COMPLETED),
    ],
)
async def test_somebody_says_what_became_of_an_interrupted_step(
    scene: Scene, agents: list[ScriptedAgent], action: str, status: PlanStatus
) -> None:
    behave(agents, Outcome.INTERRUPTED)
    plan, step = await run(scene, "Restart gitea", PlanStatus.WAITING)
    behave(agents, Outcome.SUCCESS)
    await scene.clicks(action, step, moment="600.1")
    await reaches(scene, plan, status)
