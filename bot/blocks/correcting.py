"""Not what I meant: the modals that ask which part, which capability, and with which values."""

import json
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, cast

from pydantic import JsonValue
from slackblocks import (
    Element,
    InputBlock,
    ModalView,
    Option,
    PlainTextInput,
    RadioButtonGroup,
    StaticSelectMenu,
)

from bot import ids
from bot.blocks.parts import BlockDict, context, plain_text, section
from bot.blocks.text import cut
from bot.blocks.words import risk_words
from orchestrator.domain.views import CapabilityForm, CapabilityOption, CorrectionOptions
from orchestrator.errors import Error

TITLE = "Not what I meant"
WHOLE = "whole"
MAX_FIELDS = 90  # Slack takes 100 blocks in a modal

_NEAREST = 5
_LISTED = 100  # options of one menu
_LABEL = 75
_LONGEST_VALUE = 3_000  # characters of one input
_LONGEST_OPTION = 140  # of an option's value, as JSON; Slack takes 150
_HINT = 300
_MENU_FROM = 10  # Slack shows at most 10 radio buttons


def part_view(state: ids.CorrectionState, options: CorrectionOptions) -> dict[str, Any]:
    """Return the modal that asks which part of a request was misunderstood."""
    found = [(each.name, str(each.order)) for each in options.parts[: _LISTED - 1]]
    choices = [Option(plain_text(f"{order}. {name}"), order) for name, order in found]
    choices.append(Option(plain_text("All of it"), WHOLE))
    asked = InputBlock(
        label="Which part did I get wrong?",
        element=_pick(choices, None),
        block_id=ids.PART_BLOCK,
    )
    return _modal(ids.PART_VIEW, state, [_said(options.words), _plain(asked)], "Next")


def choice_view(state: ids.CorrectionState, options: CorrectionOptions) -> dict[str, Any]:
    """Return the modal that offers the nearest capabilities, then every other."""
    others = [each for each in options.nearest if not each.understood]
    understood = [each for each in options.nearest if each.understood]
    # What was understood comes last: other values may be what is wrong with it.
    near = [*others[: max(1, _NEAREST - len(understood))], *understood][:_NEAREST]
    rest = [each for each in options.nearest if each not in near][:_LISTED]
    blocks = [
        _said(options.words),
        _plain(
            InputBlock(
                label="What did you mean?",
                element=RadioButtonGroup(ids.PICKED, [_choice(each) for each in near]),
                block_id=ids.NEAREST_BLOCK,
                optional=bool(rest),
            )
        ),
    ]
    if rest:
        menu = StaticSelectMenu(
            ids.PICKED,
            options=[Option(plain_text(_named(each)), each.name) for each in rest],
            placeholder=plain_text("Nothing else"),
        )
        other = InputBlock(
            label="Or something else that I can do",
            element=menu,
            block_id=ids.OTHER_BLOCK,
            optional=True,
        )
        blocks.append(_plain(other))
    return _modal(ids.CHOICE_VIEW, state, blocks, "Next")


def form_view(state: ids.CorrectionState, form: CapabilityForm) -> dict[str, Any]:
    """Return the modal that asks for a capability's parameters, filled with what is known."""
    properties = form.parameters_schema.get("properties")
    rules = properties if isinstance(properties, dict) else {}
    needed = form.parameters_schema.get("required")
    required = needed if isinstance(needed, list) else []
    ordered = sorted(rules, key=lambda name: name not in required)
    blocks = [
        section(f"*{cut(form.description, 1_000)}*"),
        context(f"`{form.capability}`. Risk {risk_words(form.risk)}"),
    ]
    for name in ordered[:MAX_FIELDS]:
        rule = rules[name]
        if isinstance(rule, dict):
            blocks.append(_field(name, rule, form.suggested.get(name), needed=name in required))
    if not ordered:
        blocks.append(section("It takes no values."))
    blocks.append(context("I plan it anew; nothing runs before that plan is approved."))
    return _modal(ids.FORM_VIEW, state, blocks, "Plan it")


def refused_view(error: Error) -> dict[str, Any]:
    """Return the modal that says why it does not go on."""
    view = ModalView(title=TITLE, close="Close", blocks=[])
    found: dict[str, Any] = view.to_dict()
    return {**found, "blocks": [section(cut(f"{error.message} {error.hint}".strip(), 2_000))]}


def picked(view: Mapping[str, Any], block: str) -> str | None:
    """Return what was typed or chosen in a block of a submitted modal."""
    values = (view.get("state") or {}).get("values") or {}
    held = (values.get(block) or {}).get(ids.PICKED) or {}
    chosen = held.get("selected_option") or {}
    found = chosen.get("value") or held.get("value")
    return found if isinstance(found, str) and found.strip() else None


def given(view: Mapping[str, Any]) -> dict[str, JsonValue]:
    """Return the values of a submitted form, as typed, or as the option that was chosen.

    Nothing of it is believed: the schema judges it afterwards.
    """
    values = (view.get("state") or {}).get("values") or {}
    found: dict[str, JsonValue] = {}
    for block, held in values.items():
        name = block.removeprefix(ids.GIVEN_BLOCK)
        if name == block or not isinstance(held, dict):
            continue
        chosen = picked(view, block)
        is_option = (held.get(ids.PICKED) or {}).get("selected_option") is not None
        if chosen is not None:
            found[name] = _value(chosen) if is_option else chosen
    return found


def field_of(error: Error, names: Sequence[str]) -> str | None:
    """Return which of these fields an error is about; the first where it names none."""
    said = next((name for name in names if f"`{name}`" in error.message), None)
    return said or next(iter(names), None)


def _value(option: str) -> JsonValue:
    try:
        return cast("JsonValue", json.loads(option))
    except ValueError:
        return option


def _field(
    name: str, rule: Mapping[str, JsonValue], known: JsonValue, *, needed: bool
) -> BlockDict:
    description = rule.get("description")
    default = rule.get("default")
    hints = [description.strip() if isinstance(description, str) else ""]
    if rule.get("type") == "array":
        hints.append("One a line.")
    if default is not None:
        hints.append(f"If left out: {_text(default)}.")
    hint = " ".join(filter(None, hints))
    asked = InputBlock(
        label=plain_text(name.replace("_", " ").capitalize(), 200),
        element=_element(rule, known),
        block_id=f"{ids.GIVEN_BLOCK}{name}",
        hint=plain_text(hint, _HINT) if hint else None,
        optional=not needed or default is not None,
    )
    return _plain(asked)


def _element(rule: Mapping[str, JsonValue], known: JsonValue) -> Element:
    listed = rule.get("enum")
    values = [True, False] if rule.get("type") == "boolean" else listed
    if isinstance(values, list) and 0 < len(values) <= _LISTED:
        options = {json.dumps(each): _text(each) for each in values}
        if max(map(len, options)) <= _LONGEST_OPTION:
            found = [Option(plain_text(text), value) for value, text in options.items()]
            held = next((each for each in found if each.value == json.dumps(known)), None)
            return _pick(found, held if known is not None else None)
    longest = rule.get("maxLength")
    room = min(longest, _LONGEST_VALUE) if isinstance(longest, int) else _LONGEST_VALUE
    text = "" if known is None else _text(known)
    return PlainTextInput(
        ids.PICKED,
        initial_value=text if text and len(text) <= room else None,
        multiline=rule.get("type") == "array",
        max_length=max(room, 1),
    )


def _pick(options: list[Option], initial: Option | None) -> Element:
    """Return radio buttons, or a menu where they are too many for them."""
    if len(options) < _MENU_FROM:
        return RadioButtonGroup(ids.PICKED, options, initial_option=initial)
    return StaticSelectMenu(
        ids.PICKED, options=options, initial_option=initial, placeholder=plain_text("Choose…")
    )


def _choice(option: CapabilityOption) -> Option:
    if option.understood:
        more = "As I understood it, with other values"
    else:
        sentence = option.description.strip().split(". ")[0].rstrip(".")
        more = textwrap.shorten(sentence, _LABEL, placeholder="…")
    return Option(plain_text(_named(option)), option.name, description=plain_text(more))


def _named(option: CapabilityOption) -> str:
    return option.name.replace("_", " ").capitalize()


def _said(words: str) -> BlockDict:
    return section(f"You wrote: “{cut(words, 1_000)}”")


def _text(value: JsonValue) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return "\n".join(map(_text, value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _plain(block: InputBlock) -> BlockDict:
    found: BlockDict = ModalView(title=TITLE, submit="Next", blocks=[block]).to_dict()["blocks"][0]
    return found


def _modal(
    name: str, state: ids.CorrectionState, blocks: Sequence[BlockDict], submit: str
) -> dict[str, Any]:
    modal = ModalView(
        title=TITLE,
        submit=submit,
        close="Close",
        private_metadata=state.encoded(),
        callback_id=name,
        blocks=[],
    )
    view: dict[str, Any] = modal.to_dict()
    return {**view, "blocks": list(blocks)}
