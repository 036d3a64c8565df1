"""Names of which is said together what stands behind the last: "alice and bob need a password"."""

from collections.abc import Sequence
from dataclasses import replace

from orchestrator.nlu.borders import ANDS
from orchestrator.nlu.clauses import Clause, Form
from orchestrator.nlu.continuing import Continuer
from orchestrator.nlu.fill import Filler
from orchestrator.nlu.thread import Thread


class JoinedNames:
    """Keeps the names until it is said what they are named for."""

    def __init__(self, filler: Filler, thread: Thread, continuer: Continuer) -> None:
        self._filler = filler
        self._thread = thread
        self._continuer = continuer
        self.names: list[Clause] = []

    def note(self, clause: Clause, before: int) -> None:
        """Keep a name that made no step, or let a clause be said of those kept.

        Args:
            clause: what was read just now.
            before: how many steps there were before.
        """
        if clause.piece.strong:
            self.names.clear()
        if clause.form is Form.THING and len(self._thread.drafts) == before:
            self.names.append(clause)
            return
        names, self.names = self.names, []
        behind = min(clause.verb_places, default=0) > 0
        if names and behind and clause.piece.lead & ANDS:
            self.share(names, clause, before)

    def share(self, names: Sequence[Clause], clause: Clause, before: int) -> None:
        """Add the step that a clause has made since `before` for each of the names too."""
        new = self._thread.drafts[before:]
        profile = new[0].profile if len(new) == 1 else None
        main = profile.main_slot if profile is not None else None
        if profile is None or main is None:
            return
        for thing in reversed(names):
            fill = self._filler.fill(profile, replace(thing, form=clause.form))
            found = fill.values.get(main.name)
            if found is None or set(fill.content) - found.places:
                break
            self._thread.pardon(thing)
            self._continuer.take(thing, new[0], profile, turning=False)
            added = self._thread.drafts[before + len(new) :]
            self._thread.drafts[before:] = [*added, *new]
            new = [*added, *new]

    def before(self, clause: Clause) -> tuple[Clause, ...]:
        """Return "web1 and" before "web2 are down", or whatever else shares its last words."""
        last = self._thread.said[-1] if self._thread.said else None
        alike = last is not None and last.tokens[-1:] == clause.tokens[-1:]
        if last is not None and last.context is not None and alike:
            return (*last.together, last.context)
        return tuple(self.names) if clause.piece.lead & ANDS else ()
