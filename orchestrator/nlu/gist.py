"""Reads a request of which nothing was understood by what the whole of it is about.

"P.vogel doesn't work here any more, kill her login": no clause says it, all of them together do.
A report, a denial, what another said, and what goes the other way stay what they are.
"""

import itertools
from collections.abc import Sequence
from dataclasses import replace

from orchestrator.catalog.models import Risk
from orchestrator.domain.request import AmbiguityKind
from orchestrator.nlu.allowed import Allowed
from orchestrator.nlu.borders import ANDS
from orchestrator.nlu.candidate import Candidate
from orchestrator.nlu.clauses import ORDERED, Clause, Form
from orchestrator.nlu.drafts import Doubt, Draft
from orchestrator.nlu.fill import Fill, Filler
from orchestrator.nlu.gleaning import Gleaner
from orchestrator.nlu.index import CatalogIndex
from orchestrator.nlu.later import may_wait, waits
from orchestrator.nlu.match import Matcher
from orchestrator.nlu.meaning import Nearest
from orchestrator.nlu.opinion import unworded
from orchestrator.nlu.pieces import Role
from orchestrator.nlu.plainness import is_hedged, is_judged, is_pasted, is_plain_order, says_need
from orchestrator.nlu.profile import Profile
from orchestrator.nlu.references import References, doubt_missing
from orchestrator.nlu.remarks import Remarks
from orchestrator.nlu.speakers import is_of_another_thing
from orchestrator.nlu.text import Kind, Token
from orchestrator.nlu.thread import Thread
from orchestrator.nlu.turns import Turn
from orchestrator.nlu.understanding import Understanding
from orchestrator.nlu.verbs import Verb
from orchestrator.nlu.whole import joined

_MEANT, _MEANT_RISKY = 0.45, 0.55
"""The chance that makes a step: less than of a clause alone, for nothing else was understood."""
_MEANT_PASTED = 0.8
_PLAIN, _PLAIN_RISKY = 0.5, 0.6
"""The chance that makes a step, or a question, also of what is said around it."""
_SEVERAL = 2  # clauses
_SURELY = 0.7  # nobody needs to say that it is to be done
_ASKED_FOR = 0.65
"""The chance at which it is asked what to act on, where only a common word is said."""
_ABOUT = 0.4
"""How likely a clause is about the capability, for what it denies or doubts to be that."""
_REMARK = 3  # words
_WORDS = 80
_SPEAKER = frozenset({"i", "im", "we", "my", "ich", "wir", "je", "nous"})
_ASKS = frozenset(
    {"is", "are", "was", "were", "do", "does", "did", "has", "have", "had", "may", "will", "what"}
    | {"why", "who", "how", "when", "where", "which", "whats", "whos", "hows"}
)
_DENYING = frozenset(
    {"no", "not", "never", "nobody", "none", "without", "dont", "wont", "cannot", "shouldnt"}
    | {"might", "maybe", "if", "unless", "whether", "kein", "keine", "nicht", "pas", "sin"}
)
_ANYBODY = frozenset({"anyone", "anybody", "everyone", "everybody", "who"})
_OTHERS_TO_DO = frozenset({"send", "write", "announce", "report", "schedule", "page"})
_TAGS = frozenset({"right", "correct", "no", "yes", "true", "oder", "ne", "non", "verdad"})
_REFUSING = frozenset(
    {"postpone", "rejected", "denied", "declined", "joke", "kidding", "leave", "withdrawn", "fake"}
)
_ARE = frozenset({"is", "are", "we", "im"})
_UNDERWAY = frozenset({"running", "planned", "scheduled", "progress", "underway", "thinking"})
_WANTING = frozenset(
    {"want", "wants", "wanted", "asked", "need", "needs", "needed", "approve", "approved", "please"}
    | {"do", "yet", "now", "required", "necessary", "allowed"}
)
_WELL = frozenset({"fine", "ok", "okay", "good", "healthy"})
_POINTS = frozenset({"it", "that", "this", "so", "one"})
_ABLE = frozenset({"can", "able", "may"})
_ASKED = ORDERED | {Form.QUESTION}
_OF_OTHERS = frozenset({"you", "someone", "somebody", "nobody", "noone", "that", "not", "never"})


class Gist:
    """Reads whole requests; built once per catalogue."""

    def __init__(self, index: CatalogIndex, filler: Filler, matcher: Matcher) -> None:
        self._index = index
        self._references = References(index.lexicon, filler, matcher.meaning)
        self._meaning, self._opinion = matcher.meaning, matcher.opinion
        self._allowed = Allowed(index)

    def read(
        self,
        text: str,
        clauses: Sequence[Clause],
        understood: Understanding,
        *,
        looks: bool = False,
    ) -> Understanding:
        """Return the one step that a request is about, else what was understood.

        `looks`: something is pasted beside it, so nothing but a look is made of it.
        """
        every = (token for clause in clauses for token in clause.piece.tokens)
        tokens = [token for token in every if token.kind is not Kind.GUARDED]
        ordered = len(clauses) == 1 and clauses[0].form in ORDERED  # it has been read
        ordered = (
            ordered or sum(map(self._is_of_list, clauses)) > 1
        )  # "we need: a reboot of …, access"
        if understood.says_something or ordered or not 1 < len(tokens) <= _WORDS:
            return understood
        nearest = self._meaning.nearest(tokens)
        if nearest is None or not self._is_near(nearest, looks=looks):
            return understood
        profile, clause = nearest.profile, joined(tokens, self._index)
        sure = self.may_be_meant(profile, clauses)
        plain = sure or (not looks and self._is_plain(nearest, clauses))
        reading = self._reading(nearest, clause) if plain else None
        if self._meaning.is_idle(tokens) or reading is None or self._guesses(reading, clause):
            return understood
        said = self._says_what(reading, clause, looks=looks)
        if not said and (sure or not self._names(reading, clause)):
            return understood
        if sure or (said and self._is_asked_for(nearest, clauses)):
            draft = self.step(text, clause, reading, nearest.near, clauses)
        else:
            words = text[tokens[0].start : tokens[-1].end]
            doubt = Doubt(AmbiguityKind.WHICH_CAPABILITY, options=(profile.name,))
            draft = Draft(clause, words, None, 0, 0, {}, nearest.near, Fill(), [doubt])
        # What no clause holds was a command, or too long to be read: it stays told.
        told = [said for said in understood.out_of_scope if said not in draft.words]
        return Understanding([draft], told if not looks else [])

    def step(
        self,
        text: str,
        clause: Clause,
        reading: Candidate,
        chance: float,
        clauses: Sequence[Clause],
    ) -> Draft:
        """Return the step that `clause`, the clauses joined, is read as; what it lacks is asked."""
        profile, fill = reading.profile, reading.fill
        self._opinion.choose(profile, clause, fill)
        words = text[clause.tokens[0].start : clause.tokens[-1].end]
        draft = Draft(clause, words, profile, 0, 0, dict(fill.parameters), chance, fill)
        self._glean(text, draft, clauses)
        doubt_missing(draft, unclear=False)
        return draft

    def _glean(self, text: str, draft: Draft, clauses: Sequence[Clause]) -> None:
        """Give the step what it lacks and one thing in the request alone can be."""
        thread = Thread(text, Remarks(self._index))
        thread.drafts.append(draft)
        gleaner = Gleaner(self._index, self._meaning, self._references, thread, whole=True)
        for clause in clauses:
            gleaner.note(clause)
        gleaner.fill_in(draft)

    def _reading(self, nearest: Nearest, clause: Clause) -> Candidate | None:
        """Return the whole read as what it is nearest to, if what it acts on may be left open.

        "We need vpn access for the new intern" asks who; "restart my career" is no service.
        """
        profile, reading = nearest.profile, self._opinion.read(nearest.profile, clause)
        if reading is None or not self._opinion.takes_word(
            profile, clause, reading.fill, bare=True
        ):
            return reading
        sure = nearest.near >= _ASKED_FOR and self._opinion.names_thing(profile, clause)
        return unworded(reading) if sure and not self._allowed.ends(profile) else None

    def _is_of_list(self, clause: Clause) -> bool:
        """Whether it is one of several acts that are listed."""
        joins = bool(clause.piece.lead & (ANDS | {","})) and clause.form is Form.THING
        return (clause.piece.listed or joins) and bool(self._index.book.within(clause.tokens))

    def _guesses(self, reading: Candidate, clause: Clause) -> bool:
        """Whether what could be lost would be what anybody says: "please pray" as a backup."""
        profile, values = reading.profile, reading.fill.values
        if profile.capability.risk is not Risk.HIGH:
            return False
        draft = Draft(clause, "", profile, 0, 0)
        if any(is_of_another_thing(draft, slot) for slot in profile.slots):
            return True
        named = [values[s.name] for s in profile.slots if s.name in values and not s.enum]
        words = [[clause.tokens[place] for place in one.places] for one in named]
        return any(one and all(map(self._meaning.knows, one)) for one in words)

    @staticmethod
    def _is_near(nearest: Nearest, *, looks: bool) -> bool:
        if looks:
            return nearest.profile.reads and nearest.near >= _MEANT_PASTED
        return nearest.near >= (_MEANT_RISKY if nearest.profile.is_risky else _MEANT)

    def _says_what(self, reading: Candidate, clause: Clause, *, looks: bool) -> bool:
        """Whether it says what is to be acted on: not "do it again", "restart my career"."""
        profile, values = reading.profile, reading.fill.values
        if looks and not (reading.is_whole and values):
            return False  # "log output:" before pasted lines
        named = self._names(reading, clause)
        if profile.is_risky and any(0 in one.places for one in values.values()):
            named = named and not self._meaning.knows(clause.tokens[0])  # "hide the mailbox"
        taken = {place for one in values.values() for place in one.places}
        left = [token for place, token in enumerate(clause.tokens) if place not in taken]
        if not profile.reads and any(token.value.isdigit() for token in left):
            return False  # "take 101, 103 and 107 down, but kill 109"
        return named

    def _names(self, reading: Candidate, clause: Clause) -> bool:
        """Whether something is named that it acts on."""
        return bool(reading.fill.values) or self._opinion.names_thing(reading.profile, clause)

    def may_be_meant(self, profile: Profile, clauses: Sequence[Clause]) -> bool:
        """Whether it wants something of the speaker's own, and denies nothing."""
        told = any(clause.piece.role is Role.CONDITION for clause in clauses)
        asked = any(clause.form in _ASKED for clause in clauses)
        beside = [clause for clause in clauses if self._is_remark(profile, clause)]
        heard = [clause for clause in clauses if clause not in beside]
        underway = any(self.is_underway(profile, clause) for clause in clauses)
        if underway or any(map(self.forbids, heard)) or (told and not asked):
            return False  # "when the certificate expires, we shall be in trouble"
        later = any(waits(clause, self._index.lexicon, told=True) for clause in clauses)
        if may_wait(profile) and later:
            return False  # "in two weeks …", "grafana could use a restart tomorrow"
        if not self._allowed.may_end(profile, clauses):
            return False
        if self._allowed.turns_away(profile, clauses):
            return False
        lone = len(clauses) == 1
        asks = [clause for clause in clauses if self._wants(profile, clause, lone=lone)]
        spoken = not profile.reads and any(self.is_spoken_of(profile, c) for c in heard)
        return bool(asks) and not spoken

    def _is_plain(self, nearest: Nearest, clauses: Sequence[Clause]) -> bool:
        """Whether hardly anything else can be meant, and nobody denies or only tells the act."""
        profile = nearest.profile
        needed = _PLAIN_RISKY if profile.is_risky else _PLAIN
        later = any(waits(clause, self._index.lexicon, told=True) for clause in clauses)
        if nearest.near < needed or (may_wait(profile) and later):
            return False
        ordered = [clause for clause in clauses if clause.form in ORDERED]
        spoken = [c for c in clauses if c.form is not Form.SMALL_TALK and c.tokens]
        wished = any(c.form in ORDERED | {Form.THING} for c in spoken)
        wished = wished or any(self._wants(profile, c, lone=False) for c in spoken)
        tagged = any(c.piece.asked and {t.fold for t in c.piece.tokens} <= _TAGS for c in clauses)
        if len(spoken) < _SEVERAL or not wished or tagged:
            return False  # it has been read; "it needs a reboot, right?"
        acts = [replace(clause, tokens=_acting(clause)) for clause in ordered]
        if self._allowed.turns_back(profile, acts):
            return False
        return not any(self.tells_act(profile, clause) for clause in clauses)

    def tells_act(self, profile: Profile, clause: Clause) -> bool:
        """Whether a clause takes back, supposes, or denies, doubts or reports the act itself."""
        taken_back = clause.turn is Turn.ALL or (clause.turn is Turn.LAST and not clause.tokens)
        speaks = clause.piece.colon and clause.piece.tokens[0].fold in _SPEAKER
        if taken_back or speaks or clause.form is Form.HOWTO or not clause.tokens:
            return taken_back or speaks or bool(clause.tokens)
        if is_pasted(clause) or is_hedged(clause) or self._refuses(clause):
            return True
        if clause.form in ORDERED and not profile.reads and self._acts_otherwise(profile, clause):
            return True
        about = self._meaning.chance(profile, clause.tokens) >= _ABOUT
        other = clause.piece.role is Role.CONDITION or self._is_shared(clause)
        if about and (other or (clause.negated and clause.form in ORDERED)):
            return True
        folded = {token.fold for token in clause.tokens}
        told = bool(folded & (_DENYING | _ANYBODY)) or self.is_reported(clause) or clause.negated
        told = told or self._allowed.is_done(profile, clause)
        told = told or self.is_underway(profile, clause)
        told = told or (clause.piece.asked and not profile.reads)
        return told and self._allowed.does(profile, clause)

    def is_underway(self, profile: Profile, clause: Clause) -> bool:
        """Whether it is told that the act goes on or is planned: "Tom is restoring it"."""
        if clause.form in ORDERED or not self._allowed.does(profile, clause):
            return False
        folded = [token.fold for token in clause.tokens]
        doing = any(a in _ARE and b.endswith("ing") for a, b in itertools.pairwise(folded))
        return doing or (bool(_UNDERWAY & {*folded}) and bool(_ARE & {*folded}))

    def _refuses(self, clause: Clause) -> bool:
        """Whether it says no to what was said: "(rejected)", "nobody wants that", "all is fine"."""
        folded = {token.fold for token in clause.tokens}
        points = bool(folded & (self._index.lexicon.words("pronouns") | _POINTS))
        short = len(clause.tokens) <= _REMARK
        well = bool(folded & _WELL) and clause.form not in ORDERED
        refused = bool(folded & _REFUSING) and (points or short)
        refused = refused or {"out", "of", "question"} <= folded
        denied = (clause.negated or bool(folded & _DENYING)) and bool(folded & _WANTING)
        return well or refused or denied or (clause.negated and short)

    def _acts_otherwise(self, profile: Profile, clause: Clause) -> bool:
        """Whether an order is for something else: "the cert expired. Email Tom about it"."""
        if self._meaning.is_idle(clause.tokens) or self._allowed.is_another_act(profile, clause):
            return True
        groups = frozenset().union(*(verb.groups for verb in clause.verbs))
        return bool(groups & _OTHERS_TO_DO) and not groups & profile.groups

    def _is_shared(self, clause: Clause) -> bool:
        """Whether "bob and alice need …" is said of several: one of them would be lost."""
        joined = bool(clause.piece.lead & ANDS) and not clause.piece.strong
        return joined and says_need(clause, self._index.lexicon)

    def _is_asked_for(self, nearest: Nearest, clauses: Sequence[Clause]) -> bool:
        """Whether a step may be made of what is plainly meant: else it is asked.

        Nobody says that it is to be done, or what could be lost is said by no verb.
        """
        profile, lone = nearest.profile, len(clauses) == 1
        asks = any(self._wants(profile, clause, lone=lone) for clause in clauses)
        lost = profile.capability.risk is Risk.HIGH
        asks = asks or (nearest.near >= _SURELY and not lost)
        return asks and self._allowed.may_end(profile, clauses)

    def _is_remark(self, profile: Profile, clause: Clause) -> bool:
        """Whether it is about something else: "Tom told me I can ask you" beside a wish.

        What points at something may deny it: "nobody wants that".
        """
        told = clause.form not in ORDERED or clause.negated
        points = self._index.lexicon.words("pronouns") | _POINTS
        if not told or len(clause.tokens) < _REMARK or clause.turn is not Turn.NOTHING:
            return False
        if any(token.fold in points for token in clause.tokens) or is_pasted(clause):
            return False
        return self._meaning.chance(profile, clause.tokens) < _ABOUT

    def forbids(self, clause: Clause) -> bool:
        """Whether a clause denies, takes back, tells what others say, or is pasted."""
        taken_back = clause.turn is Turn.ALL or (clause.turn is Turn.LAST and not clause.tokens)
        if clause.negated or taken_back or clause.form is Form.HOWTO:
            return True
        speaks = clause.piece.colon and clause.piece.tokens[0].fold in _SPEAKER  # "bob: I need …"
        return speaks or is_pasted(clause) or is_hedged(clause) or self.is_reported(clause)

    def is_spoken_of(self, profile: Profile, clause: Clause) -> bool:
        """Whether it is doubted, judged, another's, shared with another, or only spoken of."""
        folded = {token.fold for token in clause.tokens}
        if self._allowed.doubts(clause) or folded & _ABLE or not clause.tokens:
            return True
        done = clause.form not in ORDERED and self._allowed.is_done(profile, clause)
        if done or self._allowed.is_another_act(profile, clause):
            return True
        if clause.form in ORDERED:
            idle = self._meaning.is_idle(clause.tokens)
            return idle or not is_plain_order(profile, clause, self._index)
        if clause.form is not Form.THING:
            return bool(folded & self._index.lexicon.words("turning_words"))
        shared = bool(clause.piece.lead & ANDS)
        spoken = is_judged(clause) or self._allowed.is_spoken_of(clause)
        return shared or spoken or clause.tokens[-1].fold in self._index.lexicon.words("troubles")

    def is_reported(self, clause: Clause) -> bool:
        """Whether it tells what another said."""
        words = self._index.lexicon.words("report_words")
        return any(token.fold in words for token in clause.piece.tokens)

    def _wants(self, profile: Profile, clause: Clause, *, lone: bool) -> bool:
        """Whether a clause orders, asks or wishes for something."""
        if clause.piece.role in {Role.CONDITION, Role.REASON}:
            return False
        if clause.form is Form.QUESTION:
            asks = clause.piece.asked or clause.piece.tokens[0].fold in _ASKS
            return profile.reads or not asks
        if clause.form is Form.STATEMENT:
            return self.wishes(clause.piece.tokens)
        if clause.form not in ORDERED:
            thing = clause.form is Form.THING
            polite = not lone and len(clause.piece.tokens) > len(clause.tokens)
            return thing and (polite or self._opinion.asks_for(profile, clause))
        return all(self._may_do(profile, verb) for verb in clause.verbs)

    def _may_do(self, profile: Profile, verb: Verb) -> bool:
        """Whether a verb may be one for what the capability does: not "merge", to review."""
        if verb.canonical in profile.verbs or verb.groups & profile.groups:
            return True
        if not verb.groups:  # "the reboot is planned, wrap it up": nothing is known of "wrap"
            return not (profile.reads or (profile.is_risky and verb.canonical))
        return self._index.lexicon.is_light(verb.canonical)

    def wishes(self, tokens: Sequence[Token]) -> bool:
        """Whether it says that the speaker would like something."""
        folded = [token.fold for token in tokens]
        wishes = self._index.lexicon.phrases("wishes")
        return wishes.find(folded) is not None and not _OF_OTHERS & {*folded}


def _acting(clause: Clause) -> tuple[Token, ...]:
    """Return the words of a clause that say what is to be done."""
    places = frozenset().union(*(verb.places for verb in clause.verbs))
    return tuple(token for place, token in enumerate(clause.tokens) if place in places)
