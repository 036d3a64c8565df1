"""A request that came in by a chat: kept first, thought about then, its card always the newest."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import update

from orchestrator.domain.conversation import NoticeKind
from orchestrator.domain.lifecycle import PlanStatus, RequestStatus, TaskStatus
from orchestrator.domain.request import Answer
from orchestrator.domain.views import Result
from orchestrator.errors import ErrorCode
from orchestrator.keeper import Keeper
from orchestrator.service import OrchestratorService
from orchestrator.settings import Settings
from orchestrator.store.tables import cards, notifications, people, plans, requests
from orchestrator.testing import ScriptedDecomposer
from tests.plugins.waiting import until
from tests.scene import USER, Desk, long_ago, silent
from tests.usecases.talk import ANN, BOB, CHANNEL, EVE, TEAM, THREAD, Talk


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Two named approvers."""
    return settings.model_copy(update={"admins": (ANN, BOB)})


@pytest.fixture
def talk(desk: Desk) -> Talk:
    """A thread in which nothing was said yet."""
    return Talk(desk)


class TestKeepingThenThinking:
    async def test_what_is_kept_is_pending_and_nobody_has_thought_about_it(
        self, desk: Desk
    ) -> None:
        kept = await desk.service.keep_request(
            "Deploy Gitea", EVE, team=TEAM, source_key="m-1", channel=CHANNEL, thread=THREAD
        )
        assert (kept.error, kept.status, kept.plan_id) == (None, RequestStatus.PENDING, None)
        (row,) = await desk.rows(requests)
        assert (row["team"], row["channel"], row["thread"]) == (TEAM, CHANNEL, THREAD)
        assert await desk.rows(plans) == []
        assert [each["person"] for each in await desk.rows(people)] == [EVE]

    async def test_two_kinds_of_event_about_one_message_are_one_request(self, desk: Desk) -> None:
        """A mention comes as `app_mention` and as `message`, and either may be delivered twice."""
        kept = await asyncio.gather(
            *(
                desk.service.keep_request(text, EVE, team=TEAM, source_key="T1:C1:17.1")
                for text in ["Deploy Gitea", "<@B> Deploy Gitea"] * 3
            )
        )
        assert len({each.request_id for each in kept}) == 1
        await asyncio.gather(*(desk.service.think(each.request_id) for each in kept))
        assert len(await desk.rows(requests)) == 1
        assert len(await desk.rows(plans)) == 1

    async def test_thinking_leads_where_submitting_leads(self, desk: Desk) -> None:
        kept = await desk.service.keep_request("Deploy Gitea", EVE)
        thought = await desk.service.think(kept.request_id)
        submitted = await desk.service.submit_request("Deploy Gitea", EVE)
        assert thought.status is submitted.status is RequestStatus.PARSING_COMPLETE
        assert (thought.plan_number, submitted.plan_number) == (1, 2)
        assert thought.decomposed_request == submitted.decomposed_request

    async def test_a_later_message_of_the_thread_refers_to_the_one_before(
        self, desk: Desk, talk: Talk
    ) -> None:
        await talk.asks("Deploy Gitea")
        found = (await talk.asks("restart it")).decomposed_request
        assert found is not None
        assert [(one.intent, one.parameters) for one in found.subtasks] == [
            ("restart_service", {"service": "gitea"})
        ]
        elsewhere = await Talk(desk, thread="1700000009.000900").asks("restart it")
        assert elsewhere.status is RequestStatus.REQUIRES_CLARIFICATION

    async def test_thinking_again_changes_nothing(self, desk: Desk) -> None:
        kept = await desk.service.keep_request("Deploy Gitea", EVE)
        first = await desk.service.think(kept.request_id)
        assert await desk.service.think(kept.request_id) == first
        assert len(await desk.rows(plans)) == 1

    async def test_an_open_question_is_not_thought_about_again(self, talk: Talk) -> None:
        asked = await talk.asks("Deploy a service")
        again = await talk.desk.service.think(asked.request_id)
        assert again.status is RequestStatus.REQUIRES_CLARIFICATION
        assert await talk.kinds() == [NoticeKind.QUESTION]

    async def test_what_cannot_be_taken_is_refused_before_it_is_kept(self, desk: Desk) -> None:
        refused = await desk.service.keep_request("  ", EVE)
        assert refused.error is not None
        assert refused.error.code is ErrorCode.INVALID_REQUEST
        assert await desk.rows(requests) == []

    async def test_nobody_thinks_about_what_was_never_asked(self, desk: Desk) -> None:
        missing = await desk.service.think("01a20000-0000-7000-8000-000000000001")
        assert missing.error is not None
        assert missing.error.code is ErrorCode.NOT_FOUND

    @pytest.mark.parametrize(
        ("text", "kinds", "shown"),
        [
            ("Deploy Gitea", [], 1),
            ("Deploy a service", [NoticeKind.QUESTION], 0),
            ("Sing me a song", [NoticeKind.OUT_OF_SCOPE], 0),
        ],
    )
    async def test_a_crash_between_the_two_loses_nothing(
        self, talk: Talk, text: str, kinds: list[NoticeKind], shown: int
    ) -> None:
        """The keeper takes the request up, and the thread hears of it once."""
        await talk.desk.service.keep_request(
            text, EVE, team=TEAM, channel=CHANNEL, thread=talk.thread
        )
        async with talk.desk.service.context.store.engine.begin() as connection:
            await connection.execute(update(requests).values(thinking_until=long_ago()))
        keeper = Keeper(talk.desk.service.context)
        await keeper.tick()
        await keeper.tick()
        assert await talk.kinds() == kinds
        assert len(await talk.cards()) == shown


class TestThread:
    async def test_the_newest_request_of_the_thread_is_found(self, talk: Talk) -> None:
        await talk.asks("Deploy Gitea")
        newest = await talk.asks("Deploy a service")
        await Talk(talk.desk, thread="2.2").asks("Deploy Grafana")
        found = await talk.desk.service.request_of_thread(TEAM, CHANNEL, talk.thread)
        assert found.request_id == newest.request_id
        assert [each.parameter for each in found.ambiguities] == ["service"]

    @pytest.mark.parametrize(
        "where", [("T2", CHANNEL, THREAD), (TEAM, "C2", THREAD), (TEAM, CHANNEL, "9.9")]
    )
    async def test_another_thread_holds_nothing(
        self, talk: Talk, where: tuple[str, str, str]
    ) -> None:
        await talk.asks("Deploy Gitea")
        found = await talk.desk.service.request_of_thread(*where)
        assert found.error is not None
        assert found.error.code is ErrorCode.NOT_FOUND

    async def test_no_question_is_open_once_it_is_answered(self, talk: Talk) -> None:
        asked = await talk.asks("Deploy a service")
        answer = Answer(ambiguity_id=asked.ambiguities[0].id, text="gitea")
        await talk.desk.service.answer_request(asked.request_id, [answer], EVE, team=TEAM)
        found = await talk.desk.service.request_of_thread(TEAM, CHANNEL, talk.thread)
        assert (found.ambiguities, found.plan_number) == ((), 1)


class TestCard:
    async def test_a_new_plan_has_a_card_that_says_all_of_it(self, talk: Talk) -> None:
        asked = await talk.asks("Restart gitea, then list my services")
        (card,) = await talk.cards()
        assert (card.team, card.channel, card.thread) == (TEAM, CHANNEL, THREAD)
        assert (card.messages, card.approvers) == ((), (ANN, BOB))
        assert card.plan == await talk.desk.service.get_plan(asked.plan_id or "")
        assert card.state == await talk.desk.service.get_plan_status(asked.plan_id or "")
        assert (card.decided_at, card.decision_notes, card.policy) == (None, None, None)
        assert await talk.cards() == []

    async def test_a_decided_card_says_who_when_and_why(self, talk: Talk) -> None:
        asked = await talk.asks("Deploy Gitea")
        await talk.cards()
        await talk.desk.service.approve_plan(
            asked.plan_id or "", user_approval=False, user_id=BOB, team=TEAM, notes="Not today."
        )
        (card,) = await talk.cards()
        assert card.plan.status is PlanStatus.REJECTED
        assert (card.plan.decided_by, card.decision_notes, card.policy) == (
            BOB,
            "Not today.",
            "admin",
        )
        assert card.decided_at is not None
        assert card.messages == ("1700000000.000200",)
        assert await talk.replies() == []

    async def test_the_newest_state_is_drawn_however_much_happened(self, talk: Talk) -> None:
        asked = await talk.asks("Restart gitea, then list my services")
        plan = await talk.desk.service.get_plan(asked.plan_id or "")
        await talk.approves(asked.plan_id)
        await talk.desk.ended(plan)
        (card,) = await talk.cards()
        assert card.version > 2
        assert card.plan.status is card.state.status is PlanStatus.COMPLETED
        assert {task.status for task in card.state.tasks} == {TaskStatus.COMPLETED}
        assert await talk.cards() == []

    async def test_progress_is_drawn(self, talk: Talk) -> None:
        for agent in talk.desk.pool:
            agent.script = silent
        asked = await talk.asks("Deploy Gitea")
        await talk.approves(asked.plan_id)
        pool = talk.desk.pool
        await until(lambda: any(agent.started for agent in pool), what="the start")
        agent = next(each for each in pool if each.started)
        await talk.cards()
        await agent.progress(agent.received[0], 1, 40, "four of ten")
        (card,) = await talk.cards()
        assert card.state.tasks[0].progress == 40
        assert card.state.execution_logs[0].output == "four of ten"

    async def test_a_plan_that_expires_is_drawn(self, talk: Talk) -> None:
        await talk.asks("Deploy Gitea")
        await talk.cards()
        async with talk.desk.service.context.store.engine.begin() as connection:
            await connection.execute(update(plans).values(expires_at=long_ago()))
        await Keeper(talk.desk.service.context).tick()
        (card,) = await talk.cards()
        assert card.plan.status is PlanStatus.EXPIRED

    async def test_a_plan_that_was_tampered_with_keeps_no_other_from_being_shown(
        self, talk: Talk
    ) -> None:
        broken = await talk.asks("Deploy Gitea")
        await talk.asks("Deploy Grafana")
        async with talk.desk.service.context.store.engine.begin() as connection:
            spoilt = update(plans).where(plans.c.id == broken.plan_id)
            await connection.execute(spoilt.values(complexity="endless"))
        assert [card.plan.number for card in await talk.cards()] == [2]

    async def test_what_is_due_wakes_the_bot(self, talk: Talk) -> None:
        waiting = talk.desk.service.conversation_waiting
        assert not waiting.is_set()
        asked = await talk.asks("Deploy Gitea")
        assert waiting.is_set()
        await talk.cards()
        waiting.clear()
        await talk.desk.service.get_plan(asked.plan_id or "")
        assert not waiting.is_set()
        await talk.approves(asked.plan_id)
        assert waiting.is_set()

    async def test_a_request_without_a_channel_owes_nobody_anything(self, desk: Desk) -> None:
        plan = await desk.planned("Restart gitea, then list my services")
        await desk.service.approve_plan(plan.plan_id, user_id=ANN)
        await desk.ended(plan)
        await desk.service.submit_request("Deploy a service", USER)
        await desk.service.submit_request("Sing me a song", USER)
        assert await desk.rows(cards) == []
        assert await desk.rows(notifications) == []
        assert not desk.service.conversation_waiting.is_set()


Call = Callable[[OrchestratorService, str], Awaitable[Result]]

_CALLS: dict[str, Call] = {
    "card_shown": lambda service, key: service.card_shown(key, version=1, messages=()),
    "card_released": lambda service, key: service.card_released(key, retry_after=1),
    "notice_posted": lambda service, key: service.notice_posted(key),
    "notice_released": lambda service, key: service.notice_released(key, retry_after=1),
}


@pytest.mark.parametrize("call", _CALLS.values(), ids=_CALLS.keys())
async def test_what_was_never_owed_is_not_found(desk: Desk, call: Call) -> None:
    answer = await call(desk.service, "01a20000-0000-7000-8000-000000000001")
    assert answer.error is not None
    assert answer.error.code is ErrorCode.NOT_FOUND


@pytest.mark.parametrize("seconds", [-5, 0])
async def test_what_is_released_at_once_is_due_at_once(talk: Talk, seconds: float) -> None:
    await talk.asks("Deploy Gitea")
    await talk.asks("Deploy a service")
    for _ in range(2):
        (card,) = (await talk.desk.service.due_cards()).cards
        await talk.desk.service.card_released(card.card_id, retry_after=seconds)
        (notice,) = (await talk.desk.service.due_notices()).notices
        await talk.desk.service.notice_released(notice.notice_id, retry_after=seconds)


async def test_what_is_released_for_ever_comes_back_within_the_hour(talk: Talk) -> None:
    await talk.asks("Deploy Gitea")
    (card,) = (await talk.desk.service.due_cards()).cards
    await talk.desk.service.card_released(card.card_id, retry_after=float("inf"))
    (row,) = await talk.desk.rows(cards)
    assert 3500 < (row["claimed_until"] - row["updated_at"]).total_seconds() < 3700


async def test_a_fault_while_understanding_is_told_in_the_thread(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = ScriptedDecomposer(ZeroDivisionError("secret"))
    monkeypatch.setattr(talk.desk.service.context.decomposer, "decompose", fault.decompose)
    kept = await talk.desk.service.keep_request(
        "Deploy Gitea", EVE, team=TEAM, channel=CHANNEL, thread=THREAD
    )
    assert (await talk.desk.service.think(kept.request_id)).error is not None
    (notice,) = await talk.replies()
    (row,) = await talk.desk.rows(requests)
    assert (notice.kind, notice.requester) == (NoticeKind.REQUEST_FAILED, EVE)
    assert notice.content == {
        "reason": "It could not be understood because of a fault.",
        "hint": f"Ask it again. The log tells more under {row['correlation_id']}.",
    }


async def test_a_database_that_goes_away_while_planning_costs_only_time(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is given up, neither the request nor its plan: the keeper does the whole again."""

    def away(*_: object, **__: object) -> None:
        raise OSError("the database is away")

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(talk.desk.service.context.planner, "generate_plan", away)
        asked = await talk.desk.service.submit_request("Deploy Gitea", EVE, team=TEAM)
    assert asked.error is not None
    (row,) = await talk.desk.rows(requests)
    assert row["status"] == RequestStatus.PENDING
    assert await talk.replies() == []
    async with talk.desk.service.context.store.engine.begin() as connection:
        await connection.execute(update(requests).values(thinking_until=long_ago()))
    await Keeper(talk.desk.service.context).tick()
    assert len(await talk.desk.rows(plans)) == 1


async def test_a_fault_while_planning_is_told_in_the_thread(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(talk.desk.service.context.planner, "generate_plan", fault)
    await talk.asks("Deploy Gitea")
    (notice,) = await talk.replies()
    assert notice.content["reason"] == "It was understood, but it could not be planned."
    assert await talk.cards() == []
