"""Say at the very end what was not run here, and why.

A fixture that needs something outside this checkout asks `require`. Where the thing is missing,
the test is skipped and the reason kept; with `CI=true` the test fails instead, and a skip for any
other reason fails the run, since what CI does not run, nobody does.
"""

import os
import re
from collections.abc import Iterator

import pytest

_NEEDS = re.compile(r"needs (?P<thing>[^:\n]+): (?P<why>[^\n]+)")
_BY_CI = "`CI=true make test`"
_IN_CI = " -- and in CI nothing may be missing"


def require(thing: str, *, answered: bool, why: str) -> None:
    """Skip the test that runs (fail it in CI) unless the thing it needs is there.

    Args:
        thing: what people call it, such as "PostgreSQL"; without a colon.
        answered: whether it is there.
        why: what is in the way, such as "no server at 127.0.0.1:5432"; may end with what to do.
    """
    if answered:
        return
    reason = f"needs {thing}: {why}"
    if in_ci():
        pytest.fail(reason + _IN_CI, pytrace=False)
    pytest.skip(reason)


def in_ci() -> bool:
    """Tell whether `CI` is set to true, as CI services do."""
    return os.environ.get("CI", "").lower() in {"1", "true"}


def require_ci(thing: str = "the walk over every crash point") -> None:
    """Skip the test that runs unless CI asks for all of it: it takes minutes, not seconds."""
    require(thing, answered=in_ci(), why=f"takes minutes; {_BY_CI} runs it")


def closing_line(reasons: dict[str, str], other_skips: int) -> str:
    """Return the last line of a run."""
    told = [f"{thing} ({why})" for thing, why in sorted(reasons.items())]
    if other_skips:
        told.append(f"{other_skips} skipped for the reasons above")
    if not told:
        return "Everything that was asked for ran here."
    servers = any(_BY_CI not in why for why in reasons.values())
    hint = " `make services` brings the servers." if servers else ""
    return f"Not run here: {'; '.join(told)}.{hint}"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Iterator[None]:
    """Print the closing line after everything else that is printed, the totals included.

    It is read from the reports, which come here from every worker process.
    """
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    stats = reporter.stats if reporter else {}
    skipped = stats.get("skipped", [])
    broken = [*stats.get("error", []), *stats.get("failed", [])]
    if skipped and in_ci() and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    yield
    if reporter is not None and not session.config.option.collectonly:
        told = [_needs(report) for report in (*skipped, *broken)]
        others = [report for report in skipped if _needs(report) is None]
        reasons = dict(need for need in told if need is not None)
        reporter.write_line(closing_line(reasons, len(others)))


def _needs(report: pytest.TestReport) -> tuple[str, str] | None:
    """Return what a report says was missing and why; None if it is about something else."""
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
    found = _NEEDS.search(text)
    return None if found is None else (found["thing"], found["why"].removesuffix(_IN_CI))
