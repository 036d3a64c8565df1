"""`chiffon ask`, against a real server."""

import json

import pytest

from orchestrator.domain.lifecycle import PlanStatus
from tests.api.fake_scene import HOSTILE
from tests.cli.conftest import Chiffon, Running


def plan_status(running: Running) -> PlanStatus:
    return running.service.plans[0].status


def test_yes_approves_what_was_shown_and_follows_to_the_end(
    running: Running, chiffon: Chiffon
) -> None:
    done = chiffon("ask", "restart nginx", answers="y\n")
    assert done.exit_code == 0, done.output
    assert "Plan #1" in done.output
    assert "approve? [y/N]" in done.output
    assert "1.1 at work (embedded)" in done.output
    assert "1.2 Restart nginx on node2 done in 0.8 s" in done.output
    assert plan_status(running) is PlanStatus.COMPLETED
    approval = next(given for name, given in running.service.calls if name == "approve")
    assert approval["digest"] == running.service.plans[0].shown.digest


def test_the_plan_is_shown_whole(running: Running, chiffon: Chiffon) -> None:
    output = chiffon("ask", "restart nginx with a model, partly", answers="").output
    for part in (
        "1. Restart nginx on node1",
        "2. Restart nginx on node2",
        "restart_service",
        'service = "nginx"',
        "port = 81",
        'tags = ["a", "b"]',
        "pool infra that serves node2",
        "medium",
        "1 core, 64 MiB memory, 8 MiB GPU memory, about 20 s",
        "after    step 1",
        "“restart nginx",
        "93% sure",
        "files only, nothing will be started",
        "Left out: “make coffee”",
        "external language model",
        "One approver: nobody else looked.",
        running.service.plans[0].shown.digest[:16],
    ):
        assert part in output, part


def test_nothing_that_others_wrote_steers_the_terminal(running: Running, chiffon: Chiffon) -> None:
    output = chiffon("ask", f"restart {HOSTILE}", answers="y\n").output
    assert "\x1b" not in output
    assert "\u202e" not in output
    assert "[red]not red[/red] <U+001B>[31mESC<U+001B>[0m <U+202E>flip" in output


def test_no_rejects(running: Running, chiffon: Chiffon) -> None:
    done = chiffon("ask", "restart nginx", answers="n\n")
    assert done.exit_code == 1
    assert "Plan #1 is rejected; nothing was done." in done.output
    assert plan_status(running) is PlanStatus.REJECTED


@pytest.mark.parametrize("answers", ["", "\n", "perhaps\n"])
def test_anything_else_leaves_the_plan_waiting(
    running: Running, chiffon: Chiffon, answers: str
) -> None:
    done = chiffon("ask", "restart nginx", answers=answers)
    assert done.exit_code == 1
    assert "`chiffon plan approve 1`" in done.output
    assert plan_status(running) is PlanStatus.PENDING_APPROVAL
    assert chiffon("plan", "approve", "1").exit_code == 0
    assert plan_status(running) is PlanStatus.APPROVED


def test_unquoted_words_are_one_request(running: Running, chiffon: Chiffon) -> None:
    assert chiffon("ask", "--yes", "restart", "nginx", "now").exit_code == 0
    assert running.service.calls[0][1]["text"] == "restart nginx now"


def test_the_person_is_named(running: Running, chiffon: Chiffon) -> None:
    chiffon("ask", "--as", "carol", "restart nginx")
    assert running.service.calls[0][1]["user"] == "carol"


def test_without_a_name_the_user_of_the_machine_speaks(
    running: Running, chiffon: Chiffon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "dora")
    chiffon("ask", "restart nginx")
    assert running.service.calls[0][1]["user"] == "dora"


def test_a_failed_step_is_exit_1_with_the_reason_and_what_to_do(
    running: Running, chiffon: Chiffon
) -> None:
    done = chiffon("ask", "-y", "break it")
    assert done.exit_code == 1
    assert "the unit is masked" in done.output
    assert "`chiffon plan retry 1.2`" in done.output
    assert "`chiffon plan resume 1`" in done.output


def test_an_unknown_outcome_says_what_to_decide(running: Running, chiffon: Chiffon) -> None:
    done = chiffon("ask", "-y", "vanish")
    assert done.exit_code == 1
    assert "1.2 may or may not have happened" in done.output
    assert "`chiffon plan resolve 1.2 done`" in done.output


def test_the_end_of_long_output_is_shown_and_where_the_rest_is(
    running: Running, chiffon: Chiffon
) -> None:
    output = chiffon("ask", "-y", "restart nginx").output
    assert "line 30 " in output
    assert "line 21 " in output
    assert "line 20 " not in output
    assert "… 20 lines before; `chiffon plan show 1 --output` shows all" in output


def test_questions_are_asked_back_and_options_have_numbers(
    running: Running, chiffon: Chiffon
) -> None:
    done = chiffon("ask", "which", answers="\n2\nnode 7\ny\n")
    assert done.exit_code == 0, done.output
    assert "Which service?" in done.output
    assert "2. traefik" in done.output
    answers = next(given["answers"] for name, given in running.service.calls if name == "answer")
    assert [(each.ambiguity_id, each.text) for each in answers] == [  # type: ignore[attr-defined] # a list
        ("service", "traefik"),
        ("host", "node 7"),
    ]


@pytest.mark.parametrize(("typed", "meant"), [("9", "9"), ("0", "0"), ("nginx", "nginx")])
def test_what_is_no_option_s_number_is_the_answer_itself(
    running: Running, chiffon: Chiffon, typed: str, meant: str
) -> None:
    chiffon("ask", "which", answers=f"{typed}\nhere\n")
    answers = next(given["answers"] for name, given in running.service.calls if name == "answer")
    assert answers[0].text == meant  # type: ignore[index] # a list


@pytest.mark.parametrize("answers", ["", "nginx\n", "\n\n\n"])
def test_without_answers_nothing_is_planned_and_the_questions_are_said(
    running: Running, chiffon: Chiffon, answers: str
) -> None:
    done = chiffon("ask", "which", answers=answers)
    assert done.exit_code == 1
    assert "nothing was planned" in done.output
    assert done.output.count("Which service?") == 1
    assert done.output.count("On which host?") == 1
    assert running.service.plans == []


def test_out_of_scope_is_said_in_a_sentence_beside_what_can_be_done(
    running: Running, chiffon: Chiffon
) -> None:
    done = chiffon("ask", "make coffee")
    assert done.exit_code == 1
    assert (
        "Nothing here can do “make coffee”. What can be done: restart services, deploy services."
        in done.output
    )


def test_a_plan_that_takes_time_is_waited_for(running: Running, chiffon: Chiffon) -> None:
    done = chiffon("ask", "-y", "a slow one")
    assert done.exit_code == 0, done.output
    assert running.service.not_ready == 0


def test_a_plan_that_never_comes_is_said(
    running: Running, chiffon: Chiffon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.cli.client._PLAN_SECONDS", 0.0)
    done = chiffon("ask", "-y", "a slow one")
    assert (done.exit_code, done.stderr) == (1, "The plan is being made.\n")


def test_a_request_that_could_not_be_understood_is_said(running: Running, chiffon: Chiffon) -> None:
    done = chiffon("ask", "a puzzle")
    assert done.exit_code == 1
    assert "because of a fault; ask again" in done.output


def test_a_refusal_is_one_sentence_and_exit_1(running: Running, chiffon: Chiffon) -> None:
    done = chiffon("ask", " ")
    assert (done.exit_code, done.stderr) == (1, "The request is empty. Say it.\n")


def test_a_fault_is_told_with_its_id_and_without_a_trace(
    running: Running, chiffon: Chiffon
) -> None:
    done = chiffon("ask", "fault")
    assert done.exit_code == 1
    assert "Fault id: " in done.stderr
    assert "Traceback" not in done.output


def test_nothing_to_ask_is_wrong_usage(chiffon: Chiffon) -> None:
    assert chiffon("ask").exit_code == 2


def test_a_program_gets_one_document_and_the_plan_waits(running: Running, chiffon: Chiffon) -> None:
    done = chiffon("ask", "--json", "restart nginx")
    assert done.exit_code == 0
    document = json.loads(done.stdout)
    assert document["request"]["status"] == "parsing_complete"
    assert document["plan"]["number"] == 1
    assert document["status"] is None
    assert plan_status(running) is PlanStatus.PENDING_APPROVAL


@pytest.mark.parametrize(("text", "exit_code"), [("restart nginx", 0), ("break it", 1)])
def test_a_program_may_approve_at_once(
    running: Running, chiffon: Chiffon, text: str, exit_code: int
) -> None:
    done = chiffon("ask", "--json", "--yes", text)
    assert done.exit_code == exit_code
    assert json.loads(done.stdout)["status"]["summary"]["total"] == 2


def test_a_program_reads_refusals_and_questions_too(running: Running, chiffon: Chiffon) -> None:
    refused = chiffon("ask", "--json", "")
    assert refused.exit_code == 1
    assert json.loads(refused.stdout)["error"]["code"] == "invalid_request"
    open_request = chiffon("ask", "--json", "which")
    assert open_request.exit_code == 1
    assert json.loads(open_request.stdout)["request"]["ambiguities"][0]["id"] == "service"
