"""An opinion by meaning, where rules ask, tell back, or read what the clause is not about.

The concept model knows how people speak, and nothing of who does what to whom. So what only
speaks of an order, is denied, hedged or pasted makes no step here either; a question is answered
with a look; and what could spoil something needs more than nouns.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from orchestrator.nlu.allowed import Allowed, is_wish
from orchestrator.nlu.borders import ANDS
from orchestrator.nlu.candidate import Candidate
from orchestrator.nlu.choosing import is_kin
from orchestrator.nlu.chunks import is_content
from orchestrator.nlu.clauses import Clause, Form
from orchestrator.nlu.evidence import OWN_WORD
from orchestrator.nlu.fill import Fill, Filler, Found
from orchestrator.nlu.index import CatalogIndex
from orchestrator.nlu.meaning import Meaning, Nearest
from orchestrator.nlu.plainness import ASKING, is_pasted, says_need
from orchestrator.nlu.profile import Profile
from orchestrator.nlu.shapes import SlotKind, stands_alone
from orchestrator.nlu.text import Kind, Token
from orchestrator.nlu.verbs import ACCESS

_VERBLESS = 0.15  # more, where nobody says what is to be done
_ORDERED = 0.1  # nearer, for an order to be plain
_LACKING = 0.1  # more, where a needed value is missing
_LEADS, _LEADS_RISKY = 0.1, 0.2  # of readings that rules leave open, the one that is so far ahead
_NARROWED = 0.1  # less, where rules have narrowed it down
_UNLIKELY = 0.25
_ELSEWHERE, _OTHERWISE = 0.05, 0.9
_CLEARLY, _CLEARLY_AHEAD = 0.95, 0.3
_FAR_AHEAD = 0.6
_OVERRULES = 0.1  # more, where rules are sure of another reading …
_FAR = 0.1  # … that is not nearer than this
_TRUSTED = 0.8
_OWN = 1.0  # the verb of the capability's name or description
_OF = frozenset({"of", "for", "about", "behind", "von", "de", "du", "für", "pour", "para"})
_FOR_WHOM = frozenset({"for", "fur", "pour", "para"})
_MORE = frozenset({"another", "more", "extra", "new", "some", "fresh", "weitere", "otro", "otra"})
_SELF = frozenset({"me", "us", "myself", "mich", "moi"})
_FEW = 2  # words that say what is meant
_NAMES = frozenset({SlotKind.NAME, SlotKind.HOST})
_ANY_WORD = frozenset({SlotKind.NAME, SlotKind.TEXT, SlotKind.HOST, SlotKind.FLAG})


@dataclass(frozen=True, slots=True)
class _Sense:
    """A clause, what it is nearest to, the reading that this gives."""

    clause: Clause
    nearest: Nearest
    reading: Candidate
    thing: bool  # nobody says what is to be done

    @property
    def needed(self) -> float:
        """How near it must be to be meant."""
        return self.nearest.needed + _VERBLESS * self.thing

    @property
    def is_sure(self) -> bool:
        """Whether hardly anything else can be meant."""
        return self.nearest.is_sure

    def is_near(self, *, more: float = 0.0) -> bool:
        """Whether it is near enough and stands out."""
        return self.nearest.near >= self.needed + more


def unworded(reading: Candidate) -> Candidate:
    """Return a reading without the common word that it took for what is acted on."""
    slot, fill = reading.profile.main_slot, reading.fill
    values = {name: one for name, one in fill.values.items() if slot is None or name != slot.name}
    return replace(reading, fill=replace(fill, values=values))


class Opinion:
    """Reads a clause by what it is about; built once per catalogue."""

    def __init__(self, index: CatalogIndex, filler: Filler, meaning: Meaning) -> None:
        self._index = index
        self._filler = filler
        self._meaning = meaning
        self._allowed = Allowed(index)

    def among(self, clause: Clause, read: Sequence[Candidate]) -> Candidate | None:
        """Return what a clause means of which rules would ask what it means; `read` as what."""
        sense = self._sense(clause, lenient=True)
        if sense is None or self._says_so(sense, read) or self._is_figurative(sense):
            return None
        risky = sense.nearest.profile.is_risky
        if sense.nearest.lead < (_LEADS_RISKY if risky else _LEADS):
            return None
        by_rules = next((c for c in read if c.profile is sense.nearest.profile), None)
        dares = by_rules is not None and by_rules.dares(read)
        if dares or not sense.is_near(more=-_NARROWED if by_rules is not None else 0.0):
            return None
        lacking = not sense.reading.is_whole and len(clause.tokens) <= _FEW
        folded = [token.fold for token in clause.tokens]
        partly = self._index.lexicon.phrases("partial").find(folded) is not None
        plain = sense.nearest.is_plain and not partly
        loses = not plain and self._loses(sense.nearest.profile, clause)
        vague = lacking or loses
        return None if vague and risky else sense.reading

    def _loses(self, profile: Profile, clause: Clause) -> bool:
        """Whether a sort of thing is named that has no place in it: "… on one of the nodes"."""
        own = self._index.expand(frozenset(profile.nouns))
        kinds = (t.stem for t in clause.tokens if self._index.is_kind(t.stem))
        return any(not self._index.keys(kind) & own for kind in kinds)

    def instead(self, clause: Clause, *, lenient: bool = False) -> Candidate | None:
        """Return what a clause means that rules would tell back.

        `lenient`: nothing of the request was understood. Nobody writes to a bot for nothing, so
        what it is plainly about is meant, be it said by a noun or by a verb that nobody knows.
        """
        sense = self._sense(clause, lenient=lenient)
        if sense is None or not sense.is_near():
            return None
        if self._is_figurative(sense):
            return None  # "false alarm" is none to be silenced
        if (sense.thing or self._bids(clause)) and self._is_worded(sense, clause):
            if sense.thing or not self._points(clause):
                return None  # "the old sofa" is not to be restored
            # "throw more resource at it"
            sense = replace(sense, reading=unworded(sense.reading))
        if lenient and not self._says_all(sense, clause):
            return None
        reading, spare = sense.reading, len(sense.reading.fill.spare)
        plain = sense.nearest.is_plain or (lenient and sense.nearest.spare >= _ORDERED)
        plain = plain and (reading.profile.reads or not self._meaning.is_idle(clause.tokens))
        if plain and not (reading.profile.is_risky and self._leaves(reading, clause)):
            return reading
        bare = sense.thing or reading.profile.reads or not spare
        whole = reading.is_whole or (sense.is_near(more=_LACKING) and not spare)
        return reading if bare and whole and spare <= 1 else None

    def _says_all(self, sense: _Sense, clause: Clause) -> bool:
        """Whether it says what is acted on, by its own name, and asks for it."""
        profile, fill = sense.nearest.profile, sense.reading.fill
        thing = clause.form is Form.THING
        named = bool(fill.values) or (self.names_thing(profile, clause) and not thing)
        swapped = self._bids(clause) and self._points(clause)  # "swap it for a new one"
        named |= swapped and sense.is_sure and sense.nearest.lead >= _CLEARLY_AHEAD
        return named and self.asks_for(profile, clause)  # not "do it again"

    def _bids(self, clause: Clause) -> bool:
        """Whether it is ordered by a verb that says nothing of what is to be done: "swap it"."""
        verbs = clause.verbs
        return bool(verbs) and all(verb.canonical and self._index.is_alien(verb) for verb in verbs)

    def _points(self, clause: Clause) -> bool:
        pronouns = self._index.lexicon.words("pronouns")
        return any(token.fold in pronouns for token in clause.tokens)

    def _leaves(self, reading: Candidate, clause: Clause) -> bool:
        """Whether a name or a value is said that has no place in the reading."""
        places = (place for chunk in reading.fill.spare for place in chunk.places)
        return any(not self._meaning.knows(clause.tokens[place]) for place in places)

    def asked(self, clause: Clause) -> Candidate | None:
        """Return the look that a question wants which reads as told: "what does its log say?"."""
        if clause.form is not Form.STATEMENT or not clause.piece.asked:
            return None
        sense = self._sense(replace(clause, form=Form.QUESTION, verbs=()))
        near = sense is not None and sense.is_near() and sense.reading.is_whole
        return sense.reading if sense is not None and near and sense.reading.profile.reads else None

    def rather(self, clause: Clause, chosen: Candidate) -> Candidate | None:
        """Return what a clause means that rules read as `chosen`, which it is not about at all."""
        sense = self._sense(clause, lenient=True)
        if sense is None or not sense.is_near(more=_OVERRULES):
            return None
        if sense.nearest.profile is chosen.profile or self._says_so(sense, [chosen]):
            return None
        if self._is_figurative(sense) or is_kin(chosen):
            return None
        return sense.reading if self._overrules(sense, clause, chosen) else None

    def _overrules(self, sense: _Sense, clause: Clause, chosen: Candidate) -> bool:
        """Whether it is far ahead of all others, or `chosen` far from what is said."""
        if self._is_clear(sense, clause) and sense.reading.is_whole >= chosen.is_whole:
            return True
        if sense.is_sure and sense.nearest.lead >= _FAR_AHEAD:
            return True
        near = self._meaning.of(clause.tokens)[chosen.profile.name]
        return near <= _FAR and not (sense.reading.fill.spare and not sense.is_sure)

    def is_unlikely(self, clause: Clause, reading: Candidate) -> bool:
        """Whether words enough to tell are about something else than a reading."""
        words = sum(not self._is_empty(token) for token in _words(clause))
        looked_at = self._index.lexicon.words("looked_at")  # "but status only for redis"
        if any(token.fold in looked_at for token in clause.tokens):
            return False
        return words >= _FEW and self._meaning.chance(reading.profile, clause.tokens) < _UNLIKELY

    def is_elsewhere(self, clause: Clause, reading: Candidate, *, points: bool) -> bool:
        """Whether hardly anything of a clause is about a reading, be it said by its own verb.

        `points`: a pronoun may stand for what it lacks, so only what is risky is doubted.
        """
        nearest = self._meaning.nearest(clause.tokens)
        clear = nearest is not None and nearest.near >= _OTHERWISE
        clear = clear and nearest is not None and self._allowed.does(nearest.profile, clause)
        said = reading.verb >= _OWN and not clear
        if not reading.profile.is_risky and (points or said):
            return False
        return self._meaning.chance(reading.profile, clause.tokens) < _ELSEWHERE

    def _is_clear(self, sense: _Sense, clause: Clause) -> bool:
        """Whether words enough, and no pronoun, leave no doubt of what a clause is about."""
        clear = sense.nearest.near >= _CLEARLY and sense.nearest.lead >= _CLEARLY_AHEAD
        pronouns = self._index.lexicon.words("pronouns") | {"it"}
        points = any(token.fold in pronouns for token in clause.tokens)
        return clear and len(clause.tokens) > _FEW and not points

    def _says_so(self, sense: _Sense, read: Sequence[Candidate]) -> bool:
        """Whether the verb is another reading's own and not this one's: "restart gracefully".

        One that goes with anything says nothing: "run a speedtest" is no backup that is run.
        """
        light = self._index.lexicon.is_light
        looks = self._index.lexicon.reading_groups if sense.nearest.profile.reads else frozenset()
        said = [v for v in sense.clause.verbs if not (v.groups and v.groups <= looks)]
        verbs = {v.canonical for v in said if not light(v.canonical)}
        own = any(candidate.verb >= _OWN and candidate.is_accepted for candidate in read)
        return own and bool(verbs) and not verbs & sense.nearest.profile.own_verbs

    def _sense(self, clause: Clause, *, lenient: bool = False) -> _Sense | None:
        """Return the sense of a clause that may want something."""
        asking = clause.form in ASKING and not (clause.negated or is_pasted(clause))
        nearest = self._meaning.nearest(clause.tokens) if asking else None
        if nearest is None:
            return None
        ordered = clause.form is Form.ORDER and nearest.spare >= _ORDERED
        lenient = lenient and (ordered or nearest.is_plain)
        lenient = lenient and self._may_be_lenient(nearest.profile, clause)
        if not self._is_enough(clause, lenient=lenient):
            return None
        if not self._allowed.allows(nearest, clause, lenient=lenient):
            return None
        profile, thing = nearest.profile, self._is_verbless(clause)
        reading = self.read(profile, clause)
        if reading is None:
            return None
        wanted = profile.reads or lenient or self._is_wanted(profile, clause, reading.fill)
        if thing and not wanted:
            return None
        if not thing:
            self.choose(profile, clause, reading.fill)
        return _Sense(clause, nearest, reading, thing)

    def _is_enough(self, clause: Clause, *, lenient: bool) -> bool:
        """Whether words enough are said to tell what is meant, and by whom."""
        joined = bool(clause.piece.lead & ANDS) and not clause.piece.strong
        if clause.form is Form.THING and joined and says_need(clause, self._index.lexicon):
            return False  # "bob and alice need …": it would be lost for bob
        shaped = len(clause.tokens) > _FEW or any(stands_alone(t.value) for t in clause.tokens)
        if lenient and shaped:
            return True
        few = sum(not self._is_empty(token) for token in _words(clause)) < _FEW
        return self._says_what(clause) and not (self._is_verbless(clause) and few and not lenient)

    def read(self, profile: Profile, clause: Clause) -> Candidate | None:
        """Return the clause read as `profile`; None where a pronoun stands for what it acts on."""
        pronouns = self._index.lexicon.words("pronouns") | _SELF
        points = any(token.fold in pronouns for token in clause.tokens)
        fill = self._filler.fill(profile, clause, settled=not points)
        reading = Candidate(profile, _TRUSTED, fill, 1.0, OWN_WORD)
        if points and not reading.is_worded:
            return None  # "set it to 22" fits whatever can be set
        # "Add me to admins" is about nobody that a word names.
        speaker = any(token.fold in _SELF for token in clause.tokens[:_FEW])
        return None if speaker and profile.is_risky and fill.values else reading

    def choose(self, profile: Profile, clause: Clause, fill: Fill) -> None:
        """Set what is to be done where a parameter says that and no verb of its values is said."""
        for slot in profile.slots:
            if slot.required and slot.name in profile.choices and slot.name not in fill.values:
                value = self._meaning.choice(profile, slot.name, clause.tokens)
                if value is not None:
                    fill.values[slot.name] = Found(value, frozenset(), _TRUSTED)

    def _is_worded(self, sense: _Sense, clause: Clause) -> bool:
        """Whether what would be changed is called by nothing but a common word."""
        slot, values = sense.nearest.profile.main_slot, sense.reading.fill.values
        found = values.get(slot.name) if slot is not None else None
        places = found.places if found is not None else ()
        common = bool(places) and all(self._meaning.knows(clause.tokens[p]) for p in places)
        return common and not sense.nearest.profile.reads

    def _is_figurative(self, sense: _Sense) -> bool:
        """Whether what could be spoilt is called by a common word: "revoke his driving licence"."""
        profile = sense.nearest.profile
        return profile.is_risky and self.takes_word(profile, sense.clause, sense.reading.fill)

    def takes_word(
        self, profile: Profile, clause: Clause, fill: Fill, *, bare: bool = False
    ) -> bool:
        """Whether what it acts on is called by a common word: "restart my career".

        `bare`: also without an article before it.
        """
        slot = profile.main_slot
        found = fill.values.get(slot.name) if slot is not None else None
        place = min(found.places, default=0) if found is not None else 0
        if slot is None or slot.kind not in _NAMES or not place:
            return False
        token, before = clause.tokens[place], clause.tokens[max(0, place - _FEW) : place]
        articles = self._index.lexicon.words("english_determiners")
        described = bare or any(one.fold in articles for one in before)
        behind = clause.tokens[place + 1 : place + 2]
        kind = any(one.stem in profile.nouns for one in behind)  # "the registry monitor"
        known = token.fold in profile.known.get(slot.name, ())
        return described and not (kind or known) and self._meaning.knows(token)

    def names_thing(self, profile: Profile, clause: Clause) -> bool:
        """Whether a word says what the capability acts on."""
        own = self._index.expand(frozenset(profile.nouns))
        return any(self._index.keys(token.stem) & own for token in clause.tokens)

    def _may_be_lenient(self, profile: Profile, clause: Clause) -> bool:
        """Whether nothing but what rules do not know stands against a reading."""
        idle = self._meaning.is_idle(clause.tokens)
        return profile.reads or not (idle or self._allowed.is_another_act(profile, clause))

    def asks_for(self, profile: Profile, clause: Clause) -> bool:
        """Whether a thing is asked for: "another peer", "an A record a.test 10.0.0.1".

        What ends something is not what one needs: "we need the user bob"; nor is a thing that has
        a trouble: "port 80 needs a review".
        """
        if clause.form is not Form.THING:
            return True
        troubled = clause.tokens[-1].fold in self._index.lexicon.words("troubles")
        if self._allowed.doubts(clause) or (troubled and not profile.reads):
            return False
        acts = any(self._acts(clause, place) for place in range(len(clause.tokens)))
        shaped = any(stands_alone(t.value) or t.value.isdigit() for t in clause.tokens)
        if profile.reads or acts or shaped:
            return True
        wanted = clause.piece.tokens[0].fold in self._index.lexicon.words("articles") | _MORE
        wanted = wanted or says_need(clause, self._index.lexicon) or is_wish(clause)
        wanted |= _names_access(clause)
        return wanted and not self._allowed.ends(profile)

    def _ends(self, profile: Profile, clause: Clause) -> bool:
        """Whether a clause ends with what the capability is not about: "… production bug"."""
        own = self._index.expand(frozenset(profile.nouns))
        last = max((p for p, t in enumerate(clause.tokens) if not self._is_empty(t)), default=0)
        tail = clause.tokens[last]
        foreign = not (self._index.keys(tail.stem) & own or self._acts(clause, last))
        return self._meaning.knows(tail) and foreign

    def _says_what(self, clause: Clause) -> bool:
        """Whether more is said than a name."""
        words = _words(clause)
        said = any(self._meaning.knows(t) and is_content(t, self._index.lexicon) for t in words)
        return said or sum(any(map(str.isdigit, token.value)) for token in words) >= _FEW

    def _is_noun(self, after: Token) -> bool:
        """Whether a word is a noun or describes one by what follows: "history of", "stale pods"."""
        described = self._meaning.knows(after) and is_content(after, self._index.lexicon)
        return described or after.fold in _OF

    def _is_empty(self, token: Token) -> bool:
        """Whether a word tells nothing of what is meant."""
        return not is_content(token, self._index.lexicon) and not self._meaning.knows(token)

    def _is_verbless(self, clause: Clause) -> bool:
        """Whether nobody says what is to be done, wants or needs anything."""
        thing = clause.form is Form.THING
        return thing and not says_need(clause, self._index.lexicon) and not is_wish(clause)

    def _is_wanted(self, profile: Profile, clause: Clause, fill: Fill) -> bool:
        """Whether more is said than nouns and values: "always hand out …", "ufw allow 80".

        So do values of two sorts, "hub 2.3 to staging", and politeness around what spoils nothing.
        """
        own = self._index.expand(frozenset(profile.nouns))
        last = max(p for p, t in enumerate(clause.tokens) if not self._is_empty(t))
        if last not in fill.used and self._ends(profile, clause):
            return False
        shaped = {slot.kind for slot in profile.slots if slot.name in fill.values} - _ANY_WORD
        polite = len(clause.piece.tokens) > len(clause.tokens) and not profile.is_risky
        if polite or len(shaped) >= _FEW or _names_access(clause):
            return True
        return any(
            self._acts(clause, place)
            or (
                self._meaning.knows(token)
                and not self._index.keys(token.stem) & own
                and place + 1 < len(clause.tokens)
                and not self._is_noun(clause.tokens[place + 1])
            )
            for place, token in enumerate(clause.tokens)
            if place not in fill.used and is_content(token, self._index.lexicon)
        )

    def _acts(self, clause: Clause, place: int) -> bool:
        """Whether a verb stands at `place`, and no noun: "reboots of web1"."""
        behind = clause.tokens[place + 1 : place + 2]
        noun = any(token.fold in _OF for token in behind)
        return not noun and self._index.book.at(clause.tokens, place) is not None


def _names_access(clause: Clause) -> bool:
    """Whether it says what somebody is to have: "read access to orders for zoe"."""
    given = any(token.stem in ACCESS for token in clause.tokens[:_FEW])
    return given and any(token.fold in _FOR_WHOM for token in clause.tokens[1:])


def _words(clause: Clause) -> list[Token]:
    return [token for token in clause.tokens if token.kind is not Kind.MARK]
