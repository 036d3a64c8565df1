"""Fills a capability's slots from the words of a clause, by the JSON Schema of each.

Named values and shapes (addresses, hosts, URLs) first, free words last: the surest takes its
words away from the others.
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from pydantic import JsonValue

from orchestrator.nlu.affinity import NAMING, Scorer
from orchestrator.nlu.aims import AIMS, aimed_at
from orchestrator.nlu.assignment import in_best_order, names_first
from orchestrator.nlu.chunks import Chunk, chunks_of, is_content, is_number, is_titled, with_port
from orchestrator.nlu.clauses import Clause, Form
from orchestrator.nlu.coerce import form_taken, size_unit, time_unit
from orchestrator.nlu.enums import EnumHit
from orchestrator.nlu.flags import read_flag
from orchestrator.nlu.index import CatalogIndex
from orchestrator.nlu.listed import ListReader
from orchestrator.nlu.numbers import NumberReader
from orchestrator.nlu.profile import Profile
from orchestrator.nlu.shapes import SlotKind, looks_like
from orchestrator.nlu.slots import Slot
from orchestrator.nlu.text import Kind, Token, words

_DID = frozenset({"did", "do", "does", "has", "have"})
_LEFT_OVER = 0.6
_TITLE_WORDS = 2
_STATED = 0.8
_LOOSE = frozenset({SlotKind.NAME, SlotKind.HOST, SlotKind.TEXT})
_LATEST = "latest"
_NEWEST = frozenset({"latest", "newest", "neueste", "neuesten", "neuestes", "derniere", "ultima"})
_ASKS = frozenset({"why", "whether", "how", "which", "what", "warum", "ob", "wie", "pourquoi"})
_ASKS_WITHIN = 3
_TELLS = frozenset({"that", "dass", "que", "saying"})
_ARTICLES = frozenset(
    {"the", "a", "an", "our", "der", "die", "das", "le", "la", "les", "el", "los"}
)
_SETTINGS = frozenset({"key", "setting", "option", "parameter", "property", "variable"})
_VALUES = frozenset({"value"})
_BECOMES = frozenset({"to", "=", "auf", "a", "sur", "en"})
_INSIDE = frozenset({"in", "of", "from", "im", "von", "dans", "de", "en"})
_TIMED = frozenset({SlotKind.DATE, SlotKind.DURATION})


@dataclass(frozen=True, slots=True)
class Found:
    """A value for a slot, the words it was read from, how sure (0–1)."""

    value: JsonValue
    places: frozenset[int]
    strength: float


@dataclass(slots=True)
class Fill:
    """What a clause gives a capability."""

    values: dict[str, Found] = field(default_factory=dict)
    unclear: dict[str, EnumHit] = field(default_factory=dict)  # several named values fit
    content: tuple[int, ...] = ()  # places that mean something
    spare: tuple[Chunk, ...] = ()  # candidate values that no slot took
    assigned: bool = False  # "set cache_size to 64": a setting and its value are said
    joins: bool = False  # "add gitea to kuma": two of what it acts on, to be put together

    def copy(self) -> "Fill":
        """Return the same, to be changed."""
        return replace(self, values=dict(self.values), unclear=dict(self.unclear))

    @property
    def used(self) -> frozenset[int]:
        """All places that a slot took its value from."""
        return frozenset(place for found in self.values.values() for place in found.places)

    @property
    def parameters(self) -> dict[str, JsonValue]:
        """The values alone."""
        return {name: found.value for name, found in self.values.items()}


class Filler:
    """Fills slots; built once per catalogue."""

    def __init__(self, index: CatalogIndex) -> None:
        self._index = index
        self._lexicon = index.lexicon
        self._scorer = Scorer(index)
        self._numbers = NumberReader(index.lexicon)
        self._lists = ListReader(index.lexicon)
        self._nouns: dict[str, frozenset[str]] = {}

    def fill(self, profile: Profile, clause: Clause, *, settled: bool = False) -> Fill:
        """Return the values that `clause` gives to the slots of `profile`.

        `settled`: a person has said that it means `profile`, so whatever fits may be what it
        acts on, also where its verb says another thing.
        """
        tokens = clause.tokens
        verbs = clause.verb_places
        timed = any(slot.kind in _TIMED for slot in profile.slots)
        skipped = frozenset[int]() if timed else clause.moments
        content = tuple(
            place
            for place, token in enumerate(tokens)
            if place not in verbs | skipped
            and is_content(token, self._lexicon)
            and not self._counts(tokens, place)
            and not self._is_unit(tokens, place)
            and not self._asks_outcome(clause, place)
        )
        fill = Fill(content=content)
        aimed = aimed_at(profile, clause, self._lexicon, settled=settled)
        self._enums(profile, clause, fill, aimed)
        self._flags(profile, clause, fill)
        self._assigned(profile, clause, fill)
        self._labelled(profile, clause, fill)
        self._quantities(profile, clause, fill)
        self._free(profile, clause, fill, aimed)
        self._texts(profile, clause, fill)
        self._latest(profile, clause, fill)
        return fill

    def _assigned(self, profile: Profile, clause: Clause, fill: Fill) -> None:
        """Take "cache_size" and "64" as setting and value of "set cache_size to 64 for shop"."""
        tokens = clause.tokens
        place = max(clause.verb_places, default=-1) + 1
        place += any(token.fold in _ARTICLES for token in tokens[place : place + 1])
        ends = tokens[place + 3 : place + 4]
        closed = self._lexicon.words("prepositions")
        said = len(tokens) > place + 2 and tokens[place + 1].fold in _BECOMES
        said = said and any("set" in verb.groups for verb in clause.verbs)
        if not said or any(token.fold not in closed for token in ends):
            return
        keys = [slot for slot in profile.slots if _is_called(slot, _SETTINGS)]
        values = [slot for slot in profile.slots if _is_called(slot, _VALUES)]
        if len(keys) != 1 or len(values) != 1 or keys == values:
            return
        key, value = (tokens[place].value, keys[0]), (tokens[place + 2].value, values[0])
        if all(slot.accepts(one) and slot.name not in fill.values for one, slot in (key, value)):
            fill.assigned = True
            fill.values[keys[0].name] = Found(key[0], frozenset({place}), _STATED)
            typed = _typed(values[0], value[0])
            fill.values[values[0].name] = Found(typed, frozenset({place + 2}), _STATED)

    @staticmethod
    def _labelled(profile: Profile, clause: Clause, fill: Fill) -> None:
        """Take "url.example.org" in "with name 'url.example.org'" for what is called name."""
        for place, (label, token) in enumerate(itertools.pairwise(clause.tokens)):
            if token.kind is not Kind.QUOTED:
                continue
            for slot in profile.slots:
                free = slot.name not in fill.values and not fill.used & {place, place + 1}
                if free and label.fold == slot.name and slot.accepts(token.value):
                    places = frozenset({place, place + 1})
                    fill.values[slot.name] = Found(token.value, places, _STATED)

    def _latest(self, profile: Profile, clause: Clause, fill: Fill) -> None:
        """Give "the newest backup" to a parameter whose schema or text says "latest"."""
        place = next((p for p, t in enumerate(clause.tokens) if t.fold in _NEWEST), None)
        for slot in profile.slots if place is not None else ():
            told = f"{slot.schema.get('pattern', '')} {slot.description}".casefold()
            if slot.name not in fill.values and _LATEST in told and slot.accepts(_LATEST):
                fill.values[slot.name] = Found(_LATEST, frozenset({place or 0}), _STATED)
                return

    def _counts(self, tokens: Sequence[Token], place: int) -> bool:
        """Whether "three" only counts what follows it: "all three nodes"."""
        quantified = place > 0 and tokens[place - 1].fold in self._lexicon.words("quantifiers")
        return quantified and tokens[place].fold in self._lexicon.numbers

    def _asks_outcome(self, clause: Clause, place: int) -> bool:
        """Whether a word only asks how something ended: "did the build of shop pass"."""
        asks = clause.form is Form.QUESTION and clause.tokens[0].fold in _DID
        ends = place == len(clause.tokens) - 1
        return asks and ends and clause.tokens[place].fold in self._lexicon.words("outcomes")

    def _is_unit(self, tokens: Sequence[Token], place: int) -> bool:
        """Whether a word is the unit of the number before it: "10 GB"."""
        counted = place > 0 and tokens[place - 1].text.isdigit()
        return counted and bool(size_unit(tokens[place].fold))

    def nouns_of(self, profile: Profile) -> frozenset[str]:
        """Return the stems by which the slots and objects of `profile` are called."""
        known = self._nouns.get(profile.name)
        if known is None:
            own = profile.objects.union(profile.named, *(slot.nouns for slot in profile.slots))
            keys = self._index.expand(own)
            groups = self._lexicon.noun_groups
            known = own | frozenset(noun for noun, found in groups.items() if found & keys)
            self._nouns[profile.name] = known
        return known

    def _enums(self, profile: Profile, clause: Clause, fill: Fill, aimed: frozenset[int]) -> None:
        for slot in profile.slots:
            if slot.kind is not SlotKind.ENUM:
                continue
            used = fill.used
            if slot is profile.main_slot and aimed:
                begin = [place for place in fill.content if place < min(aimed)]
                found = profile.enums[slot.name].find(clause.tokens, [*aimed], [*aimed])
                first = profile.enums[slot.name].find(clause.tokens, begin, begin)
                if profile.is_risky or first is not None or found is None:
                    used |= aimed  # but "set the house to away"
                    fill.joins = found is not None
            hit = self._lists.find(profile, slot, clause, [*fill.content], used)
            if hit is None and slot.name in profile.choices:
                value = self._lists.chosen(profile, slot, clause)
                hit = None if value is None else EnumHit((str(value),), frozenset(), _STATED)
            if hit is None:
                continue
            if len(hit.values) > 1:
                fill.unclear[slot.name] = hit
                continue
            value = _typed(slot, hit.values[0])
            places = hit.places | self._lists.beside(profile, slot, clause, fill.content, hit)
            fill.values[slot.name] = Found([value] if slot.many else value, places, hit.strength)

    def _flags(self, profile: Profile, clause: Clause, fill: Fill) -> None:
        for slot in profile.slots:
            if slot.kind is SlotKind.FLAG:
                flag = read_flag(slot, clause.tokens, clause.excluded, self._lexicon)
                if flag is not None:
                    fill.values[slot.name] = Found(flag[0], flag[1], 0.9)
                elif slot.name in profile.choices:
                    value = profile.choices[slot.name].of(clause.verbs)
                    if value is not None:
                        fill.values[slot.name] = Found(value, frozenset(), _STATED)

    def _quantities(self, profile: Profile, clause: Clause, fill: Fill) -> None:
        slots = [slot for slot in profile.slots if slot.kind is SlotKind.NUMBER]
        for slot, value, places in self._numbers.assign(slots, clause.tokens, fill.used):
            fill.values[slot.name] = Found(value, places, 0.9)

    def _free(self, profile: Profile, clause: Clause, fill: Fill, aimed: frozenset[int]) -> None:
        """Give the remaining chunks to the remaining slots, best pair first."""
        slots = [
            slot
            for slot in profile.slots
            if slot.name not in fill.values
            and slot.kind not in {SlotKind.ENUM, SlotKind.FLAG, SlotKind.NUMBER}
        ]
        chunks, tokens = self._chunks(profile, clause, fill), clause.tokens
        main = profile.main_slot
        fill.joins |= main in slots and any(
            aimed.issuperset(chunk.places) and self._scorer.is_known(profile, main, chunk, tokens)
            for chunk in chunks
        )
        pairs = [
            (score, -position, slot, chunk)
            for slot in slots
            for position, chunk in enumerate(chunks)
            if not (slot is main and aimed.intersection(chunk.places))
            and (score := self._scorer.score(profile, slot, chunk, tokens)) > 0
        ]
        scores = {(slot.name, place): score for score, place, slot, _ in pairs}
        pairs = names_first(profile, pairs, clause, self._scorer.is_common)
        needed = main is not None and main.required
        lone = (
            len(chunks) == 1
            and not looks_like(SlotKind.HOST, chunks[0].text(tokens))
            and not any(slot.many and slot.nouns & chunks[0].nouns for slot in slots)
        )
        pairs.sort(
            # Of one name, what the capability acts on: "errors in the traefik log".
            key=lambda pair: (lone and needed and pair[2] is main, *pair[:2]),
            reverse=True,
        )
        taken: set[int] = set()
        kinds = _kinds_of(profile)
        values = {
            (slot.name, place): value
            for _, place, slot, chunk in pairs
            if (value := self._value(slot, chunk, tokens, kinds)) is not None
        }
        fitting = [pair for pair in pairs if (pair[2].name, pair[1]) in values]
        for _, place, slot, chunk in fitting if lone else in_best_order(fitting):
            if slot.name in fill.values or taken & set(chunk.places):
                continue
            taken |= set(chunk.places)
            value, score = values[slot.name, place], scores[slot.name, place]
            strength = self._scorer.sureness(profile, slot, chunk, tokens, score)
            places = frozenset(chunk.places) | self._unit_places(slot, chunk, clause.tokens)
            fill.values[slot.name] = Found([value] if slot.many else value, places, strength)
        self._to_main(profile, clause, fill, [(pair[2], pair[3]) for pair in pairs])
        self._last_one(
            profile, clause, fill, slots, [c for c in chunks if not taken & set(c.places)]
        )
        gone = fill.used | taken | aimed
        fill.spare = tuple(c for c in chunks if c.places and not gone & set(c.places))

    def _to_main(
        self, profile: Profile, clause: Clause, fill: Fill, pairs: Sequence[tuple[Slot, Chunk]]
    ) -> None:
        """Give what must be said the name that a parameter took that may be left out."""
        main = profile.main_slot
        if main is None or not main.required or main.name in fill.values:
            return
        for slot, chunk in pairs:
            found = fill.values.get(slot.name)
            loose = slot.kind in _LOOSE and not slot.required and not slot.nouns & chunk.nouns
            if not loose or found is None or not found.places >= {*chunk.places}:
                continue
            if chunk.preposition in NAMING:
                continue  # "take a snapshot of it named before-upgrade"
            site = main.kind is SlotKind.DOMAIN and looks_like(main.kind, chunk.text(clause.tokens))
            hosted = (
                not site
                and slot.kind is SlotKind.HOST
                and (
                    chunk.preposition in {"on", "at"}
                    or looks_like(SlotKind.HOST, chunk.text(clause.tokens))
                )
            )
            if hosted or self._scorer.is_known(profile, slot, chunk, clause.tokens):
                continue
            value = self._value(main, chunk, clause.tokens, _kinds_of(profile))
            if value is not None and (main, chunk) in pairs:
                del fill.values[slot.name]
                fill.values[main.name] = Found(value, found.places, found.strength)
                return

    def _last_one(
        self,
        profile: Profile,
        clause: Clause,
        fill: Fill,
        slots: Sequence[Slot],
        left: Sequence[Chunk],
    ) -> None:
        """Give the one required slot without a value the one thing that was said beside it."""
        pronouns = self._lexicon.words("personal_pronouns") | {"it"}
        pointed = any(token.fold in pronouns for token in clause.tokens)
        lacking = [
            slot
            for slot in slots
            if slot.required
            and slot.name not in fill.values
            and not (pointed and slot is profile.main_slot)
        ]
        named = [chunk for chunk in left if not self._scorer.is_plain(chunk, clause.tokens)]
        if not lacking and len(named) == 1:
            self._inside(clause, fill, slots, named[0])
        if len(lacking) != 1 or len(named) != 1 or not fill.values:
            return
        slot, chunk = lacking[0], named[0]
        if slot.kind is not SlotKind.NAME or slot is profile.main_slot:
            return
        value = self._value(slot, chunk, clause.tokens, _kinds_of(profile))
        if value is not None:
            fill.values[slot.name] = Found(value, frozenset(chunk.places), _LEFT_OVER)

    def _inside(self, clause: Clause, fill: Fill, slots: Sequence[Slot], chunk: Chunk) -> None:
        """Give the one slot left the name of what it is in: "enable web1 in be_app"."""
        free = [s for s in slots if s.name not in fill.values and s.kind in _LOOSE]
        token = clause.tokens[chunk.places[0]]
        named = token.is_name_like and len(chunk.places) == 1
        if len(free) != 1 or not named or chunk.preposition not in _INSIDE:
            return
        if free[0].kind is SlotKind.NAME and free[0].accepts(token.value):
            fill.values[free[0].name] = Found(token.value, frozenset(chunk.places), _LEFT_OVER)

    def _chunks(self, profile: Profile, clause: Clause, fill: Fill) -> list[Chunk]:
        used = fill.used
        free = [place for place in fill.content if place not in used]
        nouns = self.nouns_of(profile)
        topics = frozenset(profile.nouns) & self._lexicon.noun_groups.keys()
        verbs = clause.verb_places
        chunks = chunks_of(clause.tokens, free, nouns, self._lexicon, verbs, topics)
        return [chunk for chunk in chunks if chunk.places]

    def _value(
        self, slot: Slot, chunk: Chunk, tokens: Sequence[Token], kinds: frozenset[str]
    ) -> JsonValue | None:
        """Return the chunk as a value that the slot's schema accepts, or None."""
        text = chunk.text(tokens)
        behind = tokens[chunk.places[-1] + 1 : chunk.places[-1] + 2]
        ported = with_port(chunk, tokens)
        if slot.has_own_pattern and not slot.accepts(text) and slot.accepts(ported):
            return ported
        whole = f"{text} {behind[0].value}" if behind and behind[0].stem in slot.nouns else ""
        if whole and text.endswith("ing") and slot.accepts(whole):
            return whole  # "the living room"
        shown = behind[0].stem in chunk.nouns - slot.nouns - kinds if behind else False
        shown = shown and behind[0].fold not in self._lexicon.words("omissible")
        if shown and slot.accepts("a b"):
            text = f"{text} {behind[0].value}"  # "the kitchen lights", where words may be names
        shared = self._index.shared_enums.get(slot.name)
        if shared is not None and not chunk.quoted:
            hit = shared.find(tokens, chunk.places, chunk.places)
            if hit is not None and len(hit.values) == 1 and slot.accepts(hit.values[0]):
                return hit.values[0]
        titled = f"{tokens[chunk.places[0] - 1].value} {text}"
        if is_titled(tokens, chunk.places[0]) and slot.accepts(titled):
            return titled
        if chunk.quoted and len(text.split()) > _TITLE_WORDS:
            return text if slot.accepts(text) else None  # what a log says is no name
        return form_taken(slot, text, self._unit(chunk, tokens))

    def _unit(self, chunk: Chunk, tokens: Sequence[Token]) -> str:
        last = chunk.places[-1]
        number = is_number(tokens[last], self._lexicon)
        return tokens[last + 1].fold if number and last + 1 < len(tokens) else ""

    def _unit_places(self, slot: Slot, chunk: Chunk, tokens: Sequence[Token]) -> frozenset[int]:
        """Return the place of the unit of a duration or a size, or of the port of an address."""
        unit = self._unit(chunk, tokens)
        if slot.has_own_pattern and slot.accepts(with_port(chunk, tokens)):
            return frozenset({chunk.places[-1] + 1})
        known = time_unit(unit) or size_unit(unit)
        taken = known and slot.kind in {SlotKind.DURATION, SlotKind.SIZE}
        return frozenset({chunk.places[-1] + 1}) if taken else frozenset()

    def _texts(self, profile: Profile, clause: Clause, fill: Fill) -> None:
        """Give a required text slot all that is left, in the person's words."""
        for slot in profile.slots:
            if slot.kind is not SlotKind.TEXT or slot.name in fill.values:
                continue
            left = _left_over(clause, fill, self.nouns_of(profile))
            wanted = slot.required or profile.capability.reasoning
            if not left or not (wanted or _introduced(clause.tokens, left[0])):
                continue
            text = _joined(clause.tokens, left)
            if slot.accepts(text):
                fill.values[slot.name] = Found(text, frozenset(left), 0.5)


def _kinds_of(profile: Profile) -> frozenset[str]:
    """Return the nouns that stand beside a name and are no part of it: "the sonarr logs"."""
    return frozenset(profile.nouns) if profile.reads else profile.objects


def _is_called(slot: Slot, names: frozenset[str]) -> bool:
    return bool({*words(slot.name)} & names) and slot.kind in _LOOSE


def _typed(slot: Slot, value: str) -> JsonValue:
    """Return the enumeration's own value for its text ("5" may stand for the number 5)."""
    listed = slot.schema.get("enum")
    values: Iterable[JsonValue] = listed if isinstance(listed, list) else [value]
    return next((one for one in values if str(one) == value), value)


def _left_over(clause: Clause, fill: Fill, nouns: frozenset[str]) -> list[int]:
    free = [
        place
        for place in fill.content
        if place not in fill.used and clause.tokens[place].kind is not Kind.GUARDED
    ]
    while free and clause.tokens[free[0]].stem in nouns and len(free) > 1:
        free = free[1:]
    if not free or all(clause.tokens[place].stem in nouns for place in free):
        return []
    before = [token.fold for token in clause.tokens[max(0, free[0] - 2) : free[0]]]
    if len(before) == 2 and before[0] in _TELLS and before[1] in _ARTICLES:  # noqa: PLR2004
        free = [free[0] - 1, *free]  # "that the wiki is back"
    end = len(clause.tokens)
    while end - 1 in fill.used or (end < len(clause.tokens) and _links(clause.tokens[end - 1])):
        end -= 1  # "The Expanse to the series", of which the series is the kind
    return list(range(_opening(clause, fill, free[0]), max(end, free[-1] + 1)))


def _links(token: Token) -> bool:
    return token.fold in _ARTICLES | _INSIDE | AIMS | {"for", "on", "as"}


def _opening(clause: Clause, fill: Fill, first: int) -> int:
    """Return where a text begins: at "why", "whether", "running", "The" right before its words."""
    tokens = clause.tokens
    before = [p for p in range(max(0, first - _ASKS_WITHIN), first) if p not in fill.used]
    ordered = clause.form is not Form.QUESTION  # of which the words are no part of the topic
    asks = [p for p in before if ordered and tokens[p].fold in _ASKS]  # also of "find out why"
    free = first - 1 in before and first - 1 not in clause.verb_places
    doing = free and tokens[first - 1].fold.endswith("ing")
    return min(asks, default=first - (doing or is_titled(tokens, first)))


def _introduced(tokens: Sequence[Token], place: int) -> bool:
    """Whether the words at `place` are announced as text ("saying", "about")."""
    return place > 0 and tokens[place - 1].fold in {"saying", "about", "that", "titled", "says"}


def _joined(tokens: Sequence[Token], places: Sequence[int]) -> str:
    return " ".join(tokens[place].value or tokens[place].text for place in places)
