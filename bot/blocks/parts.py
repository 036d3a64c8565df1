"""The few blocks that messages are made of, each as a plain dict that Slack takes."""

from collections.abc import Sequence
from typing import Any, Literal

from slackblocks import (
    ActionsBlock,
    Block,
    Button,
    ConfirmationDialogue,
    ContextBlock,
    DividerBlock,
    Element,
    HeaderBlock,
    Option,
    SectionBlock,
    StaticSelectMenu,
    Text,
    TextType,
)
from slackblocks import Message as SlackMessage

from bot.blocks.message import Message
from bot.blocks.text import cut, measure

MAX_BLOCKS = 50
MAX_SECTION = 2_900  # Slack takes 3,000
MAX_MESSAGE = 11_000  # all block texts together; Slack refuses from about 13,200
MAX_TEXT_BYTES = 3_900  # Slack takes 4,000 in an update
MAX_LABEL = 75
MAX_MENU_VALUE = 150

BlockDict = dict[str, Any]


def _plain_dict(block: Block) -> BlockDict:
    """Leave block ids to Slack, so that equal contents are equal dicts."""
    found: BlockDict = SlackMessage("any", blocks=[block]).to_dict()["blocks"][0]
    found.pop("block_id", None)
    return found


def _mrkdwn(text: str) -> Text:
    # Verbatim: Slack makes no links of its own from what somebody wrote.
    return Text(text, type_=TextType.MARKDOWN, verbatim=True)


def plain_text(text: str, limit: int = MAX_LABEL) -> Text:
    """Return a text without markup; what is too long is cut."""
    return Text(cut(text, limit), type_=TextType.PLAINTEXT)


def section(text: str) -> BlockDict:
    """Return a paragraph of mrkdwn, at most 3,000 units, never folded behind "see more"."""
    return {**_plain_dict(SectionBlock(_mrkdwn(text))), "expand": True}


def context(text: str) -> BlockDict:
    """Return a small grey line of mrkdwn."""
    return _plain_dict(ContextBlock([_mrkdwn(text)]))


def header(text: str) -> BlockDict:
    """Return a heading, at most 150 units."""
    return _plain_dict(HeaderBlock(Text(text, type_=TextType.PLAINTEXT)))


def divider() -> BlockDict:
    """Return a line across."""
    return _plain_dict(DividerBlock())


def actions(*elements: Element) -> BlockDict:
    """Return a row of buttons or menus."""
    return _plain_dict(ActionsBlock(list(elements)))


def button(
    label: str,
    action_id: str,
    value: str,
    *,
    style: Literal["primary", "danger"] | None = None,
    confirm: ConfirmationDialogue | None = None,
) -> Button:
    """Return a button; a label that is too long is cut."""
    return Button(plain_text(label), action_id, value=value, style=style, confirm=confirm)


def menu(placeholder: str, action_id: str, options: Sequence[tuple[str, str]]) -> StaticSelectMenu:
    """Return a menu of (label, value), at most 100 of them, values at most 150 characters."""
    found = [Option(plain_text(label), value) for label, value in options]
    return StaticSelectMenu(action_id, options=found, placeholder=plain_text(placeholder))


def asking(
    title: str, text: str, confirm: str, deny: str, style: Literal["primary", "danger"]
) -> ConfirmationDialogue:
    """Return the dialog that a click opens first."""
    plain = Text(text, type_=TextType.PLAINTEXT)
    return ConfirmationDialogue(title=title, text=plain, confirm=confirm, deny=deny, style=style)


def packed(lines: Sequence[str], first: int = MAX_SECTION, limit: int = MAX_SECTION) -> list[str]:
    """Join lines to paragraphs of at most `limit` units, the first one of at most `first`."""
    paragraphs: list[str] = []
    for line in lines:
        room = first if len(paragraphs) <= 1 else limit
        joined = f"{paragraphs[-1]}\n{line}" if paragraphs else line
        if paragraphs and measure(joined) <= room:
            paragraphs[-1] = joined
        else:
            paragraphs.append(line)
    return paragraphs


def fitting(lines: Sequence[str], more: str, total: int = MAX_MESSAGE - 1_500) -> list[BlockDict]:
    """Return lines as paragraphs, and where they do not all fit, `more` after those that do.

    Only for what is shown whole elsewhere; `more` says where.
    """
    kept: list[str] = []
    used = 0
    for line in lines:
        used += measure(line) + 1
        if used > total:
            break
        kept.append(line)
    blocks = [section(paragraph) for paragraph in packed(kept)]
    if len(kept) < len(lines):
        blocks.append(context(f"… and {len(lines) - len(kept)} more. {more}"))
    return blocks


def message(text: str, *blocks: BlockDict) -> Message:
    """Return a message; `text` is escaped already, and is what a screen reader reads out."""
    return Message(text=_in_bytes(text), blocks=tuple(blocks))


def _in_bytes(text: str) -> str:
    found = text.encode()
    if len(found) <= MAX_TEXT_BYTES:
        return text
    # An entity or a mention that is cut in two would read as something else: end before it.
    kept = found[: MAX_TEXT_BYTES - 3].decode(errors="ignore")
    for opening, closing in (("&", ";"), ("<", ">")):
        start = kept.rfind(opening)
        if start > kept.rfind(closing):
            kept = kept[:start]
    return f"{kept}…"
