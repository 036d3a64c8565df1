"""Leaves out what is to wait for a time: a step runs as soon as its plan is approved.

"Reboot db1 tomorrow" must not become a reboot now, so the whole order is told back. A look is no
worse for being early, and "by friday", "until monday", "from last night" make nothing wait.
"""

from collections.abc import Sequence

from orchestrator.nlu.chunks import is_content
from orchestrator.nlu.clauses import Clause, Form
from orchestrator.nlu.drafts import Draft
from orchestrator.nlu.later import may_wait, waits
from orchestrator.nlu.lexicon import Lexicon
from orchestrator.nlu.moments import is_clock
from orchestrator.nlu.pieces import Role
from orchestrator.nlu.text import Token
from orchestrator.nlu.thread import Thread

_NOW = frozenset({"now", "immediately", "today", "asap", "jetzt", "sofort", "maintenant", "ahora"})
_NOW_WORDS = (["right", "away"], ["straight", "away"], ["at", "once"], ["tout", "de", "suite"])
_JOINS = frozenset({"and", "then", "und", "dann", "et", "puis", "y", "luego"})
_FIELDS = frozenset({"when", "time", "date", "at", "wann", "zeit", "quand", "cuando"})
_FOR = frozenset({"for", "plan", "plans", "todo", "to", "do", "the", "fur", "pour", "para", "a"})
_SPOKEN = frozenset({"preferably", "ideally", "maybe", "latest"})
_PARTING = frozenset({"back", "more", "see", "talk"})
_AGAIN = frozenset({"it", "that", "this", "so", "them", "do"})


class Deferral:
    """Notes the steps of one request that are to wait; `leave_out` takes them away."""

    def __init__(self, lexicon: Lexicon, thread: Thread) -> None:
        self._lexicon = lexicon
        self._thread = thread
        self.told: list[str] = []  # what was left out, in the person's words
        self._waiting: list[tuple[Draft, Clause]] = []
        # Clauses with a time that made no step, and whether each is one more of a list.
        self._lone: list[tuple[Clause, bool]] = []
        self._governing: Clause | None = None  # the time said before the orders that it is for
        self._block = False  # …above them: it is for all up to the next blank line
        self._last: Clause | None = None  # the clause before

    def note(self, clause: Clause, new: Sequence[Draft]) -> None:
        """Take what a clause says of when, and the steps that it made."""
        before, self._last = self._last, clause
        if self._ends_block(before, clause):
            self._governing = None
        if self._governing is not None:
            self._wait(new, self._governing)
        when = waits(clause, self._lexicon)
        if self._is_for(clause) or _is_field(before, clause) or self._is_alone(clause):
            self._alone(clause, before, new)
        elif not when:
            self._tell_span(clause)
        elif new:
            self._of_its_order(clause, when, new)
        else:
            goes_on = bool(self._thread.drafts) and clause.piece.lead == {","}
            ends = max(when) == len(clause.tokens) - 1  # not "…, monday mood"
            self._lone.append((clause, goes_on and ends and clause.form is Form.THING))

    def _ends_block(self, before: Clause | None, clause: Clause) -> bool:
        """Whether what a time was said for is over: a new sentence, a blank line, "now"."""
        if _says_now(clause.piece.tokens):
            return True
        if not self._block:
            return clause.piece.strong
        begin = before.piece.tokens[-1].end if before is not None else 0
        return "\n\n" in self._thread.text[begin : clause.piece.tokens[0].start]

    def _of_its_order(self, clause: Clause, when: frozenset[int], new: Sequence[Draft]) -> None:
        """Take "reboot web1 and web2 tomorrow", "tomorrow reboot web1 and web2"."""
        if any(draft.fill.used & when for draft in new):
            return
        leads = max(when) < min(clause.verb_places, default=0) or min(when) == 0
        self._wait([*(() if leads else self._listed_with(new[0])), *new], clause)
        if leads or self._heads(clause):
            self._governing, self._block = clause, self._heads(clause)

    def _alone(self, clause: Clause, before: Clause | None, new: Sequence[Draft]) -> None:
        """Take a time that stands for itself, ahead of its orders or behind them."""
        drafts = [d for d in self._thread.drafts if not d.earlier and d not in new]
        behind = bool(drafts) and drafts[-1].sentence == self._thread.sentence
        if clause.piece.colon and not _is_field(before, clause):
            return  # "web1: reboot, web2: later"
        self._wait(new, clause)  # "…; do it tomorrow" would do it again
        if self._heads(clause) or not drafts or self._is_joined(clause):
            self._governing, self._block = clause, self._heads(clause) or not behind
            return
        if behind:
            self._wait([*self._listed_with(drafts[-1]), drafts[-1]], clause)
        else:
            last = drafts[-1].sentence
            self._wait([draft for draft in drafts if draft.sentence == last], clause)
        if self._text_behind(clause).startswith(","):
            self._governing = clause  # "restart nginx, tonight, reboot db1": who knows

    def _is_alone(self, clause: Clause) -> bool:
        return bool(waits(clause, self._lexicon)) and self._says_only_when(clause)

    def _is_for(self, clause: Clause) -> bool:
        """Whether "for tomorrow:", "plan for tonight:" heads what follows."""
        heads = bool(clause.moments) and self._heads(clause)
        places = set(range(len(clause.tokens))) - clause.moments
        others = {clause.tokens[place].fold for place in places}
        return heads and others <= _FOR

    def _is_joined(self, clause: Clause) -> bool:
        """Whether "and, tonight, …" and "then, tomorrow, …" speak of what follows."""
        start = clause.piece.tokens[0].start
        words = self._thread.text[:start].rstrip(" ,").casefold().split()
        return bool(clause.piece.lead & _JOINS) or (bool(words) and words[-1] in _JOINS)

    def _text_behind(self, clause: Clause) -> str:
        return self._thread.text[clause.piece.tokens[-1].end :].lstrip(" *_)")

    def _heads(self, clause: Clause) -> bool:
        """Whether a colon, or the end of its line, makes a clause the heading of what follows."""
        text = self._text_behind(clause)
        return text.startswith(":") or (text.startswith("\n") and not self._thread.drafts)

    def opens(self, clause: Clause) -> bool:
        """Whether it is no more than a time, said ahead of what is to be done then."""
        ahead = clause.piece.strong or not self._thread.drafts
        return ahead and (self._is_for(clause) or self._is_alone(clause))

    def _tell_span(self, clause: Clause) -> None:
        """Tell "until tomorrow" back where nothing took it: what is done now does not end then."""
        span = clause.piece.role is Role.CONDITION and clause.moments
        if span and self._says_only_when(clause):
            self._thread.refused.append((clause.piece.tokens[0].start, self._thread.words(clause)))

    def _says_only_when(self, clause: Clause) -> bool:
        tokens = clause.tokens
        if {token.fold for token in tokens} & _PARTING:
            return False  # "…, back tomorrow"
        said = {place for place, token in enumerate(tokens) if is_content(token, self._lexicon)}
        said = {place for place in said if tokens[place].fold not in _SPOKEN | _AGAIN}
        return said <= clause.moments

    def _listed_with(self, draft: Draft) -> list[Draft]:
        """Return the steps of the same list before it, unless "now" was said of them."""
        return [
            other
            for other in self._thread.drafts
            if other is not draft
            and (other.group, other.sentence) == (draft.group, draft.sentence)
            and not _says_now(other.clause.piece.tokens)
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
        for clause, listed in self._lone:
            place = (clause.piece.tokens[0].start, thread.words(clause))
            if listed and place in [*thread.asides, *thread.silent]:
                thread.refused.append(place)  # "…, redis tonight" may not vanish
            shown = [*thread.refused, *(() if thread.drafts else thread.asides)]
            self.told += [place[1]] if place in shown else []


def _is_field(before: Clause | None, clause: Clause) -> bool:
    """Whether "when: tonight", "time: 22:00" fills in a form."""
    named = before is not None and {t.fold for t in before.piece.tokens} <= _FIELDS
    timed = all(is_clock(t.fold) or p in clause.moments for p, t in enumerate(clause.tokens))
    return clause.piece.colon and named and timed


def _says_now(tokens: Sequence[Token]) -> bool:
    folded = [token.fold for token in tokens]
    phrased = any(
        folded[place : place + len(phrase)] == phrase
        for phrase in _NOW_WORDS
        for place in range(len(folded))
    )
    return phrased or bool(_NOW & {*folded})
