"""Leaves out what is to wait for a time: a step runs as soon as its plan is approved.

"Reboot db1 tomorrow" must not become a reboot now, so the whole order is told back. A look is no
worse for being early, and "by friday", "until monday", "from last night" make nothing wait.
"""

from collections.abc import Sequence

from orchestrator.nlu.chunks import is_content
from orchestrator.nlu.clauses import Clause, Form
from orchestrator.nlu.drafts import Draft
from orchestrator.nlu.lexicon import Lexicon
from orchestrator.nlu.moments import takes_moment
from orchestrator.nlu.pieces import Role
from orchestrator.nlu.profile import Profile
from orchestrator.nlu.thread import Thread

_NOT_A_START = frozenset(
    {"by", "until", "till", "before", "since", "from", "of", "for", "bis", "seit", "von", "vom"}
    | {"fur", "avant", "depuis", "pour", "du", "antes", "desde", "hasta", "para"}
)
"""What stands before a time that says something else than when to begin."""
_REPEATED = frozenset({"daily", "weekly", "hourly", "nightly", "monthly"})
_NOW = frozenset({"now", "immediately", "today", "jetzt", "sofort", "maintenant", "ahora", "ya"})


class Deferral:
    """Notes the steps of one request that are to wait; `leave_out` takes them away."""

    def __init__(self, lexicon: Lexicon, thread: Thread) -> None:
        self._lexicon = lexicon
        self._thread = thread
        self.told: list[str] = []  # what was left out, in the person's words
        self._waiting: list[tuple[Draft, Clause]] = []
        self._opening: Clause | None = None  # "tonight", and nothing else
        self._governing: Clause | None = None  # the time said before the orders that it is for
        self._heading = False  # …with a colon: it is for all that follow

    def note(self, clause: Clause, new: Sequence[Draft]) -> None:
        """Take what a clause says of when, and the steps that it made."""
        opening, self._opening = self._opening, None
        if opening is not None and (clause.piece.colon or not clause.piece.strong):
            self._governing, self._heading = opening, clause.piece.colon
        elif clause.piece.strong and not self._heading:
            self._governing = None
        if self._governing is not None:
            self._wait(new, self._governing)
        when = waits(clause, self._lexicon)
        if not when:
            self._tell_span(clause)
            return
        if not new:
            self._alone(clause)
            return
        if not any(draft.fill.used & when for draft in new):
            leads = max(when) < min(clause.verb_places, default=0) or min(when) == 0
            self._wait([*(() if leads else self._listed_with(new[0])), *new], clause)
            self._governing = clause if leads else self._governing

    def _tell_span(self, clause: Clause) -> None:
        """Tell "until tomorrow" back where nothing took it: what is done now does not end then."""
        if clause.piece.role is Role.CONDITION and clause.moments and self._says_only_when(clause):
            self._thread.refused.append((clause.piece.tokens[0].start, self._thread.words(clause)))

    def _alone(self, clause: Clause) -> None:
        """Take a time that stands for itself, ahead of its orders or behind them."""
        if not self._says_only_when(clause):
            return
        if clause.piece.strong or not self._thread.drafts:
            self._opening = clause
        elif not clause.piece.colon:  # "web1: reboot, web2: later"
            last = self._thread.drafts[-1]
            self._wait([*self._listed_with(last), last], clause)

    def opens(self, clause: Clause) -> bool:
        """Whether it is no more than a time, said ahead of what is to be done then."""
        ahead = clause.piece.strong or not self._thread.drafts
        return ahead and bool(waits(clause, self._lexicon)) and self._says_only_when(clause)

    def _says_only_when(self, clause: Clause) -> bool:
        said = {
            place for place, token in enumerate(clause.tokens) if is_content(token, self._lexicon)
        }
        return said <= clause.moments

    def _listed_with(self, draft: Draft) -> list[Draft]:
        """Return the steps of the same list before it, unless "now" was said of them."""
        return [
            other
            for other in self._thread.drafts
            if other is not draft
            and (other.group, other.sentence) == (draft.group, draft.sentence)
            and not _NOW & {token.fold for token in other.clause.piece.tokens}
        ]

    def _wait(self, drafts: Sequence[Draft], clause: Clause) -> None:
        self._waiting += [(draft, clause) for draft in drafts if not draft.earlier]

    def leave_out(self) -> None:
        """Tell the steps that wait back, with the words that say when."""
        thread = self._thread
        told: dict[int, list[Clause]] = {}
        for draft, clause in self._waiting:
            if draft in thread.drafts and may_wait(draft.profile):
                thread.drafts.remove(draft)
                told.setdefault(id(clause), [clause]).append(draft.clause)
        for clauses in told.values():
            start = min(clause.piece.tokens[0].start for clause in clauses)
            end = max(clause.piece.tokens[-1].end for clause in clauses)
            for entries in (thread.refused, thread.asides):
                entries[:] = [entry for entry in entries if not start <= entry[0] < end]
            thread.refused.append((start, thread.text[start:end]))
            self.told.append(thread.text[start:end])


def waits(clause: Clause, lexicon: Lexicon) -> frozenset[int]:
    """Return the places in the clause that say when it is to begin; none for "by friday"."""
    spans = clause.piece.role in {Role.CONDITION, Role.REASON}  # "until tomorrow"
    if spans or clause.form not in {Form.ORDER, Form.TERSE, Form.THING}:
        return frozenset()
    closed = lexicon.words("prepositions")
    tokens = clause.tokens
    return frozenset(
        place
        for place in clause.moments
        if tokens[place].fold not in closed | _NOT_A_START
        and not (place and tokens[place - 1].fold in _NOT_A_START)
        and not (tokens[place].fold in _REPEATED and place + 1 < len(tokens))
    )


def may_wait(profile: Profile | None) -> bool:
    """Whether being early would spoil something; a meeting has its time for a value."""
    if profile is None:
        return True
    return not (profile.reads or any(map(takes_moment, profile.slots)))
