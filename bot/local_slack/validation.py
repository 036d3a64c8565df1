"""What Slack refuses in a message or a view, told before Slack could.

Two opinions on each payload, `slackblocks` and the models of `slack_sdk`, and what of Slack's own
rules and totals both of them leave out.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import slackblocks
from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View
from slackblocks.errors import InvalidUsageError

LONGEST_TEXT = 40_000
LONGEST_UPDATED_TEXT_BYTES = 4_000
LONGEST_BLOCK_TEXT = 13_200
MOST_BLOCKS = 50
MOST_VIEW_BLOCKS = 100

# What the libraries let through: Slack takes no mrkdwn here.
_PLAIN = frozenset({"close", "confirm", "deny", "hint", "label", "placeholder", "submit", "title"})
_PLAIN_TEXT = frozenset({"button", "header"})
_REQUIRED = {"modal": ("title", "blocks"), "home": ("blocks",)}

_ELEMENTS: dict[str, Callable[..., slackblocks.Element]] = {
    "button": slackblocks.Button,
    "static_select": slackblocks.StaticSelectMenu,
    "plain_text_input": slackblocks.PlainTextInput,
    "overflow": slackblocks.OverflowMenu,
    "radio_buttons": slackblocks.RadioButtonGroup,
}
_UNKNOWN_TO_SLACKBLOCKS = ("type", "visible_to_user_ids")


@dataclass(frozen=True)
class Problem:
    """Why Slack would refuse: its error code, what is wrong, and a JSON pointer to it."""

    code: str
    what: str
    where: str = ""

    def __str__(self) -> str:
        return f"{self.what} [json-pointer:{self.where}]" if self.where else self.what


def problems_of_message(payload: dict[str, Any], *, update: bool = False) -> list[str]:
    """Return what is wrong with the arguments of `chat.postMessage` or, with `update`, of
    `chat.update`; an empty list where Slack would take them.
    """  # noqa: D205 -- one sentence
    return [f"{problem.code}: {problem}" for problem in message_problems(payload, update=update)]


def problems_of_view(view: dict[str, Any]) -> list[str]:
    """Return what is wrong with a modal or Home view; an empty list where Slack would take it."""
    return [f"{problem.code}: {problem}" for problem in view_problems(view)]


def message_problems(payload: dict[str, Any], *, update: bool = False) -> list[Problem]:
    """Do as `problems_of_message`, each with the code that Slack would answer."""
    text = payload.get("text") or ""
    blocks = payload.get("blocks") or []
    if not text and not blocks and not payload.get("attachments"):
        return [Problem("no_text", "neither text nor blocks")]
    if not isinstance(text, str) or len(text) > LONGEST_TEXT:
        return [Problem("msg_too_long", f"text is longer than {LONGEST_TEXT} characters")]
    if update and len(text.encode()) > LONGEST_UPDATED_TEXT_BYTES:
        what = f"text of an update is longer than {LONGEST_UPDATED_TEXT_BYTES} bytes"
        return [Problem("msg_too_long", what)]
    found = _block_problems(blocks, MOST_BLOCKS)
    if not found:
        found = [*_message_surface(blocks), *_text_total(blocks)]
    return found


def view_problems(view: dict[str, Any]) -> list[Problem]:
    """Do as `problems_of_view`, each with the code that Slack would answer."""
    if view.get("type") not in {"modal", "home"}:
        return [Problem("invalid_arguments", "must be a modal or a home view", "/view/type")]
    blocks = view.get("blocks") or []
    found = _block_problems(blocks, MOST_VIEW_BLOCKS, "/view/blocks")
    found += [
        _invalid(f"missing required field: {field}", "/view")
        for field in _REQUIRED[view["type"]]
        if not view.get(field)
    ]
    found += _mrkdwn_labels(view, "/view")
    inputs = any(isinstance(block, dict) and block.get("type") == "input" for block in blocks)
    if inputs and view["type"] == "modal" and not view.get("submit"):
        found.append(Problem("missing_submit", "input blocks need a submit button", "/view/submit"))
    if not found:
        found = [*_sdk_problems(lambda: View(**view), view, "/view"), *_view_surface(view)]
    return [_in_view(problem) for problem in found]


def _in_view(problem: Problem) -> Problem:
    code = "invalid_arguments" if problem.code == "invalid_blocks" else problem.code
    return Problem(code, problem.what, problem.where)


def _invalid(what: str, where: str) -> Problem:
    return Problem("invalid_blocks", what, where)


def _block_problems(blocks: object, most: int, where: str = "/blocks") -> list[Problem]:
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        return [Problem("invalid_blocks_format", "must be a list of blocks", where)]
    found = [_invalid(f"no more than {most} items allowed", where)] if len(blocks) > most else []
    twins = Counter(block["block_id"] for block in blocks if block.get("block_id"))
    found += [
        _invalid(f"block_id {name!r} used {times} times", where)
        for name, times in twins.items()
        if times > 1
    ]
    for index, block in enumerate(blocks):
        found += _problems_of_block(block, f"{where}/{index}")
    return found


def _problems_of_block(block: dict[str, Any], where: str) -> Iterator[Problem]:
    yield from _own_rules(block, where)
    actions = Counter(
        element["action_id"] for _, element in _objects(block, where) if element.get("action_id")
    )
    for name, times in actions.items():
        if times > 1:
            yield _invalid(f"action_id {name!r} used {times} times in one block", where)
    yield from _sdk_problems(lambda: Block.parse(block), block, where)
    yield from _slackblocks_problems(block, where)


def _objects(value: object, where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every JSON object at or below a value, with its pointer."""
    if isinstance(value, dict):
        yield where, value
        for key, item in value.items():
            yield from _objects(item, f"{where}/{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _objects(item, f"{where}/{index}")


def _own_rules(block: dict[str, Any], where: str) -> Iterator[Problem]:
    """Yield what both libraries let through."""
    for pointer, found in _objects(block, where):
        yield from _mrkdwn_labels(found, pointer)
        if found.get("elements") == []:
            yield _invalid("elements: no fewer than 1 items allowed", pointer)
        if found.get("value") == "" and "text" in found:
            yield _invalid("must be more than 0 characters", f"{pointer}/value")


def _mrkdwn_labels(found: dict[str, Any], where: str) -> Iterator[Problem]:
    plain = _PLAIN | {"text"} if found.get("type") in _PLAIN_TEXT else _PLAIN
    for field in plain & found.keys():
        if isinstance(found[field], dict) and found[field].get("type") == "mrkdwn":
            yield _invalid("must be plain_text", f"{where}/{field}/type")


def _text_total(blocks: list[dict[str, Any]]) -> Iterator[Problem]:
    total = sum(
        len(found["text"])
        for _, found in _objects(blocks, "")
        if isinstance(found.get("text"), str)
    )
    if total > LONGEST_BLOCK_TEXT:
        what = f"{total} characters in blocks, at most {LONGEST_BLOCK_TEXT}"
        yield Problem("msg_blocks_too_long", what, "/blocks")


def _sdk_problems(
    parse: Callable[[], Block | View | None], given: dict[str, Any], where: str
) -> Iterator[Problem]:
    """`to_dict` validates what is nested too; `validate_json` would not. Unknown types and
    fields are dropped by the models in silence: what did not survive is refused.
    """  # noqa: D205 -- two sentences
    try:
        parsed = parse()
        kept = parsed.to_dict() if parsed else None
    except SlackObjectFormationError as error:
        yield _invalid(str(error), where)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        yield _invalid(f"not formed as Slack expects: {error}", where)
    else:
        if kept is None:
            yield _invalid(f"unsupported type: {given.get('type')}", f"{where}/type")
        else:
            yield from _lost(given, kept, where)


def _lost(given: object, kept: object, where: str) -> Iterator[Problem]:
    if isinstance(given, dict) and kept is None:
        yield _invalid(f"unsupported type: {given.get('type')}", f"{where}/type")
    elif isinstance(given, dict) and isinstance(kept, dict):
        for key, value in given.items():
            if value in (None, [], "", {}):
                continue
            if key not in kept:
                yield _invalid(f"invalid additional property: {key}", where)
            else:
                yield from _lost(value, kept[key], f"{where}/{key}")
    elif isinstance(given, list) and isinstance(kept, list):
        if len(given) != len(kept):
            yield _invalid("holds something of an unsupported type", where)
        for index, (before, after) in enumerate(zip(given, kept, strict=False)):
            yield from _lost(before, after, f"{where}/{index}")


def _slackblocks_problems(block: dict[str, Any], where: str) -> Iterator[Problem]:
    try:
        _as_slackblocks(block)
    except InvalidUsageError as error:
        yield _invalid(f"slackblocks: {error}", where)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        yield _invalid(f"slackblocks cannot read it: {type(error).__name__} {error}", where)


def _as_slackblocks(block: dict[str, Any]) -> slackblocks.Block | None:
    """Return the block as slackblocks has it; None where it cannot parse that kind yet."""
    block_id = block.get("block_id")
    try:
        if block.get("type") == "actions":
            elements = [_element(element) for element in block.get("elements", [])]
            return slackblocks.ActionsBlock(elements=elements, block_id=block_id)
        if block.get("type") == "input":
            extra = {key: value for key, value in block.items() if key not in {"type", "element"}}
            return slackblocks.InputBlock(element=_element(block["element"]), **_converted(extra))
        if block.get("accessory"):
            _element(block["accessory"])
            bare = {key: value for key, value in block.items() if key != "accessory"}
            return slackblocks.Block.from_dict(bare)
        return slackblocks.Block.from_dict(block)
    except NotImplementedError:
        return None


def _element(raw: dict[str, Any]) -> slackblocks.Element:
    if raw.get("type") not in _ELEMENTS:
        raise NotImplementedError
    known = {key: value for key, value in raw.items() if key not in _UNKNOWN_TO_SLACKBLOCKS}
    return _ELEMENTS[raw["type"]](**_converted(known))


def _converted(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of an element with the objects that slackblocks builds it from."""
    return {key: _CONVERSIONS.get(key, _as_is)(value) for key, value in fields.items()}


def _as_is(value: object) -> object:
    return value


def _options(raw: Iterable[dict[str, Any]]) -> list[slackblocks.Option]:
    return [slackblocks.Option.from_dict(option) for option in raw]


_CONVERSIONS: dict[str, Callable[[Any], object]] = {
    "text": slackblocks.Text.from_dict,
    "label": slackblocks.Text.from_dict,
    "hint": slackblocks.Text.from_dict,
    "placeholder": slackblocks.Text.from_dict,
    "confirm": slackblocks.ConfirmationDialogue.from_dict,
    "options": _options,
    "initial_options": _options,
    "initial_option": slackblocks.Option.from_dict,
}


def _parsed(blocks: list[dict[str, Any]]) -> list[slackblocks.Block]:
    return [block for block in map(_as_slackblocks, blocks) if block is not None]


def _message_surface(blocks: list[dict[str, Any]]) -> Iterator[Problem]:
    """Let slackblocks judge what needs the whole message, such as kinds that only views have."""
    try:
        if parsed := _parsed(blocks):
            slackblocks.Message(channel="C0", blocks=parsed)
    except InvalidUsageError as error:
        yield _invalid(f"slackblocks: {error}", "/blocks")


def _view_surface(view: dict[str, Any]) -> Iterator[Problem]:
    try:
        if not (parsed := _parsed(view["blocks"])):
            return
        if view["type"] == "modal":
            submit = (view.get("submit") or {}).get("text")
            slackblocks.ModalView(title=view["title"]["text"], blocks=parsed, submit=submit)
        else:
            slackblocks.HomeTabView(blocks=parsed)
    except InvalidUsageError as error:
        yield _invalid(f"slackblocks: {error}", "/view/blocks")
