"""`make bench`: run the benchmarks that are named, or all; print and keep what they found."""

import os
import sys
from pathlib import Path

import uvloop

from benchmarks import approvals, card, million, slack_ack, throughput
from benchmarks.measure import Row, keep, told
from orchestrator.logs import configure_logging
from orchestrator.settings import Settings

MEASURES = {
    "approvals": approvals.measure,
    "throughput": throughput.measure,
    "slack": slack_ack.measure,
    "card": card.measure,
    "million": million.measure,
}


def main(names: list[str]) -> None:
    """Run one benchmark after another."""
    found: list[Row] = []
    for name in names or MEASURES:
        print(f"{name} ...", flush=True)
        rows = uvloop.run(MEASURES[name]())
        for each in rows:
            print(told(each), flush=True)
        keep(rows)
        found += rows
    if len(found) > 1:
        print("\n".join(["", *map(told, found)]))


if __name__ == "__main__":
    with Path(os.devnull).open("w") as nowhere:  # log lines are made as ever, and read by nobody
        configure_logging(Settings(log_format="json"), nowhere)
        main(sys.argv[1:])
