"""The three kinds of evidence that a clause means a capability, each 0–1."""

import itertools
from collections.abc import Iterator
from functools import partial

from pydantic import JsonValue

from orchestrator.catalog.models import Risk
from orchestrator.nlu.affinity import BARE
from orchestrator.nlu.clauses import Clause, Form
from orchestrator.nlu.fill import Fill
from orchestrator.nlu.index import CatalogIndex
from orchestrator.nlu.lexicon import Lexicon
from orchestrator.nlu.prepositions import PLACE_WORDS
from orchestrator.nlu.profile import Profile
from orchestrator.nlu.shapes import SlotKind, looks, looks_like
from orchestrator.nlu.slots import Slot
from orchestrator.nlu.text import Token, words
from orchestrator.nlu.topics import Topics
from orchestrator.nlu.verbs import Verb
from orchestrator.nlu.vocabulary import Vocabulary

_GENERIC_VERBS = frozenset({"run", "execut", "do", "perform", "trigger", "give", "get", "make"})
_FREE = frozenset({SlotKind.NAME, SlotKind.TEXT, SlotKind.HOST, SlotKind.PATH})
OWN_WORD = 0.88  # from here on, the verb is the catalogue's own word, no synonym
_SHOWN = 0.9  # …and one of its examples', for which its own is a synonym
_SURE = 0.85  # a value that more than its place makes one
_TYPED = 0.7
_SPOKEN_OF = 0.5
_OWN_OBJECT = 0.8  # how sure the object is where the verb alone tells it
_PLACED = 0.8  # "nginx on web1": a thing and where it is
_LOOKED_AT = 0.6
_SHAPED = frozenset({SlotKind.EMAIL, SlotKind.ADDRESS, SlotKind.DOMAIN, SlotKind.URL})
_UNNAMED = 0.6  # it tells how something is, though of things that nobody spoke of
_PARTICLES = frozenset({"up", "down"})
_PARTED = frozenset({"look", "bring", "set", "back", "start", "spin", "shut", "turn", "take"})
_LIVENESS = frozenset({"up", "down", "alive", "dead", "running", "online", "offline", "reachable"})
"""States that are one question."""
_BROAD_GROUPS = frozenset({"create", "set", "send"})
_LOOKS_LIKE = 0.8
_NAMED = 0.75  # a name alone, where the kind of thing is not said
_LIKE_SAID = 0.85  # another of the states that are one question
_SAID = 0.9  # the very state that is asked for stands in the capability's texts
_COLOURING = frozenset(
    {"one", "safety", "quick", "fresh", "clean", "hard", "soft", "proper", "short", "new", "manual"}
    | {"extra", "last", "final", "little", "gentle", "complete", "graceful", "good", "nice"}
)
"""What only tells how: "a safety snapshot", "a hard power-cycle"."""
_LOOSE = 0.5  # a word that nothing but its place makes a value of a host or the like


class VerbEvidence:
    """How well the verb fits. Nothing but a verb makes a step that could spoil something."""

    def __init__(self, index: CatalogIndex) -> None:
        self._lexicon = index.lexicon
        own = frozenset[str]().union(*(profile.own_verbs for profile in index.profiles))
        self._headed = own & frozenset(self._lexicon.group_heads)

    def strength(self, profile: Profile, clause: Clause) -> float:
        """Return how well the clause's verb, or its question form, fits `profile`."""
        if clause.form is Form.QUESTION:
            return self._question(profile, clause)
        if clause.form is Form.THING and not clause.verbs:
            harmless = profile.capability.risk is Risk.LOW
            return 0.45 if profile.reads else harmless * (0.6 if profile.verbless else 0.35)
        best = max((self._spoken(profile, verb) for verb in clause.verbs), default=0.0)
        return best * (0.9 if clause.form is Form.TERSE else 1.0)

    def is_look(self, clause: Clause) -> bool:
        """Whether the verb fits any look: "show", "list"."""
        shows = self._lexicon.reading_groups - {"check"}
        return bool(clause.verbs) and all(v.groups and v.groups <= shows for v in clause.verbs)

    def is_empty(self, profile: Profile, clause: Clause) -> bool:
        """Whether no verb of an order says what to do: "get", "give", "run" fit anything."""
        if not clause.verbs or clause.form is Form.QUESTION:
            return False
        light = self._lexicon.words("light_verbs") | _GENERIC_VERBS | {"send", "put"}
        return all(
            verb.canonical in light
            and verb.canonical not in profile.own_verbs
            and not verb.groups & profile.own_groups
            for verb in clause.verbs
        )

    def _spoken(self, profile: Profile, verb: Verb) -> float:
        looking = verb.groups & self._lexicon.reading_groups
        slot = profile.main_slot
        free = slot is not None and slot.kind is SlotKind.TEXT  # "check nginx" is no research
        groups = verb.groups if profile.reads and not free else verb.groups - looking
        generic = verb.canonical in _GENERIC_VERBS and not profile.is_risky
        light = frozenset({"give", "get", "take", "make", "do", "send", "put", "have", "let"})
        # "Send 10 pings" makes no look of "send it to the consulate".
        said = frozenset[str]() if verb.canonical in light else profile.example_groups
        heads = {self._lexicon.group_heads[group] for group in groups & profile.own_groups}
        shown = verb.canonical in profile.example_verbs - light
        # "Bounce" means restart before reload, where the catalogue has both.
        closer = heads & self._headed <= profile.own_verbs
        strengths = (
            (verb.canonical in profile.own_verbs, 1.0),
            (bool(shown and groups & profile.own_groups), _SHOWN),
            (shown, OWN_WORD),
            (closer and groups & profile.own_groups, 0.8),
            (groups & (profile.own_groups | said), 0.66),
            (profile.reads and looking and not free, 0.65),
            (verb.canonical in profile.example_verbs, 0.5),
            (generic, 0.5),
        )
        strength = next((strength for holds, strength in strengths if holds), 0.0)
        return strength * (0.92 if verb.misspelt else 1.0)

    def _question(self, profile: Profile, clause: Clause) -> float:
        if not profile.reads:
            return 0.0
        groups = clause.asked_groups.union(*(verb.groups for verb in clause.verbs))
        if groups & profile.own_groups:
            return 0.85
        return 0.75 if groups & profile.example_groups else 0.55


class WordEvidence:
    """Which share of the meaning words is explained, rare words counting more."""

    def __init__(self, index: CatalogIndex, vocabulary: Vocabulary) -> None:
        self._index = index
        self._vocabulary = vocabulary

    def explained(self, profile: Profile, clause: Clause, fill: Fill, verb: float) -> float:
        """Return the share that the vocabulary or the slots of `profile` take."""
        weights = {p: self._index.weight(clause.tokens[p].stem) for p in fill.content}
        total = sum(weights.values())
        if not total:
            return 1.0
        unknown = unknown_value(profile, fill, self._index.lexicon)
        places = frozenset(fill.spare[0].places) if unknown else frozenset[int]()
        got = 0.0
        for place, weight in weights.items():
            share = self._share(profile, clause, fill, place, verb)
            got += weight * max(share, 0.6 if place in places else 0.0)
        return got / total

    def _share(
        self, profile: Profile, clause: Clause, fill: Fill, place: int, verb: float
    ) -> float:
        """Return how far `profile` explains the word at `place`."""
        worded = self._vocabulary.strength(profile, clause.tokens[place])
        described = self._is_unnamed(clause, place, fill.used) and verb >= OWN_WORD
        if described or (place not in fill.used and self._colours(clause, place)):
            worded = max(worded, _SURE)
        for slot in profile.slots:
            found = fill.values.get(slot.name)
            if found is not None and place in found.places:
                alone = [s for s in profile.slots if s.required] == [slot]
                own = verb >= OWN_WORD and (alone or profile.capability.reasoning)
                return max(worded, self._taken(slot, clause.tokens[place], found.strength, own=own))
        return worded

    def _colours(self, clause: Clause, place: int) -> bool:
        """Whether "safety" in "take a safety snapshot" only tells how; the noun is the verb."""
        opens, places = clause.tokens[0].fold, clause.verb_places
        light = 0 in places and opens in self._index.lexicon.words("light_verbs")
        article = clause.tokens[1].fold if len(clause.tokens) > 1 else ""
        nominal = light and article in self._index.lexicon.words("articles") | {"one"}
        return nominal and place < max(places) and clause.tokens[place].fold in _COLOURING

    def _is_unnamed(self, clause: Clause, place: int, used: frozenset[int]) -> bool:
        """Whether "the service" says no more than that there is one: which, is to be asked."""
        before = clause.tokens[place - 1].fold if place else ""
        word, lexicon = clause.tokens[place], self._index.lexicon
        if word.fold in lexicon.words("workloads") and place - 1 in used:
            return True  # "the backend deployment"
        return word.fold in lexicon.words("omissible") and before in lexicon.words("determiners")

    def _taken(self, slot: Slot, token: Token, strength: float, *, own: bool) -> float:
        """Return how far a word is explained by being the value of `slot`.

        Args:
            slot: whose value it is.
            token: the word.
            strength: how sure the value is.
            own: the verb is the capability's own, and the slot all that it needs.
        """
        if strength <= _LOOSE:
            return 0.7 if own and slot.kind is SlotKind.TEXT else 0.4
        if strength <= BARE and slot.kind is SlotKind.HOST:
            return _SURE if own else 0.4
        named = strength >= _SURE or bool(slot.enum) or token.is_name_like
        foreign = bool(self._index.keys(token.stem) & self._index.object_nouns) and not named
        return 0.3 if foreign or self._is_host_elsewhere(slot, token.fold) else 1.0

    def _is_host_elsewhere(self, slot: Slot, folded: str) -> bool:
        """Whether "node1", called so after hosts, was taken for the name of something else."""
        prefix = folded.rstrip("0123456789").rstrip("-_")
        hosts = self._index.keys("host") & self._index.keys(prefix)
        return slot.kind is SlotKind.NAME and prefix != folded and bool(hosts)


class ObjectEvidence:
    """Whether what the capability acts on is named."""

    def __init__(self, index: CatalogIndex, vocabulary: Vocabulary) -> None:
        self._lexicon = index.lexicon
        self._vocabulary = vocabulary
        self._keys = index.keys
        self._states = index.keys("status") | {"run"}
        self._topics = Topics(index, vocabulary)
        states = self._lexicon.words("state_words") | {"status", "health", "state"}
        self._stateful = frozenset(
            profile.name
            for profile in index.profiles
            for text in (profile.capability.description, *profile.capability.examples)
            if profile.reads and states & _states_said(text)
        )
        self._own: dict[str, set[str]] = {}
        for profile in index.profiles:
            verbs = profile.verbs
            for key in verbs.union(profile.own_groups, profile.example_groups):
                self._own.setdefault(key, set()).add(profile.name)

    def strength(
        self, profile: Profile, clause: Clause, fill: Fill, explained: float, *, continues: bool
    ) -> float:
        """Return the strongest evidence for the object; `continues`: the order before said it."""
        named = self._vocabulary.objects_named(profile, clause, fill)
        spoken = self._topics.named(profile, clause, fill)
        valued = max(self._by_value(profile, clause, fill), default=0.0)
        if self._is_broad(clause) and not max(named, spoken):
            valued = min(valued, _LOOKS_LIKE * self._has_known_looks(profile, fill))
        found = max(named, spoken, valued, _OWN_OBJECT * fill.assigned)
        slot = profile.main_slot
        filled = slot is not None and slot.name in fill.values
        if self._asks_state(clause) and profile.reads and profile.name not in self._stateful:
            if not fill.content:
                return 0.0
            found = min(found, named)  # a name alone says not that this one tells how it is
        spoken_of = filled or not fill.content
        spoken_of = spoken_of or (slot is not None and self._is_general(clause, slot))
        if spoken_of and found < _SAID and self._tells_state(profile, clause):
            found = max(found, self._state(profile, clause, fill))
        looked = clause.form in {Form.QUESTION, Form.THING}
        if explained >= _SURE and not looked and profile.objects <= self._vocabulary.omissible:
            found = max(found, self._omitted(fill, slot))
        if not looked and explained >= _SURE and found < _OWN_OBJECT:
            found = max(found, _OWN_OBJECT * self._is_only_one(profile, clause, fill))
        if (
            looked
            and not found
            and explained >= _SURE
            and self._is_spoken_of(profile, clause, fill)
        ):
            found = _SPOKEN_OF
        if looked and not found and fill.content and explained >= _SURE and self._points(clause):
            found = _SPOKEN_OF  # "how full is it"
        if continues and (filled or explained >= _SURE):
            return 1.0
        pointed = fill.used >= {*fill.content} and self._acts_on_it(profile, clause)
        return found or (0.0 if fill.content and not pointed else 0.6)

    @staticmethod
    def _acts_on_it(profile: Profile, clause: Clause) -> bool:
        """Whether a verb of the capability's has "it" for its object: "restore it from dump-7"."""
        behind = clause.tokens[max(clause.verb_places, default=-1) + 1 :][:1]
        own = any(verb.canonical in profile.own_verbs for verb in clause.verbs)
        return own and any(token.fold in {"it", "them"} for token in behind)

    @staticmethod
    def _omitted(fill: Fill, slot: Slot | None) -> float:
        """Return how sure the object is where its kind need not be said: "restart nginx"."""
        value = fill.values.get(slot.name) if slot is not None else None
        if slot is None or not fill.content:
            return 1.0
        if value is None:
            return 0.5
        guessed = slot.kind is SlotKind.HOST and value.strength <= BARE
        return _OWN_OBJECT if guessed else 1.0  # a plain word is rather a service than a host

    def _is_broad(self, clause: Clause) -> bool:
        """Whether the verb fits nearly anything: "create", "set", "change"."""
        groups = (verb.groups for verb in clause.verbs)
        return bool(clause.verbs) and all(g and g <= _BROAD_GROUPS for g in groups)

    @staticmethod
    def _has_known_looks(profile: Profile, fill: Fill) -> bool:
        slot = profile.main_slot
        found = fill.values.get(slot.name) if slot is not None else None
        if slot is None or found is None:
            return False
        return slot.kind in _SHAPED or _looks_known(profile, slot, found.value)

    def is_named(self, profile: Profile, clause: Clause, fill: Fill) -> bool:
        """Whether a word says what `profile` acts on, beside the values."""
        named = bool(profile.objects) and self._vocabulary.objects_named(profile, clause, fill) > 0
        return named or self._topics.named(profile, clause, fill) > 0

    def _points(self, clause: Clause) -> bool:
        persons = self._lexicon.words("personal_pronouns")
        return any(token.fold == "it" or token.fold in persons for token in clause.tokens)

    def _is_spoken_of(self, profile: Profile, clause: Clause, fill: Fill) -> bool:
        """Whether a question uses a word of the capability's beside the value: "is node1 full"."""
        slot = profile.main_slot
        worded = (
            self._vocabulary.strength(profile, clause.tokens[place]) >= _OWN_OBJECT
            for place in fill.content
            if place not in fill.used
        )
        return slot is not None and slot.name in fill.values and any(worded)

    def _is_only_one(self, profile: Profile, clause: Clause, fill: Fill) -> bool:
        """Whether no other capability has this verb, and a name, no description, follows it."""
        slot = profile.main_slot
        value = fill.values.get(slot.name) if slot is not None else None
        if slot is None or value is None or self._is_broad(clause):
            return False
        first = min(value.places, default=0)
        before = clause.tokens[first - 1].fold if first else ""
        described = before in self._lexicon.words("english_determiners")
        named = value.strength >= _SURE or clause.tokens[first].is_name_like
        return any(map(partial(self._is_alone, profile), clause.verbs)) and (named or not described)

    def _is_alone(self, profile: Profile, verb: Verb) -> bool:
        """Whether no other capability has this verb, or one that means the same."""
        ways = self._own.get(verb.canonical)
        if ways is None:
            ways = set[str]().union(*(self._own.get(group, ()) for group in verb.groups))
        return ways == {profile.name}

    def _names_its_kind(self, clause: Clause, slot: Slot) -> bool:
        """Whether the verb acts on "the box" where the slot is a host."""
        rest = [t for place, t in enumerate(clause.tokens) if place not in clause.verb_places]
        the = len(rest) == 2 and rest[0].fold in self._lexicon.words("determiners")  # noqa: PLR2004
        keys = frozenset(key for noun in slot.nouns for key in self._keys(noun))
        return the and bool(self._keys(rest[1].stem) & keys)

    def _speaks_of_state(self, profile: Profile) -> bool:
        """Whether the capability tells how something is: a plain "check" means that."""
        return any(self._states & example for example in profile.masked)

    def _is_general(self, clause: Clause, slot: Slot) -> bool:
        """Whether all of a kind are meant: "the active containers"."""
        keys = frozenset(key for noun in slot.nouns for key in self._keys(noun))
        return not slot.required and any(self._keys(t.stem) & keys for t in clause.tokens)

    def _tells_state(self, profile: Profile, clause: Clause) -> bool:
        """Whether it is asked how something is, and the capability's texts say that it tells."""
        return profile.name in self._stateful and self._asks_state(clause)

    def _state(self, profile: Profile, clause: Clause, fill: Fill) -> float:
        """Return how surely a question of how something is means `profile`, which tells that."""
        nouns = self._lexicon.noun_groups.keys() - self._vocabulary.omissible
        said = frozenset(key for token in clause.tokens for key in self._keys(token.stem))
        telling = (n for n in profile.objects & nouns if not self._keys(n) & self._states)
        if not all(self._keys(n) & (said | self._vocabulary.omissible) for n in telling):
            return _UNNAMED  # "is sshd up" asks for no replicas
        states = self._lexicon.words("state_words") | _LIVENESS
        asked = {token.fold for token in clause.tokens} & states
        texts = (profile.capability.description, *profile.capability.examples)
        told = frozenset[str]().union(*map(_states_said, texts)) & states
        if asked & told:
            return _SAID
        if asked & _LIVENESS and told & _LIVENESS:
            return _LIKE_SAID
        return _OWN_OBJECT if fill.content else _UNNAMED

    def _asks_state(self, clause: Clause) -> bool:
        states = self._lexicon.words("state_words")
        return any(
            token.fold in states or self._keys(token.stem) & self._states
            for place, token in enumerate(clause.tokens)
            if not (token.fold in _PARTICLES and place in clause.verb_places)
        )

    def _leaves(self, profile: Profile, clause: Clause, fill: Fill) -> bool:
        """Whether words are left that are neither values nor the capability's own."""
        measures = self._lexicon.words("measures")
        return any(
            not self._vocabulary.strength(profile, clause.tokens[place])
            for chunk in fill.spare
            for place in chunk.places
            if clause.tokens[place].fold not in measures
        )

    def _is_qualified(self, profile: Profile, clause: Clause, fill: Fill) -> bool:
        """Whether a named value says what is looked for: "errors in nextcloud"."""
        return not self._leaves(profile, clause, fill) and any(
            slot.kind is SlotKind.ENUM and slot.name in fill.values for slot in profile.slots
        )

    def _by_value(self, profile: Profile, clause: Clause, fill: Fill) -> Iterator[float]:
        """Yield the evidence of the values that were said."""
        slot = profile.main_slot
        if slot is None:
            return
        looked = clause.form in {Form.QUESTION, Form.THING}
        found = fill.values.get(slot.name)
        lacks = looked and found is None and slot.required  # "who broke production"
        if (
            not lacks
            and _has_typed_value(profile, fill, slot)
            and (found is None or not looked or self._is_qualified(profile, clause, fill))
        ):
            beside = fill.used - clause.verb_places - (found.places if found else frozenset())
            yield 0.7 if found is None else 0.8 if beside else _NAMED
        if found is not None and (slot.kind not in _FREE or _is_address(slot, found.value)):
            listed = slot.kind is SlotKind.ENUM
            yield 0.0 if looked and listed and self._leaves(profile, clause, fill) else 0.8
        if found is not None and not looked and _looks_known(profile, slot, found.value):
            yield 0.8
        if found is not None and found.strength >= _SURE and not looked:
            yield _NAMED
        if found is None and not looked and self._names_its_kind(clause, slot):
            yield 0.8
        if found is not None and not fill.spare and _is_placed(profile, clause, fill, slot):
            yield _PLACED if self._speaks_of_state(profile) or not profile.reads else _LOOKED_AT
        if found is not None and slot.kind is SlotKind.TEXT and profile.objects <= slot.nouns:
            yield 0.8
        verbs = profile.verbs
        own = any(verb.canonical in verbs for verb in clause.verbs)
        if slot.name in fill.unclear or (own and unknown_value(profile, fill, self._lexicon)):
            yield 0.8


def _states_said(text: str) -> frozenset[str]:
    """Return the words of a text; "up" in "look up a name" is no state."""
    said = words(text)
    parted = {after for before, after in itertools.pairwise(said) if before in _PARTED}
    return frozenset(said) - (parted & _PARTICLES)


def _is_placed(profile: Profile, clause: Clause, fill: Fill, main: Slot) -> bool:
    """Whether a name and the host it is on are said, and nothing else: "nginx on web1"."""
    hosts = [slot for slot in profile.slots if slot.kind is SlotKind.HOST and slot is not main]
    found = [fill.values[slot.name] for slot in hosts if slot.name in fill.values]
    named = main.kind is SlotKind.NAME and len(fill.values[main.name].places) == 1
    if not named or clause.form is Form.THING or len(found) != 1 or not found[0].places:
        return False
    before = clause.tokens[min(found[0].places) - 1].fold if min(found[0].places) else ""
    return found[0].strength >= _SURE and before in PLACE_WORDS


def _looks_known(profile: Profile, slot: Slot, value: JsonValue) -> bool:
    """Whether a value has the looks of one in the examples, and no plain word's: "tank/vms"."""
    seen = looks(str(value))
    return bool(seen) and any(looks(one) == seen for one in profile.known.get(slot.name, ()))


def _is_address(slot: Slot, value: JsonValue) -> bool:
    """Whether a value of what is called an address is one, whatever its pattern says."""
    shaped = isinstance(value, str) and looks_like(SlotKind.ADDRESS, value)
    return shaped and bool(slot.nouns & {"address", "network"})


def _has_typed_value(profile: Profile, fill: Fill, main: Slot) -> bool:
    """Whether a named or typed value was said, though not of the main slot."""
    kinds = {slot.name: slot.kind for slot in profile.slots}
    shaped = {slot.name for slot in profile.slots if slot.has_own_pattern}  # "nvme0n1"
    return any(
        found.strength >= _TYPED
        and found.places  # not what the verb alone chose
        and name != main.name
        and (kinds[name] not in {SlotKind.NAME, SlotKind.TEXT, SlotKind.HOST} or name in shaped)
        for name, found in fill.values.items()
    )


def unknown_value(profile: Profile, fill: Fill, lexicon: Lexicon) -> str:
    """Return the name of the required slot whose value is said but not listed, or ""."""
    slot = profile.main_slot
    if slot is None or not slot.required or slot.kind is not SlotKind.ENUM:
        return ""
    if slot.name in fill.values or slot.name in fill.unclear or not fill.spare:
        return ""
    described = fill.spare[0].determiner in lexicon.words("indefinite")
    states = lexicon.words("true_words") | lexicon.words("false_words")
    definite = fill.spare[0].determiner in lexicon.words("determiners")
    described |= definite and all(value in states for value in slot.enum)  # "open the garage"
    return "" if described else slot.name
