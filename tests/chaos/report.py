"""What a run prints: its seed and size, the ledger, and where it is bad, what happened."""

from tests.chaos.ledger import worst
from tests.chaos.run import Outcome
from tests.chaos.sabotage import PROMISES

_SHOWN_FINDINGS = 12


def told(outcome: Outcome) -> str:
    """Return the whole report."""
    parts = [_heading(outcome), _table(outcome)]
    if not outcome.ledger.is_clean:
        parts += [_findings(outcome), _timeline(outcome), _verdict(outcome)]
    else:
        parts.append("Clean: nothing lost, duplicated, unapproved, false or stuck.")
    return "\n\n".join(parts)


def _heading(outcome: Outcome) -> str:
    wanted, storm = outcome.wanted, outcome.storm
    where = "embedded (SQLite)" if wanted.embedded else "PostgreSQL + RabbitMQ"
    lines = [
        (
            f"Seed {wanted.seed}, {where}: {wanted.plans} plans, {storm.kills} kills (SIGKILL), "
            f"{storm.stops} stops (SIGSTOP), {storm.restarts} restarts (SIGTERM)"
        ),
        *(f"{name}: {number}" for name, number in outcome.faults),
        f"{outcome.seconds:.0f} s; at rest {outcome.settle_seconds:.1f} s after the storm",
    ]
    return "\n".join(lines)


def _table(outcome: Outcome) -> str:
    return "\n".join(
        f"  {name:<11} {number:>6}  {meaning}" for name, number, meaning in outcome.ledger.rows()
    )


def _findings(outcome: Outcome) -> str:
    found = outcome.ledger.findings
    lines = [
        f"{kind}: {'' if plan is None else f'plan #{plan}: '}{what}"
        for kind, plan, what in found[:_SHOWN_FINDINGS]
    ]
    more = len(found) - _SHOWN_FINDINGS
    return "\n".join([*lines, *([f"… and {more} more"] if more > 0 else [])])


def _timeline(outcome: Outcome) -> str:
    """Return all that is known of the first bad plan, in one order of time."""
    number = worst(outcome.ledger.findings)
    if number is None:
        return "No plan is to blame."
    story = outcome.stories.get(number, [])
    wish = next((each for each in outcome.clients.wishes if each.number == number), None)
    said = [] if wish is None else [f"{line} (what the person saw)" for line in wish.said]
    timed = [line for line in [*story, *said] if line[:1].isdigit()]
    times = [float(line.split()[0]) for line in timed] or [0.0]
    storm = [
        f"{at:.3f} -- {what}"
        for at, what in outcome.storm.log
        if times and min(times) - 3 < at < max(times) + 3
    ]
    attempts = [line for line in story if line.startswith("attempt")]
    ids = [line.split()[1] for line in attempts]
    canary = [
        f"canary: {line.capability} {line.what} {line.attempt_id}"
        for line in outcome.site.canary.lines()
        if line.attempt_id in ids
    ]
    text = "" if wish is None else f": {wish.text}"
    return "\n".join([f"Plan #{number}{text}", *sorted([*timed, *storm]), *attempts, *canary])


def _verdict(outcome: Outcome) -> str:
    sabotage = outcome.wanted.sabotage
    kinds = sorted({kind for kind, _, _ in outcome.ledger.findings})
    broken = f"Broken: {', '.join(kinds)}."
    if sabotage is None:
        return f"{broken} SEED={outcome.wanted.seed} runs it again; everything is in the folder."
    return f"{broken} The promise that was broken on purpose: {PROMISES[sabotage]}."
