"""What a person typed, out of the text that Slack makes of it."""

import re
from collections.abc import Mapping

_MARKED = re.compile(r"<(?P<target>[^<>|]+)(?:\|(?P<label>[^<>]*))?>")
_PERSON = re.compile(r"<@(?P<person>[A-Z0-9]+)(?:\|[^<>]*)?>")
_SCHEME = re.compile(r"^(?:https?://|mailto:|tel:)")


def mentions(text: str, person: str) -> bool:
    """Say whether the text mentions that person."""
    return person in mentioned(text)


def mentioned(text: str) -> tuple[str, ...]:
    """Return the ids of the people whom the text mentions, in order."""
    return tuple(found["person"] for found in _PERSON.finditer(text))


def spoken(text: str, *, bot: str, names: Mapping[str, str]) -> str:
    """Return the text without the bot's mention, links and escapes undone.

    Args:
        text: as Slack sends it: `<url|label>`, `<@U1>`, `<#C1|name>`, `&lt;`.
        bot: the bot's own user id.
        names: what people are called, by user id; one that is not in it stays an id.
    """
    without_bot = re.sub(rf"[ \t]*<@{re.escape(bot)}(?:\|[^<>]*)?>:?[ \t]*", " ", text)
    plain = _MARKED.sub(lambda found: _plain(found["target"], found["label"], names), without_bot)
    unescaped = plain.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return unescaped.replace("\u00a0", " ").strip()


def _plain(target: str, label: str | None, names: Mapping[str, str]) -> str:
    if target.startswith("@"):
        return names.get(target[1:], label or target[1:])
    if target.startswith("#"):
        return f"#{label or target[1:]}"
    if target.startswith("!"):
        return _announcement(target[1:], label)
    without_scheme = _SCHEME.sub("", target)
    # Slack makes a link of a bare name: what was typed is the label then.
    return label if label is not None and label == without_scheme else _unschemed(target)


def _announcement(target: str, label: str | None) -> str:
    return label or f"@{target.split('^', 1)[0]}"


def _unschemed(target: str) -> str:
    return target.removeprefix("mailto:").removeprefix("tel:")
