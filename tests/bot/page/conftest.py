"""Fixtures for tests that look at the page in a real browser."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

from tests.bot.page.small_slack import SmallSlack, serving
from tests.plugins.chromium import QUIET, SLOW_MACHINE_MS, chromium


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """Run Debian's Chromium; one for all tests of a file."""
    path = chromium()
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=path, args=QUIET)
        yield running
        await running.close()


@pytest_asyncio.fixture(loop_scope="module")
async def slack() -> AsyncIterator[SmallSlack]:
    """Serve a small state to the page."""
    async with serving(SmallSlack()) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, request: pytest.FixtureRequest) -> AsyncIterator[Page]:
    """Open an empty tab that fails the test for any error in the page's scripts.

    `@pytest.mark.parametrize("page", [{...}], indirect=True)` gives options of the tab.
    """
    context = await browser.new_context(
        **{"locale": "en-GB", "timezone_id": "UTC", **getattr(request, "param", {})}
    )
    context.set_default_timeout(SLOW_MACHINE_MS)
    tab = await context.new_page()
    errors: list[str] = []
    tab.on("pageerror", lambda error: errors.append(str(error)))
    tab.on("console", lambda said: errors.append(said.text) if "Security" in said.text else None)
    yield tab
    await context.close()
    assert errors == []
