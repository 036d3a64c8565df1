"""`make chaos` and `make prove`: run, print the ledger, and say by the exit status what it is."""

import argparse
import asyncio
import logging
import random
import shutil
import signal
import sys
from collections.abc import Sequence

from tests.chaos.report import told
from tests.chaos.run import Outcome, Wanted, new_room, run
from tests.chaos.sabotage import SABOTAGES
from tests.chaos.servers import MissingServerError


def main(words: Sequence[str]) -> int:
    """Return 0 where every promise was kept, 1 where one was broken, 2 where it could not run."""
    options = _options(words)
    wanted = Wanted(
        seed=options.seed if options.seed is not None else random.SystemRandom().randrange(10**6),
        plans=options.plans,
        kills=options.kills,
        seconds=options.seconds,
        embedded=options.embedded,
        sabotage=options.sabotage or None,
    )
    for number in (signal.SIGINT, signal.SIGTERM):  # in the background, too, it leaves nobody
        signal.signal(number, signal.default_int_handler)
    for name in ("aio_pika", "aiormq"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # a broker that is away is no news
    room = new_room()
    print(f"SEED={wanted.seed}, in {room}", flush=True)
    try:
        outcome = asyncio.run(run(wanted, room))
    except MissingServerError as fault:
        print(f"{fault}: `make services` brings the servers; `make prove` needs none.")
        return 2
    print(told(outcome), flush=True)
    return _status(outcome, keep=options.keep)


def _status(outcome: Outcome, *, keep: bool) -> int:
    if outcome.ledger.is_clean and not keep:
        shutil.rmtree(outcome.site.room, ignore_errors=True)
    return 0 if outcome.ledger.is_clean else 1


def _options(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--embedded", action="store_true", help="one `chiffon up`, no server")
    parser.add_argument("--seed", type=_number, help="where chance begins; printed anyway")
    parser.add_argument("--plans", type=int, default=40)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=90, help="the longest that it storms")
    parser.add_argument("--sabotage", choices=["", *SABOTAGES], default="", help="must turn red")
    parser.add_argument("--keep", action="store_true", help="keep the folder of a clean run")
    return parser.parse_args(words)


def _number(text: str) -> int | None:
    return int(text) if text else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
