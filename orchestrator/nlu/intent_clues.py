"""What speaks for and against a request meaning a capability, or nothing that can be done.

As in `clues`, each clue is a plain yes, `ranker` weighs them, and nothing is decided here. A
number is several clues, one for each step that it reaches: "lead 0.1", "lead 0.2".
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from orchestrator.nlu.allowed import Allowed
from orchestrator.nlu.candidate import Candidate
from orchestrator.nlu.clauses import ORDERED, Clause, Form
from orchestrator.nlu.clues import holding
from orchestrator.nlu.gist import Gist
from orchestrator.nlu.index import CatalogIndex
from orchestrator.nlu.later import waits
from orchestrator.nlu.match import Matcher
from orchestrator.nlu.meaning import Nearest
from orchestrator.nlu.pieces import Role
from orchestrator.nlu.plainness import is_hedged, is_judged
from orchestrator.nlu.profile import Profile
from orchestrator.nlu.text import Kind
from orchestrator.nlu.understanding import Understanding
from orchestrator.nlu.whole import joined

_TENTHS = tuple(number / 10 for number in range(1, 10))
_LEADS = (-0.3, -0.2, -0.1, -0.05, 0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4)
_CHANCES = (0.05, 0.1, 0.15, *_TENTHS[1:])
_SCORES = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
_SURE = (0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
_IDLE = (0.05, 0.1, 0.2, 0.4, 0.6)
_MET = (0.5, 0.7, 0.8, 0.9, 1.0)
_LACKING = (1, 2, 3)
_OPTIONS = (2, 3)
_CLAUSES = (2, 3, 4, 6, 9)
_WORDS = (4, 7, 10, 15, 22, 30, 45, 70)
_LIKELY_ORDER, _ANOTHER = 0.3, 0.4
_STRONG = 0.9
_WORD_LISTS = (
    *("request_words", "pronouns", "troubles", "doubt_words", "turning_words", "report_words"),
    *("greetings", "state_words", "question_words"),
)
_PLEASE = frozenset({"please", "pls", "plz", "bitte"})
_SELF = frozenset({"i", "my", "me", "we", "our", "us"})
_YOU = frozenset({"you", "your"})
_CAN = frozenset({"can", "could", "would"})


@dataclass(frozen=True)
class Request:
    """What a request says, and what rules made of it: one step at most."""

    clauses: Sequence[Clause]
    whole: Clause  # all of them as one
    found: Understanding

    @cached_property
    def folded(self) -> frozenset[str]:
        """Its words."""
        return frozenset(token.fold for token in self.whole.tokens)

    @property
    def asked(self) -> bool:
        """Whether a question mark stands in it."""
        return any(clause.piece.asked for clause in self.clauses)

    @property
    def is_open(self) -> bool:
        """Whether rules ask which capability is meant."""
        return any(draft.profile is None for draft in self.found.drafts)


def request_of(clauses: Sequence[Clause], found: Understanding, index: CatalogIndex) -> Request:
    """Return a request with its clauses joined."""
    tokens = [token for clause in clauses for token in clause.piece.tokens]
    return Request(clauses, joined(tokens, index), found)


class IntentClues:
    """Finds clues; built once per catalogue."""

    def __init__(self, index: CatalogIndex, matcher: Matcher, gist: Gist) -> None:
        self._index, self._matcher, self._gist = index, matcher, gist
        self._meaning, self._opinion = matcher.meaning, matcher.opinion
        self._allowed = Allowed(index)

    def of_capability(
        self, nearest: Nearest, request: Request, reading: Candidate | None
    ) -> Iterator[str]:
        """Yield the clues of a request meaning a capability; `reading`: all of it read as that."""
        profile = nearest.profile
        yield from _reached("lead", nearest.lead, _LEADS)
        yield from _reached("chance", nearest.near, _CHANCES)
        yield from self._by_clause(profile, request)
        yield from self._acts(profile, request)
        yield from self._named(profile, request)
        yield from _by_rules(profile, request)
        yield from _filled(profile, request.whole, reading)

    def of_question(self, request: Request) -> Iterator[str]:
        """Yield the clues of what rules ask being what is to be asked."""
        yield from (f"ask, {clue}" for clue in self.of_nothing(request))
        several = sum(len(one.options) for draft in request.found.drafts for one in draft.doubts)
        yield from _reached("ask, options", several, _OPTIONS)

    def of_nothing(self, request: Request) -> Iterator[str]:
        """Yield the clues of a request meaning none of what can be done."""
        clauses, tokens = request.clauses, request.whole.tokens
        yield "nothing"
        for form in {clause.form for clause in clauses}:
            yield f"form {form.value}"
        yield from _reached("clauses", len(clauses), _CLAUSES)
        yield from _reached("words", len(tokens), _WORDS)
        topic = self._meaning.topic(tokens)
        yield from _reached("idle", topic.idle, _IDLE)
        yield from _reached("surest", topic.surest, (0.1, 0.2, 0.3, 0.5, 0.7, 0.9))
        yield from _reached("owned", topic.owned, _TENTHS)
        plain = [self._meaning.has_met(token) for token in tokens if token.kind is Kind.WORD]
        yield from _reached("met", sum(plain) / max(1, len(plain)), _MET)
        for name in _WORD_LISTS:
            if request.folded & self._index.lexicon.words(name):
                yield f"has {name}"
        rules = request.found
        yield from holding(
            {
                "negated": any(clause.negated for clause in clauses),
                "condition": any(clause.piece.role is Role.CONDITION for clause in clauses),
                "asked": request.asked,
                "hedged": any(map(is_hedged, clauses)),
                "judged": any(map(is_judged, clauses)),
                "reported": any(map(self._gist.is_reported, clauses)),
                "waits": any(waits(c, self._index.lexicon, told=True) for c in clauses),
                "wishes": any(self._gist.wishes(clause.piece.tokens) for clause in clauses),
                "please": bool(request.folded & _PLEASE),
                "self": bool(request.folded & _SELF),
                "you": bool(request.folded & _YOU),
                "can": bool(request.folded & _CAN),
                "verb": bool(request.whole.verbs),
                "alien verb": any(self._index.is_alien(v) for c in clauses for v in c.verbs),
                "rules made nothing": not rules.drafts,
                "rules ask": request.is_open,
                "told": bool(rules.out_of_scope),
                "all told": bool(rules.out_of_scope) and not rules.drafts,
            }
        )

    def _by_clause(self, profile: Profile, request: Request) -> Iterator[str]:
        """Yield what the clause that is nearest says, and how well rules read any."""
        clauses = [clause for clause in request.clauses if clause.tokens]
        chances = [self._meaning.chance(profile, clause.tokens) for clause in clauses]
        best = max(range(len(chances)), key=lambda number: chances[number])
        clause, chance = clauses[best], chances[best]
        yield from _reached("clause", chance, _TENTHS)
        ranked = (one for clause in clauses for one in self._matcher.rank(clause))
        score = max((one.score for one in ranked if one.profile is profile), default=0.0)
        yield from _reached("rules", score, _SCORES)
        ordered = clause.form in ORDERED
        yield from holding(
            {
                "does": self._allowed.does(profile, clause),
                "done": self._allowed.is_done(profile, clause),
                "another act": self._allowed.is_another_act(profile, clause),
                "likely order": ordered and chance >= _LIKELY_ORDER,
                "several clauses": sum(one >= _ANOTHER for one in chances) > 1,
            }
        )

    def _acts(self, profile: Profile, request: Request) -> Iterator[str]:
        """Yield how a request goes with what a capability does."""
        clauses, allowed, risk = request.clauses, self._allowed, profile.capability.risk.value
        questions = any(clause.form is Form.QUESTION for clause in clauses)
        yield f"risk {risk}"
        yield from holding(
            {
                "turns away": allowed.turns_away(profile, clauses),
                "turns back": allowed.turns_back(profile, clauses),
                "ends": allowed.ends(profile),
                "may not end": not allowed.may_end(profile, clauses),
                "reads": profile.reads,
                "reads, asked": profile.reads and questions,
                "reads, not asked": profile.reads and not questions,
                "acts, asked": not profile.reads and request.asked,
                "forbids": any(map(self._gist.forbids, clauses)),
                "may be meant": self._gist.may_be_meant(profile, clauses),
            }
        )

    def _named(self, profile: Profile, request: Request) -> Iterator[str]:
        """Yield whether what it acts on is said."""
        keys = frozenset().union(*(self._index.keys(t.stem) for t in request.whole.tokens))
        named = [one for one in profile.objects if self._index.keys(one) & keys]
        yield from holding(
            {
                "object": bool(named),
                "all objects": bool(named) and len(named) == len(profile.objects),
                "thing": self._opinion.names_thing(profile, request.whole),
            }
        )


def _by_rules(profile: Profile, request: Request) -> Iterator[str]:
    """Yield what rules made of the request."""
    for draft in request.found.drafts:
        if draft.profile is not None and draft.profile.reads and not profile.reads:
            yield "rules look"
        options = {name for doubt in draft.doubts for name in doubt.options}
        if draft.profile is None and profile.name in options:
            yield "option of rules"
        if draft.profile is profile:
            yield "made by rules"
            yield from _reached("sure", draft.confidence, _SURE)
            yield from (f"doubt {kind}" for kind in {one.kind.value for one in draft.doubts})


def _filled(profile: Profile, whole: Clause, reading: Candidate | None) -> Iterator[str]:
    """Yield how far the words say what a capability needs."""
    if reading is None:
        yield "unreadable"
        return
    values = reading.fill.values
    needed = [slot.name for slot in profile.slots if slot.required]
    lacking = [name for name in needed if name not in values]
    places = [(name, place) for name, found in values.items() for place in found.places]
    known = any(whole.tokens[p].fold in profile.known.get(name, ()) for name, p in places)
    yield from _reached("lacks", len(lacking), _LACKING)
    yield from holding(
        {
            "needs nothing": not needed,
            "lacks nothing": bool(needed) and not lacking,
            "value": bool(values),
            "known value": known,
            "strong value": any(found.strength >= _STRONG for found in values.values()),
        }
    )


def _reached(name: str, value: float, steps: Sequence[float]) -> Iterator[str]:
    return (f"{name} {step:g}" for step in steps if value >= step)
