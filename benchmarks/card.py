"""From a request to its plan card, embedded: SQLite, one process, the starter catalogue."""

import tempfile
import time
from pathlib import Path

from benchmarks.measure import Row, percentile, row
from bot.blocks.card import plan_card
from orchestrator.bootstrap import open_orchestrator
from orchestrator.catalog.catalogue import LiveCatalog
from orchestrator.catalog.loader import starter_folder
from orchestrator.service import OrchestratorService
from orchestrator.settings import Settings
from orchestrator.transport.local import LocalTransport

ROUNDS = 5
_REQUESTS = 20
_TEXTS = ("Deploy Kuma Uptime and add existing portals to config", "Deploy Kuma", "disk report")


async def _card(service: OrchestratorService, number: int) -> float:
    """Ask for something in a channel; return the milliseconds until its card is drawn."""
    began = time.monotonic()
    text = _TEXTS[number % len(_TEXTS)]
    asked = await service.submit_request(text, "U0SAM", team="T1", channel="C1", thread=str(number))
    if asked.error is not None:
        raise RuntimeError(asked.error.message)
    (card,) = (await service.due_cards()).cards
    plan_card(card)
    took = time.monotonic() - began
    await service.card_shown(card.card_id, version=card.version, messages=["1.1"])
    return 1000 * took


async def measure() -> list[Row]:
    """Run all rounds."""
    rounds = []
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder), database_url=None)
        catalog = LiveCatalog([starter_folder()])
        async with open_orchestrator(settings, catalog.current, LocalTransport()) as running:
            for _ in range(ROUNDS + 1):
                times = [await _card(running.service, number) for number in range(_REQUESTS)]
                rounds.append(percentile(times, 0.95))
                print(f"  request to card: p95 {rounds[-1]:.0f} ms", flush=True)
    return [row("request to plan card, embedded, p95, ms", rounds[1:], "<= 100 ms")]
