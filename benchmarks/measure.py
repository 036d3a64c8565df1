"""What a benchmark says: ratios of one round against its yardstick, their median and spread."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

RESULTS = Path(__file__).parent / "results.json"


@dataclass(frozen=True)
class Row:
    """One measure: the median of its rounds, the lowest and the highest of them, its goal.

    `ratio` is a share of the yardstick, but for `… ms`, which is milliseconds.
    """

    measure: str
    ratio: float
    low: float
    high: float
    goal: str
    met: bool


def row(measure: str, rounds: Sequence[float], goal: str) -> Row:
    """Sum up the rounds of a measure; `goal` begins with `<=` or `>=` and a number."""
    middle = statistics.median(rounds)
    sign, bound = goal.split()[:2]
    met = middle <= float(bound) if sign == "<=" else middle >= float(bound)
    low, high = min(rounds), max(rounds)
    return Row(measure, round(middle, 3), round(low, 3), round(high, 3), goal, met)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` (0 to 1) of `values` does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def told(found: Row) -> str:
    """Return a row as a line for people."""
    mark = "met" if found.met else "MISSED"
    spread = f"{found.low:g} to {found.high:g}"
    return f"{found.measure:<62} {found.ratio:>8g}  ({spread})  goal {found.goal}: {mark}"


def keep(rows: Sequence[Row]) -> None:
    """Write rows into `results.json`; rows of measures that were not run now stay."""
    known = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
    fresh = {each.measure: asdict(each) for each in rows}
    kept = [fresh.pop(each["measure"], each) for each in known]
    RESULTS.write_text(json.dumps([*kept, *fresh.values()], indent=1) + "\n")
