"""Who can run a task, and who does it best: filters, exact scores, ties, sentences."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.domain.agents import (
    LEASE,
    AgentProfile,
    Performance,
    available,
    exclusion,
    score_parts,
    select,
)
from orchestrator.domain.plan import ResourceNeed
from tests.domain.make import ENTRY, NOON, make_agent, make_task

WORK = "deploy_service"


def test_an_agent_counts_as_silent_after_30_seconds() -> None:
    assert timedelta(seconds=30) == LEASE


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"agent_type": "code"}, "of type code"),
        ({"online": False}, "offline"),
        ({"status": "stopping"}, "stopping"),
        ({"capabilities": {}}, "cannot do deploy_service"),
        ({"capabilities": {WORK: "f" * 64}}, "has another version of deploy_service"),
        ({"free": ResourceNeed(memory_mb=4000)}, "too small: 1 cores needed, 0 free"),
        (
            {"free": ResourceNeed(cpu_cores=1, memory_mb=99)},
            "too small: 100 MiB of memory needed, 99 free",
        ),
    ],
)
def test_each_hard_filter_excludes_and_says_why(fields: dict[str, object], reason: str) -> None:
    assert exclusion(make_agent(), make_task(), []) is None
    assert exclusion(make_agent(**fields), make_task(), []) == reason


def test_a_gpu_is_a_hard_filter() -> None:
    task = make_task(resources=ResourceNeed(gpu_vram_mb=8000))
    assert exclusion(make_agent(), task, []) == ("too small: 8000 MiB of GPU memory needed, 0 free")
    big = make_agent(free=ResourceNeed(gpu_vram_mb=8000))
    assert exclusion(big, task, []) is None


def test_who_has_tried_is_out_until_it_is_started_again() -> None:
    agent = make_agent()
    tried = [("agent-1", "first")]
    assert exclusion(agent, make_task(), tried) == "has tried it already"
    assert exclusion(make_agent(incarnation="second"), make_task(), tried) is None
    assert exclusion(make_agent("agent-2"), make_task(), tried) is None


@pytest.mark.parametrize("target", ["node2", "rack", "node2.lan", "host=node2.lan"])
def test_a_label_names_a_target_by_key_value_or_both(target: str) -> None:
    labels = {"node2": "", "host": "node2.lan", "rack": "a"}
    assert exclusion(make_agent(labels=labels), make_task(target=target), []) is None


@pytest.mark.parametrize("target", ["node3", "host=node3", "Node2", "node", "host=", ""])
def test_an_agent_without_the_label_does_not_serve_the_target(target: str) -> None:
    agent = make_agent(labels={"host": "node2"})
    assert exclusion(agent, make_task(target=target), []) == f"does not serve {target}"


def test_without_a_target_any_agent_serves() -> None:
    assert make_agent(labels={}).serves(None)


@pytest.mark.parametrize(
    ("runs", "successes", "points"),
    [
        (0, 0, 20.0),
        (1, 1, 20.0),
        (10, 0, 20.0),
        (10, 10, 20.0),
        (11, 11, 40.0),
        (11, 0, 0.0),
        (20, 15, 30.0),
        (12, 4, 13.33),
    ],
)
def test_the_success_rate_counts_40_and_one_half_until_more_than_10_runs(
    runs: int, successes: int, points: float
) -> None:
    agent = make_agent(performance={WORK: Performance(runs=runs, successes=successes)})
    assert score_parts(agent, WORK, NOON)["success"] == points


@pytest.mark.parametrize(
    ("ago", "points"),
    [
        (timedelta(0), 30.0),
        (timedelta(hours=4), 30.0),
        (timedelta(hours=4, microseconds=1), 0.0),
        (timedelta(days=1), 0.0),
    ],
)
def test_the_same_work_within_4_hours_counts_30(ago: timedelta, points: float) -> None:
    agent = make_agent(performance={WORK: Performance(runs=1, last_done_at=NOON - ago)})
    assert score_parts(agent, WORK, NOON)["recent"] == points


def test_other_work_counts_nothing() -> None:
    other = Performance(runs=100, successes=100, last_done_at=NOON)
    agent = make_agent(performance={"restart_service": other}, specializations=("restart_service",))
    assert score_parts(agent, WORK, NOON) == {
        "success": 20.0,
        "recent": 0.0,
        "specialization": 0.0,
        "load": 10.0,
    }


def test_a_declared_specialization_counts_20() -> None:
    agent = make_agent(specializations=("other", WORK))
    assert score_parts(agent, WORK, NOON)["specialization"] == 20.0


@pytest.mark.parametrize(
    ("load", "points"), [(0, 10.0), (0.25, 7.5), (1, 0.0), (3, 0.0), (1 / 3, 6.67), (-1, 10.0)]
)
def test_an_idle_agent_gets_10_a_busy_one_none(load: float, points: float) -> None:
    assert score_parts(make_agent(load=load), WORK, NOON)["load"] == points


def test_the_best_of_all_has_100_points() -> None:
    best = make_agent(
        specializations=(WORK,),
        performance={WORK: Performance(runs=11, successes=11, last_done_at=NOON)},
    )
    choice = select([best], make_task(), NOON)
    assert choice.score == 100.0
    assert choice.sentence == (
        "agent-1: the only one that can, 100 of 100 points "
        "(success 40, recent 30, specialization 20, load 10)."
    )


def test_the_highest_score_wins_whatever_the_order() -> None:
    special = make_agent("special", specializations=(WORK,), load=0.5)
    idle = make_agent("idle")
    for agents in ([special, idle], [idle, special]):
        choice = select(agents, make_task(), NOON)
        assert choice.agent is not None
        assert (choice.agent.name, choice.score) == ("special", 45.0)
        assert choice.sentence.startswith("special: best of 2, 45 of 100 points")


def test_equal_scores_go_to_the_lower_load() -> None:
    """Loads above 1 earn the same no points, so that only the tie-break tells them apart."""
    agents = [make_agent("a", load=3), make_agent("b", load=2)]
    assert _chosen(agents) == "b"


def test_equal_scores_and_loads_go_by_name() -> None:
    assert _chosen([make_agent("b"), make_agent("c"), make_agent("a")]) == "a"


def test_every_agent_that_was_weighed_is_told_with_its_numbers() -> None:
    agents = [
        make_agent("able"),
        make_agent("coder", agent_type="code"),
        make_agent("full", reserved=ResourceNeed(cpu_cores=4)),
    ]
    views = {view.name: view for view in select(agents, make_task(), NOON).candidates}
    assert views["able"].excluded is None
    assert views["able"].score == 30.0
    assert views["able"].parts == {
        "success": 20.0,
        "recent": 0.0,
        "specialization": 0.0,
        "load": 10.0,
    }
    assert (views["coder"].excluded, views["coder"].score) == ("of type code", None)
    assert (views["full"].excluded, views["full"].parts) == ("1 cores needed, 0 free", {})


def test_reservations_of_open_attempts_make_a_task_wait() -> None:
    full = make_agent(reserved=ResourceNeed(cpu_cores=3.5))
    choice = select([full], make_task(), NOON)
    assert (choice.agent, choice.must_wait) == (None, True)
    assert choice.sentence == (
        "Waiting for a free infra agent (agent-1: 1 cores needed, 0.5 free)."
    )


def test_what_fits_exactly_fits() -> None:
    agent = make_agent(reserved=ResourceNeed(cpu_cores=3, memory_mb=3900))
    assert _chosen([agent]) == "agent-1"


def test_too_small_for_ever_is_no_waiting() -> None:
    small = make_agent(free=ResourceNeed(cpu_cores=0.5, memory_mb=4000))
    choice = select([small], make_task(), NOON)
    assert (choice.agent, choice.must_wait) == (None, False)
    assert "too small: 1 cores needed, 0.5 free" in choice.sentence


def test_an_over_booked_agent_shows_no_negative_room() -> None:
    agent = make_agent(reserved=ResourceNeed(cpu_cores=10))
    assert agent.lacks(ResourceNeed(cpu_cores=1)) == "1 cores needed, 0 free"


@pytest.mark.parametrize(
    "agents", [[], [make_agent("c", agent_type="code")]], ids=["nobody", "another pool"]
)
def test_an_empty_pool_is_said(agents: list[AgentProfile]) -> None:
    choice = select(agents, make_task(), NOON)
    assert choice.sentence == "No infra agent is registered."
    assert not choice.must_wait


def test_a_pool_that_cannot_is_said_with_each_reason_once() -> None:
    agents = [
        make_agent("a", online=False),
        make_agent("b", online=False),
        make_agent("c", capabilities={WORK: "old"}),
        make_agent("d", agent_type="code"),
    ]
    assert select(agents, make_task(), NOON).sentence == (
        "No infra agent can run deploy_service: has another version of deploy_service; offline."
    )


@pytest.mark.parametrize(
    ("fields", "waits"),
    [
        ({"status": "stopping"}, True),
        ({"status": "stopping", "online": False}, False),
        ({"status": "stopping", "capabilities": {WORK: "old"}}, False),
        ({"status": "stopping", "agent_type": "code"}, False),
        ({"status": "ready", "online": False}, False),
    ],
)
def test_a_task_waits_for_an_agent_that_is_about_to_start_again(
    fields: dict[str, object], *, waits: bool
) -> None:
    choice = select([make_agent(**fields)], make_task(), NOON)
    assert (choice.agent, choice.must_wait) == (None, waits)


def test_an_agent_that_tried_and_stops_is_waited_for_too() -> None:
    """Once it has started again it counts as another."""
    stopping = make_agent(status="stopping")
    assert select([stopping], make_task(), NOON, [("agent-1", "first")]).must_wait
    assert not select([make_agent()], make_task(), NOON, [("agent-1", "first")]).must_wait


def test_scores_are_told_to_two_places() -> None:
    third = make_agent(load=1 / 3, performance={WORK: Performance(runs=12, successes=4)})
    choice = select([third], make_task(), NOON)
    assert choice.score == choice.candidates[0].score == 20.0
    assert score_parts(third, WORK, NOON)["success"] == 13.33
    odd = make_agent(load=0.1 + 0.2, performance={WORK: Performance(runs=14, successes=1)})
    assert select([odd], make_task(), NOON).score == 9.86


def test_available_resources_are_what_online_agents_have_left() -> None:
    found = available(
        [
            make_agent("a", reserved=ResourceNeed(cpu_cores=1, memory_mb=500)),
            make_agent(
                "b",
                free=ResourceNeed(cpu_cores=2, gpu_vram_mb=8000),
                reserved=ResourceNeed(gpu_vram_mb=3000),
            ),
            make_agent("over", reserved=ResourceNeed(cpu_cores=9, memory_mb=9000)),
            make_agent("off", online=False),
        ]
    )
    assert (found.cpu_cores, found.memory_mb, found.gpu_vram_mb) == (5, 3500, 5000)
    assert [agent.name for agent in found.agents] == ["a", "b", "over", "off"]


_agents = st.builds(
    make_agent,
    st.text("abc", min_size=1, max_size=3),
    online=st.booleans(),
    agent_type=st.sampled_from(["infra", "code"]),
    status=st.sampled_from(["ready", "stopping"]),
    load=st.floats(0, 2),
    capabilities=st.sampled_from([{}, {WORK: ENTRY}, {WORK: "other"}]),
    reserved=st.builds(ResourceNeed, cpu_cores=st.floats(0, 6)),
    performance=st.builds(
        lambda runs, wins: {WORK: Performance(runs=runs, successes=min(runs, wins))},
        st.integers(0, 30),
        st.integers(0, 30),
    ),
)


@given(st.lists(_agents, max_size=6, unique_by=lambda agent: agent.agent_id))
def test_the_chosen_one_passes_every_filter_and_nobody_free_scores_more(
    agents: list[AgentProfile],
) -> None:
    task = make_task()
    choice = select(agents, task, NOON)
    scores = [view.score for view in choice.candidates if view.score is not None]
    assert all(0 <= score <= 100 for score in scores)
    if choice.agent is None:
        assert scores == []
        return
    assert exclusion(choice.agent, task, []) is None
    assert choice.agent.lacks(task.resources) is None
    assert choice.score == max(scores)
    assert not choice.must_wait


def _chosen(agents: list[AgentProfile]) -> str | None:
    agent = select(agents, make_task(), NOON).agent
    return None if agent is None else agent.name
