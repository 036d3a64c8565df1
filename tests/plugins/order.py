"""Start what waits longest first, so that no worker is left alone with it at the end.

Workers are given whole files (`--dist=loadfile --no-loadscope-reorder`), in the order given here.
"""

from pathlib import Path

import pytest

# Folders whose tests wait for programs, sockets or Slack's pace, the longest first.
_FIRST = ("tests/bot/notifier", "tests/walk", "tests/bot/local_slack", "tests/bot/setup")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the files of `_FIRST` to the front; else the order stays."""
    front = {config.rootpath / folder: place for place, folder in enumerate(_FIRST)}
    items.sort(key=lambda item: _place(front, item.path))


def _place(front: dict[Path, int], file: Path) -> int:
    return min((front[folder] for folder in file.parents if folder in front), default=len(front))
