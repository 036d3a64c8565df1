"""The work of a run: a catalogue of its own, whose steps leave a line in the canary file.

The canary lies outside of everything that Chiffon writes, and each line is on the disk before the
step goes on: whatever Chiffon says afterwards can be held against it.
"""

import os
import random
from dataclasses import dataclass
from pathlib import Path

_SCRIPT = """\
#!/bin/sh
# Say that it begins, work for a while, do the one thing that counts, and say so.
note() {{
    echo "$1 $2 $CHIFFON_ATTEMPT_ID" | dd of={canary} oflag=append conv=notrunc,fsync status=none
}}
note "$1" begin
sleep "$2"
note "$1" effect
echo "the $1 is done"
exit "$3"
"""

_ENTRY = """\
  - name: paint_{thing}
    title: Paint the {thing}
    description: Paint the {thing} of the garden
    agent_type: {pool}
    risk: low
    idempotent: {idempotent}
    examples: [paint the {thing}, give the {thing} new paint, the {thing} wants painting]
    parameters: {{type: object, additionalProperties: false, properties: {{}}}}
    run: {{command: [sh, paint.sh, {thing}, "{seconds}", "{status}"]}}
"""


@dataclass(frozen=True)
class Thing:
    """What can be painted: whether twice is harmless, how long it takes, how it ends."""

    name: str
    idempotent: bool
    seconds: float
    fails: bool = False
    pool: str = "infra"

    @property
    def capability(self) -> str:
        return f"paint_{self.name}"


THINGS = (
    Thing("fence", idempotent=True, seconds=0.05),
    Thing("shed", idempotent=False, seconds=0.05),
    Thing("barn", idempotent=True, seconds=0.8),
    Thing("gate", idempotent=False, seconds=0.8),
    Thing("roof", idempotent=False, seconds=0.05, fails=True),
)
PATH = Thing("path", idempotent=True, seconds=0.05, pool="code")
"""Painted by agents of another pool; no run asks for it by chance."""

BY_CAPABILITY = {thing.capability: thing for thing in (*THINGS, PATH)}


@dataclass(frozen=True)
class Line:
    """One line of the canary."""

    capability: str
    what: str
    attempt_id: str


class Canary:
    """The file, and the catalogue whose steps write it."""

    def __init__(self, room: Path) -> None:
        self.file = room / "canary"
        folder = room / "catalog"
        self.catalog, self.other_pool = folder / "garden.yaml", folder / "path.yaml"
        folder.mkdir()
        self.file.touch()
        script = folder / "paint.sh"
        script.write_text(_SCRIPT.format(canary=self.file), encoding="utf-8")
        for file, things in ((self.catalog, THINGS), (self.other_pool, (PATH,))):
            entries = "".join(_entry(thing) for thing in things)
            file.write_text("version: 1\ncapabilities:\n" + entries, encoding="utf-8")

    def lines(self) -> list[Line]:
        """Return what was really done, oldest first."""
        found = [line.split() for line in self.file.read_text(encoding="utf-8").splitlines()]
        return [Line(f"paint_{words[0]}", *words[1:]) for words in found if len(words) == 3]

    @property
    def is_whole(self) -> bool:
        """Whether every line can be read: two writers never mix."""
        return len(self.lines()) == len(self.file.read_bytes().splitlines())


def _entry(thing: Thing) -> str:
    return _ENTRY.format(
        thing=thing.name,
        pool=thing.pool,
        idempotent=str(thing.idempotent).lower(),
        seconds=thing.seconds,
        status=3 if thing.fails else 0,
    )


def request(chance: random.Random) -> str:
    """Return a request for one to three things, side by side or one after another."""
    weights = [4, 4, 2, 2, 1]
    wanted: list[str] = []
    for thing in chance.choices(THINGS, weights, k=chance.choice([1, 2, 2, 3])):
        if thing.name not in wanted:
            wanted.append(thing.name)
    joint = chance.choice([" and ", ", then "])
    return joint.join(f"paint the {name}" for name in wanted)


def clean_environment() -> dict[str, str]:
    """Return this process's environment without anything that is Chiffon's."""
    return {
        name: value
        for name, value in os.environ.items()
        if "CHIFFON" not in name and not name.startswith(("COVERAGE", "SLACK"))
    }
