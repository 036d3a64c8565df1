"""The elements that people act on, of the kinds the bot uses: found, named, read as by Slack."""

import copy
import secrets
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]

_ACTING = frozenset({"button", "plain_text_input", "radio_buttons", "static_select"})


def with_ids(blocks: list[Json]) -> list[Json]:
    """Return a copy in which every block has a block_id and every acting element an action_id."""
    named = copy.deepcopy(blocks)
    for block in named:
        if not block.get("block_id"):
            block["block_id"] = secrets.token_urlsafe(4)
        for element in acting(block):
            if not element.get("action_id"):
                element["action_id"] = secrets.token_urlsafe(4)
    return named


def acting(block: Json) -> Iterator[Json]:
    """Yield the elements of a block that people act on."""
    candidates = [*block.get("elements", ()), block.get("accessory"), block.get("element")]
    for element in candidates:
        if isinstance(element, dict) and element.get("type") in _ACTING:
            yield element


def find(blocks: list[Json], block_id: str, action_id: str) -> Json | None:
    """Return an element by its ids."""
    elements = (e for b in blocks if b["block_id"] == block_id for e in acting(b))
    return next((e for e in elements if e["action_id"] == action_id), None)


def chosen(element: Json, value: object) -> Json:
    """Return what Slack says of an element that holds `value`.

    Args:
        element: the element as the app sent it.
        value: typed text, an option's value, or None for nothing.
    """
    kind = element["type"]
    if kind == "plain_text_input":
        return {"type": kind, "value": str(value) if value else None}
    if kind in {"radio_buttons", "static_select"}:
        options = element.get("options", ())
        return {
            "type": kind,
            "selected_option": next((one for one in options if one["value"] == value), None),
        }
    return {key: element[key] for key in ("type", "text", "value", "style") if key in element}


def state_of(blocks: list[Json], values: Json) -> Json:
    """Return `state.values` of a view or message in which people entered `values`."""
    state: Json = {}
    for block in blocks:
        for element in acting(block):
            if element["type"] == "button":
                continue
            given = values.get(block["block_id"], {})
            held = given.get(element["action_id"], _initial(element))
            state.setdefault(block["block_id"], {})[element["action_id"]] = chosen(element, held)
    return state


def missing(blocks: list[Json], state: Json) -> dict[str, str]:
    """Return what Slack itself says, by block_id, of inputs that cannot be submitted."""
    errors: dict[str, str] = {}
    for block in blocks:
        if block["type"] != "input":
            continue
        element = block["element"]
        held = state[block["block_id"]][element["action_id"]]
        content = next((item for key, item in held.items() if key != "type"), None)
        if not content and not block.get("optional"):
            errors[block["block_id"]] = "Please complete this required field."
        elif isinstance(content, str) and len(content) < element.get("min_length", 0):
            errors[block["block_id"]] = f"Enter at least {element['min_length']} characters."
        elif isinstance(content, str) and len(content) > element.get("max_length", 3000):
            errors[block["block_id"]] = "This is too long."
    return errors


def _initial(element: Json) -> object:
    return element.get("initial_value") or element.get("initial_option", {}).get("value")
