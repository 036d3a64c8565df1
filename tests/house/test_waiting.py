"""Waiting returns when the condition holds and says what never came."""

import itertools

import pytest

from tests.plugins.waiting import until, until_blocking


async def test_until_asks_again_until_it_holds() -> None:
    answers = iter([False, None, "there"])

    await until(lambda: next(answers), what="the third answer")

    assert list(answers) == []


async def test_until_takes_an_async_condition() -> None:
    count = itertools.count()

    async def third_time() -> bool:
        return next(count) == 2

    await until(third_time, what="the third answer")

    assert next(count) == 3


async def test_until_says_what_never_came() -> None:
    with pytest.raises(AssertionError, match=r"waited 0\.02 s in vain for: the moon"):
        await until(lambda: False, what="the moon", seconds=0.02)


def test_until_blocking_asks_again_until_it_holds() -> None:
    answers = iter([False, True])

    until_blocking(lambda: next(answers), what="the second answer")

    assert list(answers) == []


def test_until_blocking_says_what_never_came() -> None:
    with pytest.raises(AssertionError, match="in vain for: the moon"):
        until_blocking(lambda: False, what="the moon", seconds=0.02)
