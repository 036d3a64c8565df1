"""A catalogue entry whose step takes as long as the test wants and tells on itself.

The step holds a file lock for as long as anything of it lives, children included. A second
one that starts meanwhile writes `overlap`: no clock and no process list decides that.
"""

import fcntl
from pathlib import Path

from tests.walk.program import Program

_SCRIPT = """\
#!/bin/sh
# Append a line, wait to be let on (a minute at most), append another.
mkdir -p "$CHIFFON_HOMELAB"
lines="$CHIFFON_HOMELAB/$1.lines"
exec 9>>"$CHIFFON_HOMELAB/$1.lock"
flock -n 9 || { echo overlap >>"$lines"; exit 1; }
echo begin >>"$lines"
tries=0
until [ -e "$CHIFFON_HOMELAB/$1.go" ]; do
    sleep 0.05
    tries=$((tries + 1))
    [ "$tries" -lt 1200 ] || exit 1
done
echo line >>"$lines"
echo "the $1 is done"
"""

_ENTRY = """\
  - name: paint_{thing}
    title: Paint the {thing}
    description: Paint the {thing} of the garden
    agent_type: infra
    risk: low
    idempotent: {idempotent}
    examples: [paint the {thing}, give the {thing} new paint, the {thing} wants painting]
    parameters: {{type: object, additionalProperties: false, properties: {{}}}}
    run: {{command: [sh, {thing}.sh, {thing}]}}
"""


class SlowSteps:
    """`paint the THING` for each thing; `true` means that doing it twice is harmless."""

    def __init__(self, program: Program, **things: bool) -> None:
        self._homelab = program.homelab
        folder = program.home / "catalog"
        folder.mkdir(parents=True)
        self.entries = folder / "slow.yaml"
        self.scripts = {thing: folder / f"{thing}.sh" for thing in things}
        for script in self.scripts.values():
            script.write_text(_SCRIPT, encoding="utf-8")
        entries = [
            _ENTRY.format(thing=thing, idempotent=str(again).lower())
            for thing, again in things.items()
        ]
        text = "version: 1\ncapabilities:\n" + "".join(entries)
        self.entries.write_text(text, encoding="utf-8")

    def let_on(self, *things: str) -> None:
        """Let a step get to its end, now and whenever it is run."""
        self._homelab.mkdir(parents=True, exist_ok=True)
        for thing in things:
            (self._homelab / f"{thing}.go").touch()

    def lines(self, thing: str) -> list[str]:
        """Return what the step has written so far."""
        file: Path = self._homelab / f"{thing}.lines"
        return file.read_text(encoding="utf-8").split() if file.exists() else []

    def nothing_lives_of(self, thing: str) -> bool:
        """Say whether no process of the step, children included, is left."""
        with (self._homelab / f"{thing}.lock").open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

    def has_begun(self, thing: str) -> bool:
        return "begin" in self.lines(thing)
