"""What people enter is told as Slack tells it, for every kind of element."""

from typing import Any

import pytest

from bot.local_slack.elements import chosen, missing, state_of, with_ids

Json = dict[str, Any]


def options(*names: str) -> list[Json]:
    return [{"text": {"type": "plain_text", "text": name}, "value": name} for name in names]


def field(element: Json, **more: object) -> Json:
    label = {"type": "plain_text", "text": "Which?"}
    return {"type": "input", "block_id": "b", "label": label, "element": element, **more}


NAS, KUMA = options("nas", "kuma")
MENU = {"action_id": "a", "options": [NAS, KUMA]}
HELD: list[tuple[Json, object, Json]] = [
    ({"type": "plain_text_input"}, "why", {"value": "why"}),
    ({"type": "plain_text_input"}, "", {"value": None}),
    ({"type": "static_select", **MENU}, "kuma", {"selected_option": KUMA}),
    ({"type": "static_select", **MENU}, None, {"selected_option": None}),
    ({"type": "static_select", **MENU}, "other", {"selected_option": None}),
]


@pytest.mark.parametrize(("element", "value", "told"), HELD)
def test_each_kind_of_element_tells_what_it_holds(element: Json, value: object, told: Json) -> None:
    assert chosen(element, value) == {"type": element["type"], **told}


INITIAL: list[tuple[Json, Json]] = [
    ({"type": "plain_text_input", "initial_value": "because"}, {"value": "because"}),
    ({"type": "static_select", **MENU, "initial_option": NAS}, {"selected_option": NAS}),
]


@pytest.mark.parametrize(("element", "told"), INITIAL)
def test_what_nobody_touched_holds_what_the_app_put_there(element: Json, told: Json) -> None:
    blocks = [field({"action_id": "a", **element})]

    assert state_of(blocks, {})["b"]["a"] == {"type": element["type"], **told}


@pytest.mark.parametrize(
    ("limits", "text", "refused"),
    [
        ({"min_length": 5}, "no", True),
        ({"min_length": 5}, "longer", False),
        ({"max_length": 5}, "longer", True),
        ({}, "", True),
        ({}, "x" * 3001, True),
    ],
)
def test_the_limits_of_an_input_are_slacks_to_hold(limits: Json, text: str, refused: bool) -> None:
    blocks = [field({"type": "plain_text_input", "action_id": "a", **limits})]

    assert bool(missing(blocks, state_of(blocks, {"b": {"a": text}}))) is refused


def test_an_optional_input_may_stay_empty() -> None:
    blocks = [field({"type": "plain_text_input", "action_id": "a"}, optional=True)]

    assert missing(blocks, state_of(blocks, {})) == {}


def test_ids_are_given_where_the_app_gave_none_and_kept_where_it_did() -> None:
    bare: Json = {"type": "button", "text": {"type": "plain_text", "text": "Go"}}
    blocks: list[Json] = [
        {"type": "actions", "elements": [bare, {**bare, "action_id": "mine"}]},
        {"type": "section", "block_id": "kept", "accessory": dict(bare)},
        {"type": "divider"},
    ]
    named = with_ids(blocks)

    assert len({block["block_id"] for block in named}) == 3
    assert named[1]["block_id"] == "kept"
    assert named[0]["elements"][1]["action_id"] == "mine"
    assert named[0]["elements"][0]["action_id"] != named[1]["accessory"]["action_id"]
    assert "block_id" not in blocks[0]
