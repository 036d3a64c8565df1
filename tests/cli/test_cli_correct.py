"""`chiffon correct`, and `chiffon plan remember`, against a real server."""

import json

import pytest

from orchestrator.domain.lifecycle import PlanStatus
from orchestrator.domain.request import Correction
from orchestrator.errors import Error, ErrorCode
from tests.cli.conftest import Chiffon, Running

# Which capability, then each field: service, tags, host, force, note.
MEANT = "1\n" + "caddy\n" + "\n" + "2\n" + "1\n" + "\n"
AS_IT_IS = "1\n" + "\n" * 5
_UNKNOWN = (
    "stop_service has no parameter `servce`. It has `tags`, `service`, `host`, `force`, `note`.\n"
)


@pytest.fixture
def planned(running: Running, chiffon: Chiffon) -> Chiffon:
    chiffon("ask", "restart nginx")
    return chiffon


def corrections(running: Running) -> list[Correction]:
    given = [given["correction"] for name, given in running.service.calls if name == "correct"]
    return [each for each in given if isinstance(each, Correction)]


def statuses(running: Running) -> list[PlanStatus]:
    return [plan.status for plan in running.service.plans]


def test_what_was_meant_is_asked_for_and_its_plan_is_followed_to_the_end(
    planned: Chiffon, running: Running
) -> None:
    done = planned("correct", "1", answers=MEANT + "y\n")
    assert done.exit_code == 0, done.output
    for part in (
        "Plan #1  “restart nginx”",
        "Understood as: Restart nginx",
        "What did you mean?",
        "1. stop_service: Do stop service",
        "5. restart_service, as it was understood, with other values",
        "`chiffon catalog list`",
        "service: Name of the service",
        "service [nginx]: ",
        "tags: several are joined by commas; - leaves it out",
        "tags [a, b]: ",
        "host: if left out: node1; may be left out",
        "2. node2",
        "1. yes",
        "Plan #2  waits for approval",
        "approve? [y/N]",
        "2 of 2 steps done",
    ):
        assert part in done.output, part
    assert "\x1b" not in done.output
    assert "\u202e" not in done.output
    assert corrections(running) == [
        Correction(
            capability="stop_service",
            parameters={"service": "caddy", "tags": ["a", "b"], "host": "node2", "force": "yes"},
            order=1,
            plan_id=running.service.plans[0].shown.plan_id,
        )
    ]
    assert statuses(running) == [PlanStatus.SUPERSEDED, PlanStatus.COMPLETED]


@pytest.mark.parametrize("cut", range(len(MEANT.splitlines())))
def test_at_the_end_of_input_nothing_is_changed_and_that_is_said(
    planned: Chiffon, running: Running, cut: int
) -> None:
    answers = "".join(MEANT.splitlines(keepends=True)[:cut])
    done = planned("correct", "1", answers=answers)
    assert done.exit_code == 1
    assert done.output.rstrip().endswith("Nothing was changed.")
    assert corrections(running) == []
    assert statuses(running) == [PlanStatus.PENDING_APPROVAL]


@pytest.mark.parametrize(
    ("answers", "status"),
    [("", PlanStatus.PENDING_APPROVAL), ("n\n", PlanStatus.REJECTED)],
)
def test_the_new_plan_waits_for_its_own_yes(
    planned: Chiffon, running: Running, answers: str, status: PlanStatus
) -> None:
    done = planned("correct", "1", answers=AS_IT_IS + answers)
    assert done.exit_code == 1
    assert statuses(running) == [PlanStatus.SUPERSEDED, status]
    assert corrections(running)[0].parameters == {"service": "nginx", "tags": ["a", "b"]}


@pytest.mark.parametrize("typed", ["other_6", "6\n\nother_6"])
def test_another_capability_goes_by_its_name(
    planned: Chiffon, running: Running, typed: str
) -> None:
    planned("correct", "1", answers=f"{typed}\n" + "\n" * 5)
    assert corrections(running)[0].capability == "other_6"


def test_a_capability_that_is_none_is_said_and_asked_again_three_times(
    planned: Chiffon, running: Running
) -> None:
    done = planned("correct", "1", answers="rm_rf\n9\n\n")
    assert done.exit_code == 1
    assert "There is no capability `rm_rf`; see `chiffon catalog list`." in done.output
    assert done.output.count("There is no capability") == 2  # nothing typed is simply asked again
    assert done.output.rstrip().endswith("Nothing was changed.")
    assert corrections(running) == []


def test_a_value_that_is_refused_is_said_and_asked_for_again(
    planned: Chiffon, running: Running
) -> None:
    done = planned("correct", "1", answers="1\ncaddy\n\n\n\nwrong\n-\n")
    assert "stop_service: `note` must be another one. Like this." in done.output
    assert done.output.count("note: may be left out") == 2
    assert done.output.count("service: Name of the service") == 1
    first, second = corrections(running)
    assert first.parameters == {**second.parameters, "note": "wrong"}
    assert second.parameters == {"service": "caddy", "tags": ["a", "b"]}


def test_a_value_may_be_put_right(planned: Chiffon, running: Running) -> None:
    planned("correct", "1", answers="1\nwrong\n-\n\n\n\ncaddy\n")
    assert corrections(running)[-1].parameters == {"service": "caddy"}


def test_a_value_that_stays_wrong_ends_it(planned: Chiffon, running: Running) -> None:
    done = planned("correct", "1", answers="1\nwrong\n\n\n\n\n" + "wrong\n" * 9)
    assert done.exit_code == 1
    assert done.stderr == "stop_service: `service` must be another one. Like this.\n"
    assert len(corrections(running)) == 4
    assert statuses(running) == [PlanStatus.PENDING_APPROVAL]


def test_a_needed_value_that_is_not_said_ends_it(planned: Chiffon, running: Running) -> None:
    done = planned("correct", "1", answers="1\nwrong\n\n\n\n\n\n\n\n")
    assert done.exit_code == 1
    assert done.output.rstrip().endswith("Nothing was changed.")
    assert len(corrections(running)) == 1


def test_a_refusal_of_another_kind_is_one_sentence(planned: Chiffon, running: Running) -> None:
    running.service.error = Error(
        code=ErrorCode.CONFLICT, message="It was changed meanwhile.", hint="Look again."
    )
    done = planned("correct", "1", answers=AS_IT_IS)
    assert (done.exit_code, done.stderr) == (1, "It was changed meanwhile. Look again.\n")


@pytest.mark.parametrize(
    ("typed", "order"), [("2", 2), ("Restart nginx twice", 2), ("7\n\n1", 1), ("3", None)]
)
def test_one_part_of_several_may_be_meant(
    running: Running, chiffon: Chiffon, typed: str, order: int | None
) -> None:
    chiffon("ask", "restart several")
    done = chiffon("correct", "1", answers=f"{typed}\n{AS_IT_IS}")
    assert "Which part is not what you meant?" in done.output
    assert "3. All of it" in done.output
    assert corrections(running)[0].order == order
    asked = [given["order"] for name, given in running.service.calls if name == "options"]
    assert asked == [None, *([] if order is None else [order])]


def test_no_part_that_there_is_changes_nothing(running: Running, chiffon: Chiffon) -> None:
    chiffon("ask", "restart several")
    done = chiffon("correct", "1", answers="8\n9\n\n")
    assert "There is no part “9”." in done.output
    assert (done.exit_code, corrections(running)) == (1, [])


def test_the_part_may_be_named(running: Running, chiffon: Chiffon) -> None:
    chiffon("ask", "restart several")
    done = chiffon("correct", "1", "--part", "2", answers=AS_IT_IS)
    assert "Which part" not in done.output
    assert "Understood as: Restart nginx twice\n" in done.output
    assert corrections(running)[0].order == 2
    assert chiffon("correct", "2", "--part", "0").exit_code == 2


def test_one_of_several_parts_is_not_taken_for_all_of_them(
    running: Running, chiffon: Chiffon
) -> None:
    chiffon("ask", "restart several")
    done = chiffon("correct", "1", "stop_service", "service=gitea", "--yes")
    assert done.exit_code == 1
    assert done.stderr == (
        "The request has several parts: 1. Restart nginx; 2. Restart nginx twice. "
        "Nothing was changed. Say which one you mean with `--part 1`, or `--part all`.\n"
    )
    assert corrections(running) == []
    assert statuses(running) == [PlanStatus.PENDING_APPROVAL]


@pytest.mark.parametrize(
    ("words", "answers"), [(("stop_service",), ""), ((), AS_IT_IS)], ids=["at once", "asked"]
)
def test_all_of_several_parts_may_be_meant(
    running: Running, chiffon: Chiffon, words: tuple[str, ...], answers: str
) -> None:
    chiffon("ask", "restart several")
    done = chiffon("correct", "1", *words, "--part", "all", answers=answers)
    assert "Which part" not in done.output
    assert [each.order for each in corrections(running)] == [None]
    for wrong in ("0", "-1", "some", "²", "9999999"):
        assert chiffon("correct", "2", "--part", wrong).exit_code == 2


def test_an_older_revision_does_not_supersede_a_newer_one(
    planned: Chiffon, running: Running
) -> None:
    old = running.service.plans[0].shown.plan_id
    planned("correct", "1", "stop_service")
    for words in ((), ("stop_service",)):
        done = planned("correct", old, *words)
        assert done.exit_code == 1
        assert done.stderr == (
            f"Plan {old} has a newer revision. `chiffon plan show 2` shows it.\n"
        )
    assert len(corrections(running)) == 1
    assert statuses(running) == [PlanStatus.SUPERSEDED, PlanStatus.PENDING_APPROVAL]


def test_everything_may_be_said_at_once(planned: Chiffon, running: Running) -> None:
    done = planned("correct", "1", "stop_service", "service=a=b", "tags=", "--yes", "--as", "x")
    assert done.exit_code == 1  # somebody else asked
    assert done.stderr == "Only whoever asked can say what was meant.\n"
    done = planned("correct", "1", "stop_service", "service=a=b", "tags=", "--yes")
    assert done.exit_code == 0, done.output
    assert "2 of 2 steps done" in done.output
    assert "What did you mean?" not in done.output
    assert corrections(running) == [
        Correction(
            capability="stop_service",
            parameters={"service": "a=b"},
            order=1,
            plan_id=running.service.plans[0].shown.plan_id,
        )
    ]


def test_values_alone_are_for_what_was_understood(planned: Chiffon, running: Running) -> None:
    done = planned("correct", "1", "service=caddy", "tags=", "--yes")
    assert done.exit_code == 0, done.output
    [meant] = corrections(running)
    assert (meant.capability, meant.parameters) == ("restart_service", {"service": "caddy"})


def test_values_for_nothing_that_was_understood_are_refused(
    running: Running, chiffon: Chiffon
) -> None:
    chiffon("ask", "make coffee")
    [request_id] = running.service.requests
    done = chiffon("correct", request_id, "service=caddy")
    assert done.exit_code == 1
    assert done.stderr.endswith("Name the capability before its values.\n")
    assert corrections(running) == []


def test_what_is_not_said_is_taken_from_the_words(planned: Chiffon, running: Running) -> None:
    planned("correct", "1", "stop_service")
    assert corrections(running)[0].parameters == {"service": "nginx", "tags": ["a", "b"]}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("rm_rf",), "There is no capability `rm_rf`; see `chiffon catalog list`.\n"),
        (("../../plans",), "There is no capability `../../plans`; see `chiffon catalog list`.\n"),
        (("x" * 5_000,), f"There is no capability `{'x' * 60}`; see `chiffon catalog list`.\n"),
        (("stop_service", "nginx"), "`nginx` is no parameter; write NAME=VALUE.\n"),
        (
            ("stop_service", "servce=nginx"),
            _UNKNOWN,
        ),
        (("stop_service", "note=a", "note="), "`note` is given twice.\n"),
        (
            ("stop_service", "service=wrong"),
            "stop_service: `service` must be another one. Like this.\n",
        ),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(
    planned: Chiffon, running: Running, words: tuple[str, ...], said: str
) -> None:
    done = planned("correct", "1", *words)
    assert (done.exit_code, done.stderr) == (1, said)
    assert statuses(running) == [PlanStatus.PENDING_APPROVAL]


@pytest.mark.parametrize("text", ["make coffee", "which"])
def test_a_request_without_a_plan_goes_by_its_id_which_ask_has_said(
    running: Running, chiffon: Chiffon, text: str
) -> None:
    output = chiffon("ask", text).output
    [request_id] = running.service.requests
    assert f"`chiffon correct {request_id}`" in output
    done = chiffon("correct", request_id, answers=AS_IT_IS + "y\n")
    assert done.exit_code == 0, done.output
    assert "Nothing of it was understood." in done.output
    assert (corrections(running)[0].order, corrections(running)[0].plan_id) == (None, None)


def test_a_plan_that_waits_is_said_to_be_correctable(running: Running, chiffon: Chiffon) -> None:
    assert "`chiffon correct 1`" in chiffon("ask", "restart nginx").output


@pytest.mark.parametrize("reference", ["7", "01a22414-4201-71cf-a049-519059493c43", "../x"])
def test_what_is_neither_plan_nor_request_is_one_sentence(planned: Chiffon, reference: str) -> None:
    done = planned("correct", reference)
    assert done.exit_code == 1
    assert len(done.stderr.splitlines()) == 1


def test_a_program_reads_the_options_and_gets_one_document(
    planned: Chiffon, running: Running
) -> None:
    options = json.loads(planned("correct", "1", "--json").stdout)["options"]
    assert options["nearest"][0]["name"] == "restart_service"
    assert planned("correct", "1", "--json", "--yes").exit_code == 2
    assert corrections(running) == []
    done = planned("correct", "1", "stop_service", "--json", "--yes")
    assert done.exit_code == 0
    document = json.loads(done.stdout)
    assert document["plan"]["number"] == 2
    assert document["status"]["status"] == "completed"


def test_the_words_are_remembered(planned: Chiffon, running: Running) -> None:
    done = planned("plan", "remember", "1", answers="y\n")
    assert done.exit_code == 0
    file = running.home / "catalog" / "remembered.yaml"
    saved = (
        "From now on “restart nginx” means restart_service.\n"
        f"Each is a line of {file}; delete it to forget.\n"
    )
    assert done.output == (
        "“restart nginx” means stop_service today, and restart_service from now on.\n"
        f"remember? [y/N] {saved}"
    )
    assert running.service.calls[-1][0] == "remember"
    assert planned("plan", "remember", "1").output == saved  # there is nothing to ask about
    written = json.loads(planned("plan", "remember", "1", "--json").stdout)
    assert written["phrases"][0]["remembered"]
    assert planned("plan", "remember", "7").exit_code == 1


@pytest.mark.parametrize("answers", ["", "\n", "n\n", "what\n"])
def test_nothing_is_remembered_without_a_yes(
    planned: Chiffon, running: Running, answers: str
) -> None:
    done = planned("plan", "remember", "1", answers=answers)
    assert done.exit_code == 1
    assert done.output.rstrip().endswith("Nothing was remembered.")
    assert "remember" not in {name for name, _ in running.service.calls}
    assert planned("plan", "remember", "1", "--yes").exit_code == 0
