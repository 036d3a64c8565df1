"""Names that are settled once all of a request is read: by clues that a ranker weighs."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from orchestrator.nlu import settling
from orchestrator.nlu.evaluation.cases import Part
from orchestrator.nlu.ranker import VALUES, Ranker
from scripts import learn_ranker
from tests.nlu.found import Read, Steps, only, steps

Over = Callable[[str], Read]

WILD = (
    "my script went wild and racked up 9,000 messages in label-jobs... none of that is worth "
    "keeping, just throw it all away"
)

# --- what is chosen ---


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (
            "software",
            "how many messages were never picked up from thumbnails?",
            [("queue_depth", {"queue": "thumbnails"})],
        ),
        (
            "campus",
            "Ist das Konto von mkrause gesperrt?",
            [("show_user_account", {"user": "mkrause"})],
        ),
        (
            "logistics",
            WILD,
            [("purge_queue", {"queue": "label-jobs"})],
        ),
        (
            "fleet",
            "app7 feels sluggish, ssh lags. whats eating cpu and ram there",
            [("host_load", {"host": "app7"})],
        ),
        (
            "company",
            "Perform the following tasks on rigel1:\n1. Update OS packages.\n2. Reboot the server.",
            [
                ("update_packages", {"host": "rigel1"}),
                ("power_machine", {"machine": "rigel1", "action": "reboot"}),
            ],
        ),
        (
            "servers",
            "run the tests of shopfront on branch fix-cart and then open a merge request for it",
            [
                ("run_tests", {"repository": "shopfront", "branch": "fix-cart"}),
                (
                    "open_merge_request",
                    {"repository": "shopfront", "source_branch": "fix-cart"},
                ),
            ],
        ),
        (
            "web",
            "Disk almost full on build7, any chance to clean up the docker images?",
            [("clean_disk", {"host": "build7", "what": "docker"})],
        ),
    ],
)
def test_the_name_that_most_speaks_for_is_taken(
    name: str, text: str, expected: Steps, over: Over
) -> None:
    assert only(over(name)(text)) == expected


def test_without_the_ranker_it_is_asked(over: Over, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "value_ranker", lambda: Ranker({}))
    assert over("logistics")(WILD).ambiguities


# --- what is left alone ---


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        # Each of a list keeps its own.
        (
            "games",
            "status of use-12 and brz-04",
            [("server_status", {"server": "use-12"}), ("server_status", {"server": "brz-04"})],
        ),
        # Who speaks, and who signs, is not whom it is about.
        (
            "cloud",
            "I would need write access to the 7f-dev namespace, my user is jkoval. Thanks, Milena",
            [("grant_access", {"user": "jkoval", "role": "write", "scope": "7f-dev"})],
        ),
    ],
)
def test_a_value_that_is_plainly_said_stays(
    name: str, text: str, expected: Steps, over: Over
) -> None:
    assert only(over(name)(text)) == expected


def test_a_name_of_several_words_is_not_cut(over: Over) -> None:
    assert only(over("selfhosted")("close the garage blinds")) == [
        ("control_device", {"device": "garage blinds", "action": "close"})
    ]


def test_what_another_said_is_not_taken(over: Over) -> None:
    found = over("logistics")("Bob said the messages in label-jobs are old. Purge the queue")
    assert "label-jobs" not in json.dumps(steps(found))


def test_a_very_long_request_is_not_weighed(over: Over, monkeypatch: pytest.MonkeyPatch) -> None:
    def never() -> Ranker:
        raise AssertionError("a very long request was weighed")

    monkeypatch.setattr(settling, "value_ranker", never)
    hosts = [f"app{number}" for number in range(21)]
    text = "\n".join(f"- show the load of {host}" for host in hosts)
    assert [p["host"] for _, p in only(over("fleet")(text))] == hosts


# --- the ranker ---


def test_chances_add_up_and_an_unknown_clue_weighs_nothing() -> None:
    ranker = Ranker({"known": 2.0, "verb": -1.0})
    first, second, third = ranker.chances([["known"], ["verb", "never heard of"], []])
    assert first > third > second
    assert first + second + third == pytest.approx(1.0)
    assert ranker.chances([["never heard of"], []]) == [0.5, 0.5]


def test_large_weights_do_not_overflow() -> None:
    assert Ranker({"known": 1e4}).chances([["known"], []]) == [1.0, 0.0]


@pytest.mark.no_cover
def test_every_clue_of_a_request_has_a_weight() -> None:
    weights = yaml.safe_load(VALUES.read_text("utf-8"))
    groups = [*learn_ranker.names_of("clinic")]
    said = {clue for group in groups for clues in group["options"] for clue in clues}
    assert groups
    assert said <= weights.keys() | RARE
    assert all(isinstance(weight, float) for weight in weights.values())


RARE = frozenset({"url", "looks date", "looks duration"})
"""Seen too seldom to be learnt."""


@pytest.mark.parametrize(
    ("what", "without"),
    [
        ("value", {"charity", "colo", "hoster", "project", "rack", "retail"}),
        ("intent", set[str]()),
    ],
)
def test_what_is_measured_is_not_learnt_from(
    what: str, without: set[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[str] = []

    def read(name: str) -> Iterator[learn_ranker.Group]:
        asked.append(name)
        yield {"options": [["known"], ["none"]], "right": [0], "weight": 1.0}

    for name in ("names_of", "intents_of"):
        monkeypatch.setattr(learn_ranker, name, read)
    target = tmp_path / "choices.jsonl"
    monkeypatch.setattr("sys.argv", ["learn_ranker.py", what, str(target), "--without", "clinic"])
    learn_ranker.main()
    left_out = {folder.name for folder in learn_ranker.SETS.iterdir()} - {*asked}
    assert left_out == without | {"clinic"} | learn_ranker.UNSEEN
    assert len(target.read_text("utf-8").splitlines()) == len(asked)


@pytest.mark.no_cover
def test_a_held_out_third_is_not_learnt_from(monkeypatch: pytest.MonkeyPatch) -> None:
    parts: dict[str, object] = {}

    def read_cases(path: Path, part: object) -> list[object]:
        parts[path.parent.name] = part
        return []

    monkeypatch.setattr(learn_ranker, "read_cases", read_cases)
    for name in ("platform", "operations", "clinic"):
        assert not [*learn_ranker.names_of(name), *learn_ranker.intents_of(name)]
    visible = {"platform": Part.VISIBLE, "operations": Part.VISIBLE}
    assert parts == {**visible, "clinic": Part.ALL}
