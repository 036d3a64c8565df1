"""What a builder returns: one Slack message."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Message:
    """A message as `chat.postMessage` takes it.

    `text` is what notifications and screen readers get: Slack shows `blocks` instead where
    there are any. At most 50 blocks and 4,000 bytes of text, so that it can be updated too.
    """

    text: str
    blocks: tuple[dict[str, Any], ...] = ()
