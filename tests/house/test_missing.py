"""A run says last what it did not run; in CI that is a failure."""

from collections.abc import Callable

import pytest

NEEDS = """
    from tests.plugins import missing

    def test_needs():
        missing.require("PostgreSQL", answered={answered}, why="no server at 127.0.0.1:5432")

    def test_needs_again():
        missing.require("PostgreSQL", answered={answered}, why="no server at 127.0.0.1:5432")

    def test_needs_nothing():
        pass
"""
SKIPS = """
    import pytest

    def test_skips():
        pytest.skip("another reason")
"""


CLOSING = (
    "Not run here: PostgreSQL (no server at 127.0.0.1:5432). `make services` brings the servers."
)


@pytest.fixture
def run(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., pytest.RunResult]:
    """Run one test file in a run of its own, with the plugin of this checkout."""

    def run_file(test: str, *, ci: str = "") -> pytest.RunResult:
        monkeypatch.setenv("CI", ci)
        pytester.makeconftest('pytest_plugins = ("tests.plugins.missing",)')
        pytester.makepyfile(test)
        return pytester.runpytest_inprocess("-p", "no:asyncio", "-p", "no:cov")

    return run_file


def test_what_is_missing_is_skipped_and_told_last(run: Callable[..., pytest.RunResult]) -> None:
    result = run(NEEDS.format(answered=False))

    result.assert_outcomes(passed=1, skipped=2)
    assert result.ret == pytest.ExitCode.OK
    assert result.outlines[-1] == CLOSING


def test_what_is_missing_fails_in_ci(run: Callable[..., pytest.RunResult]) -> None:
    result = run(NEEDS.format(answered=False), ci="true")

    result.assert_outcomes(passed=1, failed=2)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert result.outlines[-1] == CLOSING


@pytest.mark.parametrize("ci", ["", "true"])
def test_all_there_is_told_too(run: Callable[..., pytest.RunResult], ci: str) -> None:
    result = run(NEEDS.format(answered=True), ci=ci)

    result.assert_outcomes(passed=3)
    assert result.ret == pytest.ExitCode.OK
    assert result.outlines[-1] == "Everything that was asked for ran here."


def test_a_skip_for_another_reason_is_told(run: Callable[..., pytest.RunResult]) -> None:
    result = run(SKIPS)

    assert result.ret == pytest.ExitCode.OK
    assert result.outlines[-1] == "Not run here: 1 skipped for the reasons above."


def test_a_skip_for_another_reason_fails_the_run_in_ci(
    run: Callable[..., pytest.RunResult],
) -> None:
    assert run(SKIPS, ci="true").ret == pytest.ExitCode.TESTS_FAILED
