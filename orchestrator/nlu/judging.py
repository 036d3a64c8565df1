"""Judges which capability a request means, once rules have read it.

Rules read a clause at a time; what people tell first and ask last is often none of them. Here the
likeliest capabilities, and none of them, are options; `intent_clues` say what speaks for each,
`ranker` how much. What rules made is one clue among them, and the strongest. A request of which
rules made several steps is left as it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import nlargest

from orchestrator.catalog.models import Risk
from orchestrator.nlu.allowed import Allowed
from orchestrator.nlu.candidate import Candidate
from orchestrator.nlu.clauses import ORDERED, Clause, Form
from orchestrator.nlu.gist import Gist
from orchestrator.nlu.index import CatalogIndex
from orchestrator.nlu.intent_clues import IntentClues, Request, request_of
from orchestrator.nlu.later import may_wait, waits
from orchestrator.nlu.match import Matcher
from orchestrator.nlu.meaning import Nearest
from orchestrator.nlu.pieces import Role
from orchestrator.nlu.profile import Profile
from orchestrator.nlu.ranker import intent_ranker
from orchestrator.nlu.shapes import SlotKind
from orchestrator.nlu.text import Kind
from orchestrator.nlu.turns import Turn
from orchestrator.nlu.understanding import Understanding

_LIKELIEST = 3  # capabilities by the whole of the request
_WORDS = 120
_BRIEF = 8  # words
_FEWEST = 5  # capabilities: of fewer, something is always the likeliest
_NAMES = frozenset({SlotKind.NAME, SlotKind.HOST})
_MADE, _ANSWERED, _INSTEAD = 0.6, 0.8, 0.7
"""The chance at which a step is made of what was told back, or asked, or instead of another."""
_DROPPED, _DROPPED_LOOK = 0.7, 0.9
"""The chance of nothing at which a step or a question is told back."""


@dataclass(frozen=True, slots=True)
class Option:
    """A capability that a request may mean."""

    nearest: Nearest
    reading: Candidate | None

    @property
    def profile(self) -> Profile:
        """The capability."""
        return self.nearest.profile


class Judge:
    """Judges requests; built once per catalogue."""

    def __init__(self, index: CatalogIndex, matcher: Matcher, gist: Gist) -> None:
        self._index, self._gist = index, gist
        self._meaning, self._opinion = matcher.meaning, matcher.opinion
        self._allowed = Allowed(index)
        self._clues = IntentClues(index, matcher, gist)

    def request(self, clauses: Sequence[Clause], found: Understanding) -> Request | None:
        """Return the request to judge; None where rules have the word."""
        said = sum(len(clause.piece.tokens) for clause in clauses)
        guarded = any(t.kind is Kind.GUARDED for c in clauses for t in c.piece.tokens)
        several = len(found.drafts) > 1 or found.deferred or found.others
        taken_back = any(clause.turn is not Turn.NOTHING for clause in clauses)
        says_nothing = not any(clause.tokens for clause in clauses)
        folded = [token.fold for clause in clauses for token in clause.piece.tokens]
        partial = self._index.lexicon.phrases("partial").find(folded) is not None
        if (
            partial
            or len(self._index.profiles) < _FEWEST
            or said > _WORDS
            or says_nothing
            or guarded
            or several
            or taken_back
        ):
            return None
        return request_of(clauses, found, self._index)

    def options(self, request: Request) -> list[Option]:
        """Return the capabilities that a request may mean, none of which is likely yet."""
        chances = self._meaning.chances(request.whole.tokens)
        kept = {one.profile.name: one for one in nlargest(_LIKELIEST, chances, key=_lead)}
        near = [self._meaning.chances(clause.tokens) for clause in request.clauses]
        best = max((one for ones in near for one in ones), key=lambda one: one.near)
        made = {draft.profile.name for draft in request.found.drafts if draft.profile}
        asked = {n for d in request.found.drafts for one in d.doubts for n in one.options}
        more = {best.profile.name} | made | asked
        kept |= {one.profile.name: one for one in chances if one.profile.name in more}
        return [
            Option(one, self._opinion.read(one.profile, request.whole)) for one in kept.values()
        ]

    def clues(self, request: Request, options: Sequence[Option]) -> list[list[str]]:
        """Return the clues of each option, of the question of rules, if any, and of nothing."""
        asks = [[*self._clues.of_question(request)]] if request.is_open else []
        return [
            *([*self._clues.of_capability(o.nearest, request, o.reading)] for o in options),
            *asks,
            [*self._clues.of_nothing(request)],
        ]

    def judge(self, text: str, clauses: Sequence[Clause], found: Understanding) -> Understanding:
        """Return what a request most likely means, where that is likely enough."""
        request = self.request(clauses, found)
        if request is None:
            return found
        options = self.options(request)
        chances = intent_ranker().chances(self.clues(request, options))
        best = max(range(len(chances)), key=lambda number: chances[number])
        if best >= len(options):
            return self._dropped(found, chances[-1])
        profile, reading, chance = options[best].profile, options[best].reading, chances[best]
        made = [draft.profile for draft in found.drafts]
        needed = (_INSTEAD if any(made) else _ANSWERED) if made else _MADE
        if profile in made or chance < needed or _is_close(profile, found):
            return found
        if reading is None or not self._may_make(profile, request):
            return found
        self._leave_common_words(reading, request.whole)
        draft = self._gist.step(text, request.whole, reading, chance, clauses)
        told = [
            said
            for said in found.out_of_scope
            if said not in draft.words or self._is_apart(text, said, profile, clauses)
        ]
        return Understanding([draft], told)

    def _may_make(self, profile: Profile, request: Request) -> bool:
        """Whether nothing forbids a step, however likely it is.

        It is to wait, or rules have read all there is: "192.0.2.11", "patcher on bots-1".
        """
        clauses = request.clauses
        later = any(waits(clause, self._index.lexicon, told=True) for clause in clauses)
        if later and may_wait(profile):
            return False
        made = [draft.profile for draft in request.found.drafts]
        if not made and len(clauses) == 1 and len(request.whole.tokens) < _BRIEF:
            return False
        if any(one is not None and not (one.reads and profile.reads) for one in made):
            return False  # only of two looks is the likelier taken
        said = [clause for clause in clauses if clause.tokens]
        near = max(said, key=lambda clause: self._meaning.chance(profile, clause.tokens))
        if profile.reads:
            return self._may_look(profile, near)
        return self._may_do(profile, request, near)

    def _may_look(self, profile: Profile, near: Clause) -> bool:
        """Whether a look may be meant: not "I've checked web1", "when it expires, …"."""
        aside = near.piece.role in {Role.CONDITION, Role.REASON}
        done = near.form is not Form.QUESTION and self._allowed.is_done(profile, near)
        return not (aside or done)

    def _may_do(self, profile: Profile, request: Request, near: Clause) -> bool:
        """Whether an act may be meant: not what is denied, told, only spoken of, or turned round.

        Where its own verb is said and rules make nothing of it, they do so on purpose.
        """
        clauses, allowed, gist = request.clauses, self._allowed, self._gist
        ordered = [clause for clause in clauses if clause.form in ORDERED]
        named = any(allowed.does(profile, clause) for clause in clauses)
        lost = profile.capability.risk is Risk.HIGH
        return not (
            (named and not request.found.drafts)
            or near.form is Form.QUESTION
            or allowed.turns_away(profile, ordered)
            or allowed.turns_back(profile, ordered)
            or any(gist.tells_act(profile, c) or gist.is_underway(profile, c) for c in clauses)
            or gist.forbids(near)
            or gist.is_spoken_of(profile, near)
            or (lost and not gist.may_be_meant(profile, clauses))
        )

    def _leave_common_words(self, reading: Candidate, whole: Clause) -> None:
        """Take from an act the names that are common words: "thanks", where a machine is said."""
        profile, values = reading.profile, reading.fill.values
        for slot in profile.slots:
            if slot.name not in values or slot.enum or slot.kind not in _NAMES or profile.reads:
                continue
            said = [whole.tokens[place] for place in values[slot.name].places]
            if said and all(map(self._meaning.knows, said)):
                del values[slot.name]

    @staticmethod
    def _dropped(found: Understanding, chance: float) -> Understanding:
        """Return what nobody seems to want told back; a look does no harm, and stays sooner."""
        made = [draft.profile for draft in found.drafts]
        looks = any(profile is not None and profile.reads for profile in made)
        if not made or chance < (_DROPPED_LOOK if looks else _DROPPED):
            return found
        return Understanding([], [*found.out_of_scope, found.drafts[0].words])

    def _is_apart(self, text: str, said: str, profile: Profile, clauses: Sequence[Clause]) -> bool:
        """Whether what was told back is another wish, which stays told."""
        for clause in clauses:
            tokens = clause.piece.tokens
            if text[tokens[0].start : tokens[-1].end] == said:
                idle = clause.form in {Form.STATEMENT, Form.SMALL_TALK, Form.THING}
                near = self._meaning.nearest(clause.tokens)
                return not idle and near is not None and near.profile is not profile
        return False


def _lead(one: Nearest) -> float:
    return one.lead


def _is_close(profile: Profile, found: Understanding) -> bool:
    """Whether rules name it as one of several close readings: "set it to 22", light or heating."""
    asked = (doubt.options for draft in found.drafts for doubt in draft.doubts)
    return any(profile.name in options and len(options) > 1 for options in asked)
