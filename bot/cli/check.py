"""What a check of `chiffon doctor` finds."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Check:
    """One finding; `fix` says what to do and is empty where nothing is to be done."""

    name: str
    state: State
    found: str
    fix: str = ""


def ok(name: str, found: str) -> Check:
    """Return that all is well."""
    return Check(name, State.OK, found)


def warning(name: str, found: str, fix: str) -> Check:
    """Return that something may surprise."""
    return Check(name, State.WARNING, found, fix)


def problem(name: str, found: str, fix: str) -> Check:
    """Return that something does not work."""
    return Check(name, State.PROBLEM, found, fix)
