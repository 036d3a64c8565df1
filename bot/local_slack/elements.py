"""The elements of blocks that people act on: found, named, and read as Slack reads them."""

import copy
import secrets
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]

_TYPED = frozenset(
    {"plain_text_input", "email_text_input", "url_text_input", "number_input", "rich_text_input"}
)
_ONE = frozenset({"static_select", "radio_buttons", "overflow"})
_SEVERAL = frozenset({"checkboxes", "multi_static_select"})
_PICKED = {
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "users_select": "selected_user",
    "channels_select": "selected_channel",
    "conversations_select": "selected_conversation",
}
_ACTING = _TYPED | _ONE | _SEVERAL | _PICKED.keys() | {"button"}


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
        value: typed text, an option's value, a list of them, or None for nothing.
    """
    kind = element["type"]
    if kind in _TYPED:
        return {"type": kind, "value": str(value) if value else None}
    if kind in _ONE:
        return {"type": kind, "selected_option": next(iter(_options(element, [value])), None)}
    if kind in _SEVERAL:
        wanted = value if isinstance(value, list) else [value]
        return {"type": kind, "selected_options": _options(element, wanted)}
    if kind in _PICKED:
        return {"type": kind, _PICKED[kind]: value or None}
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


def _options(element: Json, wanted: list[Any]) -> list[Json]:
    groups = element.get("option_groups", ())
    offered = [*element.get("options", ()), *(o for g in groups for o in g["options"])]
    return [option for option in offered if option["value"] in wanted]


def _initial(element: Json) -> object:
    for key in ("initial_value", "initial_date", "initial_time", "initial_user"):
        if key in element:
            return element[key]
    if "initial_option" in element:
        return element["initial_option"]["value"]
    return [option["value"] for option in element.get("initial_options", ())] or None
