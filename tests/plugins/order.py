"""Start what waits longest first, so that no worker is left alone with it at the end.

Workers are given whole files (`--dist=loadfile --no-loadscope-reorder`), in the order given here.
"""

from collections.abc import Callable
from itertools import zip_longest
from pathlib import Path

import pytest
from typing_extensions import override
from xdist.scheduler import LoadFileScheduling, LoadScopeScheduling

# Folders whose tests wait for programs, sockets or Slack's pace, the longest first.
_FIRST = ("tests/bot/notifier", "tests/walk", "tests/bot/local_slack", "tests/bot/setup")
# Folders that one worker has to itself: what they load takes seconds.
_TOGETHER = ("tests/llm/", "tests/walk/")


class _ByFile(LoadFileScheduling):  # type: ignore[misc] # ships no types
    """Whole files, and whole folders of those that load much."""

    @override
    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return next((folder for folder in _TOGETHER if file.startswith(folder)), file)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(
    config: pytest.Config, log: Callable[..., None]
) -> LoadScopeScheduling | None:
    """Refine `--dist=loadfile`, and leave any other way alone."""
    return _ByFile(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the files of `_FIRST` to the front, another one between each two of them.

    While one worker waits another one computes. Else the order stays.
    """
    front = {config.rootpath / folder: place for place, folder in enumerate(_FIRST)}
    files = sorted(dict.fromkeys(item.path for item in items), key=lambda file: _rank(front, file))
    waiting = [file for file in files if _rank(front, file) < len(front)]
    others = files[len(waiting) :]
    pairs = zip_longest(waiting, others[: len(waiting)])
    ordered = [*(file for pair in pairs for file in pair if file), *others[len(waiting) :]]
    places = {file: place for place, file in enumerate(ordered)}
    items.sort(key=lambda item: places[item.path])


def _rank(front: dict[Path, int], file: Path) -> int:
    return min((front[folder] for folder in file.parents if folder in front), default=len(front))
