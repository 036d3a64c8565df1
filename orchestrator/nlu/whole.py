"""Reads a short request as a whole, where its clauses one by one gave nothing that it is about.

"The cert of a.test expired. Could it be updated soon?": a remark that names the thing and an order
that names none. Together they are about one capability, and no other comes near it.
"""

from collections.abc import Sequence

from orchestrator.nlu.allowed import Allowed
from orchestrator.nlu.candidate import Candidate
from orchestrator.nlu.chunks import is_content
from orchestrator.nlu.clauses import ORDERED, Clause, Form
from orchestrator.nlu.drafts import Draft
from orchestrator.nlu.index import CatalogIndex
from orchestrator.nlu.match import Matcher
from orchestrator.nlu.meaning import Nearest
from orchestrator.nlu.pieces import Piece
from orchestrator.nlu.plainness import is_hedged, is_pasted
from orchestrator.nlu.profile import Profile
from orchestrator.nlu.references import doubt_missing
from orchestrator.nlu.text import Kind, Token
from orchestrator.nlu.understanding import Understanding
from orchestrator.nlu.verbs import Verb

_MORE = 0.05  # nearer than a clause alone must be
_LACKING = 0.15  # the same, where a needed value is missing
_FAR, _OVERRULES = 0.1, 0.9  # how far a step is from what is meant, and how near that is
_WORDS = 40
_PIECES = 6


class Whole:
    """Reads short requests; built once per catalogue."""

    def __init__(self, index: CatalogIndex, matcher: Matcher) -> None:
        self._index = index
        self._matcher = matcher
        self._meaning, self._opinion = matcher.meaning, matcher.opinion
        self._allowed = Allowed(index)

    def read(
        self, text: str, clauses: Sequence[Clause], understood: Understanding
    ) -> Understanding:
        """Return the one step that the whole of a request asks for, else what was understood."""
        self.take_back(clauses, understood)
        if understood.deferred or not self._may_want(clauses):
            return understood
        tokens = [token for clause in clauses for token in clause.piece.tokens]
        clause = joined(tokens, self._index)
        nearest = self._meaning.nearest(tokens)
        if nearest is None or nearest.near < nearest.needed + _MORE:
            return understood
        if not self._is_free(nearest, tokens, understood):
            return understood
        profile = nearest.profile
        if not (self._is_wanted(nearest, clauses) and self._is_unread(profile, clauses)):
            return understood
        reading = self._opinion.read(profile, clause)
        if reading is None or not (
            reading.is_whole or self._may_lack(nearest, reading, understood)
        ):
            return understood
        words = text[tokens[0].start : tokens[-1].end]
        fill = reading.fill
        draft = Draft(clause, words, profile, 0, 0, dict(fill.parameters), reading.confidence, fill)
        doubt_missing(draft, unclear=False)
        return Understanding([draft], [])

    def take_back(self, clauses: Sequence[Clause], understood: Understanding) -> None:
        """Tell back a thing that was wished for, where what follows denies it.

        "VPN for bob, please (rejected)"
        """
        for draft in [*understood.drafts]:
            profile, thing = draft.profile, draft.clause.form is Form.THING
            begin = draft.clause.piece.tokens[0].start
            later = (clause for clause in clauses if clause.piece.tokens[0].start > begin)
            risky = profile is not None and profile.is_risky and thing
            if risky and any(map(self._allowed.doubts, later)):
                understood.drafts.remove(draft)
                understood.out_of_scope.append(draft.words)

    @staticmethod
    def _may_lack(nearest: Nearest, reading: Candidate, understood: Understanding) -> bool:
        """Whether a step may be made that lacks something, to ask for it."""
        near = nearest.near >= nearest.needed + _LACKING
        return near and not (understood.drafts or reading.fill.spare)

    def _is_free(
        self, nearest: Nearest, tokens: Sequence[Token], understood: Understanding
    ) -> bool:
        """Whether there is no step but one that the whole is not about at all."""
        doubts = [doubt for draft in understood.drafts for doubt in draft.doubts]
        if any(nearest.profile.name in doubt.options for doubt in doubts):
            return False  # rules have narrowed it down, and ask
        steps = [draft for draft in understood.drafts if draft.profile is not None]
        if not steps:
            return True
        step, profile = steps[0], steps[0].profile
        if profile is None or any(v.canonical in profile.own_verbs for v in step.clause.verbs):
            return False  # it says so
        far = self._meaning.of(tokens)[profile.name] <= _FAR and profile is not nearest.profile
        cites = any(token.kind is Kind.QUOTED for token in tokens)
        lone = len(understood.drafts) == 1 and not cites
        return lone and far and nearest.near >= _OVERRULES

    def _may_want(self, clauses: Sequence[Clause]) -> bool:
        """Whether it is short, denies nothing, and something in it asks."""
        words = sum(len(clause.piece.tokens) for clause in clauses)
        if not clauses or words > _WORDS or len(clauses) > _PIECES:
            return False
        if len(clauses) == 1 and clauses[0].form in ORDERED:
            return False  # it has been read
        denied = any(clause.form is Form.HOWTO for clause in clauses)
        idle = any(is_pasted(clause) or is_hedged(clause) for clause in clauses)
        return not denied and not idle

    def _is_wanted(self, nearest: Nearest, clauses: Sequence[Clause]) -> bool:
        """Whether something is ordered or asked for, and nothing speaks against it."""
        profile = nearest.profile
        ordered = [clause for clause in clauses if self._orders(profile, clause)]
        if profile.reads:
            asked = ordered or any(clause.form is Form.QUESTION for clause in clauses)
            return bool(asked) and sum(map(self._stands_alone, ordered)) <= 1
        # What does something: one order, beside it remarks and a greeting at most.
        beside = [clause for clause in clauses if clause not in ordered]
        idle = (Form.STATEMENT, Form.THING)
        others = [clause for clause in beside if clause.form not in idle]
        greets = [clause for clause in others if clause.form is not Form.SMALL_TALK]
        if len(ordered) != 1 or greets or others != clauses[: len(others)]:
            return False
        if any(
            clause.piece.colon or clause.negated or self._allowed.doubts(clause)
            for clause in clauses
        ):
            return False
        if any(map(self._looks, ordered[0].verbs)):
            return False  # "account bob, please check"
        if self._meaning.is_elsewhere(profile, ordered[0].tokens):
            return False  # "it could use 40 GB more. Email Tom about it"
        alone = self._stands_alone(ordered[0])
        return self._allowed.allows(nearest, ordered[0]) and not (alone and beside != others)

    def _orders(self, profile: Profile, clause: Clause) -> bool:
        """Whether it is an order, or a wish of nobody else's: "needs a fresh one".

        "The account bob, please" says not what is to be done, and may spoil something.
        """
        if clause.form in ORDERED:
            return True
        if clause.form is not Form.THING or not clause.tokens:
            return False
        wanted = self._index.lexicon.phrases("request_words")
        needs = wanted.at([token.fold for token in clause.tokens], 0) > 0
        polite = len(clause.piece.tokens) > len(clause.tokens) and not profile.is_risky
        return needs or polite

    def _looks(self, verb: Verb) -> bool:
        """Whether a verb only looks: "check", not "get it renewed"."""
        looks = bool(verb.groups) and verb.groups <= self._index.lexicon.reading_groups
        return looks and not self._index.lexicon.is_light(verb.canonical)

    def _stands_alone(self, clause: Clause) -> bool:
        """Whether an order names what it acts on: not "get it renewed", "off you go"."""
        pronouns = self._index.lexicon.words("pronouns")
        points = any(token.fold in pronouns for token in clause.tokens)
        rest = [t for place, t in enumerate(clause.tokens) if place not in clause.verb_places]
        return not points and any(is_content(token, self._index.lexicon) for token in rest)

    def _is_unread(self, profile: Profile, clauses: Sequence[Clause]) -> bool:
        """Whether no clause alone says it: what does was denied, told or put aside on purpose."""
        for clause in clauses:
            told = clause.negated or (clause.form is Form.STATEMENT and profile.is_risky)
            if told and self._allowed.does(profile, clause):
                return False
            best = next(iter(self._matcher.rank(clause)), None) if clause.form in ORDERED else None
            if best is not None and best.is_accepted and best.profile is profile:
                return False
        return True


def joined(tokens: Sequence[Token], index: CatalogIndex) -> Clause:
    """Return tokens of several clauses as one order, of whichever verbs they hold."""
    places = [
        place
        for token_place in range(len(tokens))
        if tokens[token_place].kind is Kind.WORD
        and (verb := index.book.at(tokens, token_place)) is not None
        for place in verb.places
    ]
    verbs = (Verb("", frozenset(), frozenset(places)),) if places else ()
    return Clause(Piece(tuple(tokens), strong=True), tuple(tokens), Form.ORDER, verbs)
