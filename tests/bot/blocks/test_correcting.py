"""The modals of a correction: Slack takes every form, and gives back what was filled in."""

from typing import Any

import pytest
from pydantic import JsonValue

from bot import ids
from bot.blocks.correcting import (
    choice_view,
    field_of,
    form_view,
    given,
    part_view,
    refused_view,
)
from bot.ids import CorrectionState
from bot.local_slack.elements import state_of
from bot.local_slack.validation import problems_of_view
from orchestrator.domain.views import (
    CapabilityForm,
    CapabilityOption,
    CorrectionOptions,
    RequestPart,
)
from orchestrator.errors import Error, ErrorCode
from tests.bot.blocks.samples import HOSTILE

STATE = CorrectionState(request="r" * 36, plan="p" * 36, order=1)


def option(number: int, *, understood: bool = False) -> CapabilityOption:
    return CapabilityOption(
        name=f"capability_{number}",
        description=f"{HOSTILE} {number} " * 20,
        risk="high",
        understood=understood,
    )


def form(properties: dict[str, JsonValue], *required: str, **known: JsonValue) -> dict[str, Any]:
    schema: dict[str, JsonValue] = {"type": "object", "properties": properties}
    schema["required"] = list(required)
    shown = CapabilityForm(
        capability="do_it",
        description=HOSTILE * 30,
        risk="low",
        parameters_schema=schema,
        suggested=known,
    )
    view = form_view(STATE, shown)
    assert problems_of_view(view) == []
    return view


def submitted(view: dict[str, Any], **typed: JsonValue) -> dict[str, JsonValue]:
    """Return what a form gives back once somebody typed or chose these."""
    values = {f"{ids.GIVEN_BLOCK}{name}": {ids.PICKED: value} for name, value in typed.items()}
    return given({"state": {"values": state_of(view["blocks"], values)}})


def block(view: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(b for b in view["blocks"] if b.get("block_id") == name)
    return found


@pytest.mark.parametrize("count", [1, 4, 5, 6, 30, 250])
def test_every_capability_is_offered_the_nearest_as_buttons(count: int) -> None:
    nearest = [option(number, understood=number == 0) for number in range(count)]
    view = choice_view(STATE, CorrectionOptions(words=HOSTILE * 50, nearest=tuple(nearest)))
    assert problems_of_view(view) == []
    near = [each["value"] for each in block(view, ids.NEAREST_BLOCK)["element"]["options"]]
    others = [b for b in view["blocks"] if b.get("block_id") == ids.OTHER_BLOCK]
    rest = [each["value"] for b in others for each in b["element"]["options"]]
    assert len(near) == min(count, 5)
    assert len({*near, *rest}) == min(count, 105)
    assert near[-1] == "capability_0"
    assert CorrectionState.decoded(view["private_metadata"]) == STATE


@pytest.mark.parametrize("count", [2, 8, 9, 120])
def test_the_parts_of_a_request_can_be_told_apart(count: int) -> None:
    parts = tuple(RequestPart(order=n, name=HOSTILE * 9) for n in range(1, count + 1))
    view = part_view(STATE, CorrectionOptions(words="x", parts=parts))
    assert problems_of_view(view) == []
    asked = block(view, ids.PART_BLOCK)["element"]
    assert asked["type"] == ("radio_buttons" if count < 9 else "static_select")
    assert [each["value"] for each in asked["options"]][-1] == "whole"


def test_each_kind_of_parameter_has_its_field_and_comes_back_as_the_schema_wants_it() -> None:
    view = form(
        {
            "host": {"type": "string", "enum": ["node1", "node2"], "description": HOSTILE * 20},
            "force": {"type": "boolean"},
            "level": {"type": "integer", "enum": [1, 2, 3]},
            "port": {"type": "integer", "default": 80},
            "services": {"type": "array", "items": {"type": "string"}},
            "note": {"type": "string", "maxLength": 20},
        },
        "host",
        "services",
        host="node2",
        services=["nginx", "redis"],
    )
    kinds = {
        b["block_id"].removeprefix(ids.GIVEN_BLOCK): b["element"]["type"]
        for b in view["blocks"]
        if b["type"] == "input"
    }
    assert kinds == {
        "host": "radio_buttons",
        "services": "plain_text_input",
        "force": "radio_buttons",
        "level": "radio_buttons",
        "port": "plain_text_input",
        "note": "plain_text_input",
    }
    inputs = [each for each in view["blocks"] if each["type"] == "input"]
    required = [each["block_id"] for each in inputs if not each.get("optional")]
    assert required == ["given:host", "given:services"]
    assert submitted(view) == {"host": "node2", "services": "nginx\nredis"}
    assert submitted(view, host='"node1"', force="true", level="3", port="81", note="hi") == {
        "host": "node1",
        "services": "nginx\nredis",
        "force": True,
        "level": 3,
        "port": "81",
        "note": "hi",
    }


@pytest.mark.parametrize("count", [12, 100, 101, 400])
def test_many_named_values_are_a_menu_and_too_many_a_text(count: int) -> None:
    view = form({"host": {"enum": [f"node{n}" for n in range(count)]}}, "host")
    kind = block(view, "given:host")["element"]["type"]
    assert kind == ("static_select" if count <= 100 else "plain_text_input")


def test_more_parameters_than_a_modal_holds_are_cut_and_long_values_left_out() -> None:
    view = form({f"p{n}": {"type": "string"} for n in range(300)}, p1="x" * 4_000)
    assert len(view["blocks"]) <= 100
    assert submitted(view) == {}


def test_a_capability_without_parameters_has_a_form_too() -> None:
    assert submitted(form({})) == {}


def test_an_error_stands_at_the_field_that_it_names() -> None:
    fault = Error(code=ErrorCode.INVALID_REQUEST, message="do_it: `port` must be at most 9.")
    assert field_of(fault, ["host", "port"]) == "port"
    assert field_of(Error(code=ErrorCode.INVALID_REQUEST, message="No."), ["host"]) == "host"
    assert field_of(fault, []) is None
    assert problems_of_view(refused_view(fault.model_copy(update={"message": HOSTILE * 99}))) == []
