"""What Slack refuses is refused, and what it takes is taken."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from bot.local_slack.validation import problems_of_message, problems_of_view

Json = dict[str, Any]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> Json:
    return {"type": "mrkdwn", "text": text}


def button(**more: object) -> Json:
    return {"type": "button", "text": plain("Go"), "action_id": "go", "value": "1", **more}


def options(count: int) -> list[Json]:
    return [{"text": plain(str(number)), "value": str(number)} for number in range(count)]


def confirm(**more: object) -> Json:
    words = {key: plain(key) for key in ("title", "text", "confirm", "deny")}
    return {**words, **more}


MESSAGE: Json = {
    "text": "Plan 1",
    "blocks": [
        {"type": "header", "text": {"type": "plain_text", "text": "Plan 1", "emoji": True}},
        {
            "type": "section",
            "block_id": "what",
            "text": {"type": "mrkdwn", "text": "*a*", "verbatim": True},
            "fields": [{"type": "mrkdwn", "text": "f"}],
            "accessory": button(),
        },
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "now"}]},
        {
            "type": "actions",
            "block_id": "decide",
            "elements": [
                button(style="primary", confirm=confirm()),
                button(action_id="hidden", visible_to_user_ids=["U1"]),
                {
                    "type": "static_select",
                    "action_id": "menu",
                    "placeholder": plain("Which?"),
                    "options": options(2),
                },
                {"type": "overflow", "action_id": "more", "options": options(2)},
            ],
        },
        {"type": "markdown", "text": "**said** by a model"},
        {
            "type": "rich_text",
            "elements": [
                {"type": "rich_text_section", "elements": [{"type": "text", "text": "as code"}]}
            ],
        },
        {"type": "divider"},
    ],
}
VIEW: Json = {
    "type": "modal",
    "callback_id": "reject",
    "title": plain("Reject"),
    "submit": plain("Reject"),
    "private_metadata": "{}",
    "blocks": [
        {
            "type": "input",
            "block_id": "reason",
            "label": plain("Why?"),
            "hint": plain("One sentence"),
            "element": {"type": "plain_text_input", "action_id": "text", "multiline": True},
        }
    ],
}


def test_a_message_that_slack_takes_has_no_problems() -> None:
    assert problems_of_message(MESSAGE) == []


def test_views_that_slack_takes_have_no_problems() -> None:
    home = {"type": "home", "blocks": MESSAGE["blocks"][:4]}

    assert problems_of_view(VIEW) == []
    assert problems_of_view(home) == []


def header(message: Json) -> Json:
    found: Json = message["blocks"][0]
    return found


def actions(message: Json) -> list[Json]:
    found: list[Json] = message["blocks"][3]["elements"]
    return found


WRONG_MESSAGES: dict[str, tuple[str, Callable[[Json], object]]] = {
    "51 blocks": ("no more than 50", lambda m: m["blocks"].extend([{"type": "divider"}] * 44)),
    "twin block_id": ("used 2 times", lambda m: m["blocks"][1].update(block_id="decide")),
    "twin action_id": ("in one block", lambda m: actions(m)[1].update(action_id="go")),
    "mrkdwn on a button": ("plain_text", lambda m: actions(m)[0]["text"].update(type="mrkdwn")),
    "empty text": ("minimum length of 1", lambda m: m["blocks"][1]["text"].update(text="")),
    "long section": ("3001", lambda m: m["blocks"][1]["text"].update(text="x" * 3001)),
    "long header": ("151", lambda m: header(m)["text"].update(text="x" * 151)),
    "mrkdwn header": ("plain_text", lambda m: header(m).update(text=mrkdwn("x"))),
    "mrkdwn beside": ("plain_text", lambda m: m["blocks"][1]["accessory"].update(text=mrkdwn("x"))),
    "mrkdwn hint": ("plain_text", lambda m: actions(m)[2].update(placeholder=mrkdwn("x"))),
    "mrkdwn question": (
        "plain_text",
        lambda m: actions(m)[0].update(confirm=confirm(title=mrkdwn("x"))),
    ),
    "nothing to choose": ("min_size", lambda m: actions(m)[2].update(options=[])),
    "empty option": ("more than 0", lambda m: actions(m)[2]["options"][0].update(value="")),
    "empty context": ("fewer than 1", lambda m: m["blocks"][2].update(elements=[])),
    "11 in a context": (
        "cannot exceed 10",
        lambda m: m["blocks"][2].update(elements=[mrkdwn("x") for _ in range(11)]),
    ),
    "button without words": ("text", lambda m: actions(m)[0].pop("text")),
    "long placeholder": ("150", lambda m: actions(m)[2].update(placeholder=plain("x" * 151))),
    "long address": ("3000", lambda m: actions(m)[0].update(url="https://x/" + "x" * 3000)),
    "long field": ("2001", lambda m: m["blocks"][1]["fields"][0].update(text="x" * 2001)),
    "11 fields": (
        "cannot exceed 10",
        lambda m: m["blocks"][1].update(fields=[plain("x") for _ in range(11)]),
    ),
    "long button": ("76", lambda m: actions(m)[0]["text"].update(text="x" * 76)),
    "long value": ("2001", lambda m: actions(m)[0].update(value="x" * 2001)),
    "long action_id": ("256", lambda m: actions(m)[0].update(action_id="x" * 256)),
    "long block_id": ("256", lambda m: header(m).update(block_id="x" * 256)),
    "unknown style": ("style attribute", lambda m: actions(m)[0].update(style="blue")),
    "101 options": ("cannot exceed 100", lambda m: actions(m)[2].update(options=options(101))),
    "6 in overflow": ("between 1 and 5", lambda m: actions(m)[3].update(options=options(6))),
    "long option": ("76", lambda m: actions(m)[2]["options"][0]["text"].update(text="x" * 76)),
    "long option value": ("150", lambda m: actions(m)[2]["options"][0].update(value="x" * 151)),
    "long confirm": ("31", lambda m: actions(m)[0].update(confirm=confirm(deny=plain("x" * 31)))),
    "unknown block": ("unsupported type", lambda m: m["blocks"].append({"type": "chart"})),
    "unknown element": ("unsupported", lambda m: actions(m).append({"type": "knob"})),
    "unknown field": ("additional property: colour", lambda m: header(m).update(colour="red")),
    "unknown field within": ("property: size", lambda m: actions(m)[0].update(size="big")),
    "no elements": ("elements", lambda m: m["blocks"][3].update(elements=[])),
    "only in modals": (
        "'alert' is not supported on message",
        lambda m: m["blocks"].append({"type": "alert", "text": plain("x")}),
    ),
    "26 elements": (
        "cannot exceed 25",
        lambda m: m["blocks"][3].update(elements=[button(action_id=f"b{n}") for n in range(26)]),
    ),
    "much text in all": (
        "msg_blocks_too_long",
        lambda m: m["blocks"].extend(
            {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 2900}} for _ in range(5)
        ),
    ),
    "much markdown in all": (
        "12000",
        lambda m: m["blocks"].extend({"type": "markdown", "text": "x" * 6200} for _ in range(2)),
    ),
    "nothing at all": ("no_text", lambda m: m.clear()),
    "long text": ("msg_too_long", lambda m: m.update(text="x" * 40_001)),
    "blocks that are none": ("invalid_blocks_format", lambda m: m.update(blocks=["x"])),
}


@pytest.mark.parametrize("name", WRONG_MESSAGES)
def test_a_message_that_slack_refuses_says_why(name: str) -> None:
    told, spoil = WRONG_MESSAGES[name]
    message = copy.deepcopy(MESSAGE)
    spoil(message)

    assert told in " ".join(problems_of_message(message))


def test_an_update_may_hold_4000_bytes_of_text() -> None:
    umlauts = {"text": "ü" * 2001}

    assert problems_of_message(umlauts) == []
    assert "4000 bytes" in problems_of_message(umlauts, update=True)[0]
    assert problems_of_message({"text": "ü" * 2000}, update=True) == []


WRONG_VIEWS: dict[str, tuple[str, Callable[[Json], object]]] = {
    "mrkdwn title": ("plain_text", lambda v: v.update(title=mrkdwn("x"))),
    "mrkdwn label": ("plain_text", lambda v: v["blocks"][0].update(label=mrkdwn("x"))),
    "long label": ("2000", lambda v: v["blocks"][0].update(label=plain("x" * 2001))),
    "long callback_id": ("255", lambda v: v.update(callback_id="x" * 256)),
    "long title": ("25", lambda v: v["title"].update(text="x" * 25)),
    "long submit": ("25", lambda v: v["submit"].update(text="x" * 25)),
    "no title": ("title", lambda v: v.pop("title")),
    "no submit": ("submit", lambda v: v.pop("submit")),
    "long metadata": ("3000", lambda v: v.update(private_metadata="x" * 3001)),
    "101 blocks": ("no more than 100", lambda v: v["blocks"].extend([{"type": "divider"}] * 100)),
    "only in messages": (
        "markdown",
        lambda v: v["blocks"].append({"type": "markdown", "text": "x"}),
    ),
    "unknown field": ("property: colour", lambda v: v.update(colour="red")),
    "no kind": ("modal or a home", lambda v: v.pop("type")),
    "no input element": ("element", lambda v: v["blocks"][0].pop("element")),
}


@pytest.mark.parametrize("name", WRONG_VIEWS)
def test_a_view_that_slack_refuses_says_why(name: str) -> None:
    told, spoil = WRONG_VIEWS[name]
    view = copy.deepcopy(VIEW)
    spoil(view)

    assert told in " ".join(problems_of_view(view))
