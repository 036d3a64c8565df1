"""Everything the engine derives from one catalogue, built once per catalogue value."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet

from orchestrator.catalog.models import Capability, Catalog, Risk
from orchestrator.nlu.actions import aliases_of, choices_of
from orchestrator.nlu.clauses import Clause, Form, Reader
from orchestrator.nlu.denials import Denials
from orchestrator.nlu.enums import EnumFinder
from orchestrator.nlu.full_names import FullNames
from orchestrator.nlu.lexicon import Lexicon, lexicon
from orchestrator.nlu.pieces import Splitter
from orchestrator.nlu.profile import (
    PARTICLES,
    Profile,
    catalogue_acts,
    catalogue_things,
    catalogue_verbs,
    catalogue_words,
    further_verbs,
    leading_verbs,
    object_nouns,
    only_looks_at,
    tokens_of,
)
from orchestrator.nlu.slots import Slot, slots_of
from orchestrator.nlu.spelling import Speller
from orchestrator.nlu.text import Token, fold, stem, words
from orchestrator.nlu.verbs import Verb, VerbBook

_EMPTY = frozenset({"make", "do", "have", "let"})
"""Verbs of descriptions that need another: "make a service read its configuration"."""
_KEPT = 4_096  # nouns whose synonyms are remembered
_STAGES = frozenset({"environment", "env", "stage"})
_SYNONYM = 0.9
_NAME, _EXAMPLE, _DESCRIPTION, _PARAMETER = 1.0, 0.9, 0.8, 0.8


class CatalogIndex:
    """Profiles of all capabilities and the readers that know the catalogue's verbs."""

    def __init__(self, catalog: Catalog) -> None:
        self.lexicon: Lexicon = lexicon()
        self._synonyms: dict[str, frozenset[str]] = {}  # what `keys` has answered
        capabilities = [entry.spoken for entry in catalog.entries.values()]
        own = catalogue_verbs(capabilities, self.lexicon)
        said = frozenset(catalogue_words(capabilities))
        things = catalogue_things(capabilities, self.lexicon)
        acts = catalogue_acts(capabilities)
        self.book = VerbBook(self.lexicon, own, [*acts], said, [*things])
        self.splitter = Splitter(self.lexicon, self.book)
        self.denials = Denials(self.lexicon, self.book)
        self.reader = Reader(self.lexicon, self.book)
        self._clauses: dict[str, tuple[Clause, ...]] = {}
        self.profiles = [self._profile(capability) for capability in capabilities]
        self.by_name = {profile.name: profile for profile in self.profiles}
        self.remembered = {
            tuple(words(phrase)): self.by_name[name]
            for name, entry in catalog.entries.items()
            for phrase in entry.phrases
        }
        self._frequency = Counter(noun for profile in self.profiles for noun in profile.nouns)
        self.object_nouns = frozenset(
            noun for profile in self.profiles for noun in self.expand(profile.objects)
        )
        self.shared_enums = self._shared_enums()
        self._kinds = frozenset(map(stem, self.lexicon.words("kinds")))
        self.speller = self._speller(said)
        self._names = dict(catalog.names)
        self._learnt: dict[tuple[str, str], frozenset[str]] = {}
        self._others: dict[str, frozenset[str]] | None = None
        self.inventory: dict[str, tuple[str, ...]] = {}  # names of what there is, by parameter

    def clauses_of(self, example: str) -> tuple[Clause, ...]:
        """Return the clauses of a text of the catalogue; each text is read once."""
        if example not in self._clauses:
            pieces = self.splitter.split(tokens_of(example))
            self._clauses[example] = tuple(map(self.reader.read, pieces))
        return self._clauses[example]

    def weight(self, noun: str) -> float:
        """Return how much a noun tells: the rarer among the capabilities, the more (0.3–1)."""
        seen = max((self._frequency[key] for key in self.keys(noun)), default=0)
        if not seen:
            return 0.8
        total = max(len(self.profiles), 2)
        return max(0.3, min(1.0, math.log(1 + total / seen) / math.log(1 + total)))

    def keys(self, noun: str) -> frozenset[str]:
        """Return the noun's stem and the synonym groups it belongs to."""
        found = self._synonyms.get(noun)
        if found is None:
            found = self.lexicon.noun_groups.get(noun, frozenset()) | {noun}
            if len(self._synonyms) < _KEPT:
                self._synonyms[noun] = found
        return found

    def is_said(self, token: Token) -> bool:
        """Whether a word is one of the catalogue's, or announces work ("tasks")."""
        if token.fold in self.lexicon.words("openers") or token.fold in self.lexicon.numbers:
            return True
        return bool(self.keys(token.stem) & self._frequency.keys())

    def is_known(self, token: Token) -> bool:
        """Whether a word is a value of one of the catalogue's examples."""
        return any(token.fold in values for p in self.profiles for values in p.known.values())

    def is_alien(self, verb: Verb) -> bool:
        """Whether neither lexicon nor catalogue says what a verb does: "swap", "think"."""
        own = any(verb.canonical in profile.verbs for profile in self.profiles)
        return not (verb.groups or own)

    def know(self, others: Mapping[str, Iterable[str]]) -> None:
        """Take these for names too, beside the catalogue's and those of its examples.

        Args:
            others: names of what there is, by the parameter that takes them; in the place of
                those of the last time.
        """
        asked = {name: frozenset(values) for name, values in others.items()}
        if asked == self._others:
            return
        self._others = asked
        self.inventory = {
            name: tuple(dict.fromkeys([*self._names.get(name, ()), *sorted(asked.get(name, ()))]))
            for name in {*self._names, *asked}
        }
        for profile in self.profiles:
            for slot in profile.slots:
                learnt = self._learnt.setdefault(
                    (profile.name, slot.name), frozenset(profile.known.get(slot.name, ()))
                )
                named = {*self._names.get(slot.name, ()), *asked.get(slot.name, ())}
                profile.known[slot.name] = {*learnt, *(fold(each) for each in named)}

    def is_kind(self, noun: str) -> bool:
        """Whether a noun says what sort of thing is meant ("the nodes"), never which."""
        return noun in self._kinds

    def expand(self, nouns: frozenset[str]) -> frozenset[str]:
        """Return the nouns together with their synonym groups."""
        return frozenset(key for noun in nouns for key in self.keys(noun))

    def _speller(self, said: AbstractSet[str]) -> Speller:
        nouns = {
            noun
            for profile in self.profiles
            for noun in profile.objects.union(*(slot.nouns for slot in profile.slots))
        }
        slots = [slot for profile in self.profiles for slot in profile.slots]
        values = {part for slot in slots for value in slot.enum for part in words(value)}
        stages = {value for s in slots if s.name in _STAGES for value in s.enum}
        told = (c.capability.name + " " + c.capability.description for c in self.profiles)
        called = {word for text in told for word in words(text)} | values
        names = FullNames(self.lexicon, slots, called)
        return Speller(self.lexicon, nouns, said | values | nouns, stages, names)

    def _profile(self, capability: Capability) -> Profile:
        heads = list(self._example_verbs(capability))
        shown = frozenset(group for _, groups in heads for group in groups)
        own = self._own_verbs(capability, shown)
        slots = slots_of(capability.parameters)
        choices = [*choices_of(slots, self.book, self.lexicon)]
        objects = object_nouns(capability, [stem(word) for word in own], self.lexicon)
        named = objects
        reads = self._reads(capability, own)
        if capability.risk is not Risk.NONE:
            objects = self._plain_objects(capability, objects, slots)
        if reads and not objects:  # "downloads": a look is told by what it looks at
            objects = frozenset(stem(word) for word in words(capability.name))
        telling = (verb for verb in own if verb not in _EMPTY)
        groups = frozenset(g for verb in telling for g in self.book.groups_of(verb))
        groups |= self._phrase_groups(capability)
        profile = Profile(
            capability=capability,
            slots=slots,
            own_verbs=frozenset(own).union(*(choice.by_verb for choice in choices)),
            example_verbs=frozenset(canonical for canonical, _ in heads if canonical),
            own_groups=groups.union(*(choice.by_group for choice in choices)),
            example_groups=shown,
            objects=objects,
            named=named,
            nouns={},
            choices={choice.slot.name: choice for choice in choices},
            reads=reads,
            verbless=any(map(self._is_thing, capability.examples)),
        )
        profile.nouns = self._nouns(profile)
        common = self.lexicon.words("stop") | frozenset(self.lexicon.noun_groups)
        profile.enums = {
            s.name: EnumFinder(s.enum, common, aliases_of(s, self.lexicon)) for s in slots if s.enum
        }
        return profile

    def _plain_objects(
        self, capability: Capability, objects: frozenset[str], slots: Iterable[Slot]
    ) -> frozenset[str]:
        """Return the objects without what only colours them: "fresh" in `app_fresh_start`.

        A word that may be a verb is one of them where description or parameters say it, too.
        """
        said = {stem(word) for word in words(capability.description)}
        said = said.union(*(slot.nouns for slot in slots))
        nouns = self.lexicon.noun_groups.keys()
        plain = {one for one in objects & nouns if one in said or not self.book.is_verb(one)}
        return frozenset(plain) or objects

    def _phrase_groups(self, capability: Capability) -> frozenset[str]:
        """Return the groups of the phrase that opens a description: "Throw away the jobs …"."""
        opening = tokens_of(capability.description)
        phrase = self.book.at(opening, 0) if opening else None
        return phrase.groups if phrase is not None and len(phrase.places) > 1 else frozenset()

    def _own_verbs(self, capability: Capability, shown: frozenset[str]) -> list[str]:
        """Return the canonical verbs of name and description, phrases such as "back up" too.

        Args:
            capability: whose they are.
            shown: the groups of its examples' verbs.
        """
        named = [stem(word) for word in words(capability.name)]
        verbs = leading_verbs(capability.description, self.lexicon)
        opening = tokens_of(capability.description)
        if opening and (phrase := self.book.at(opening, 0)):
            rest = {opening[place].fold for place in phrase.places - {0}}
            parted = bool(rest) and rest <= PARTICLES  # "set up": no setting; but "give … access"
            verbs = [*(verbs[1:] if parted else verbs), phrase.canonical]
        if self.book.is_verb(named[0]):
            verbs += [] if only_looks_at(capability, named[0], self.lexicon) else named[:1]
        elif self._ends_in_verb(capability, named):
            groups = self.book.groups_of(named[-1])
            if not (verbs or shown) or not groups or groups & shown:
                verbs.append(named[-1])  # not the "start" of `app_fresh_start`
        verbs += further_verbs(capability.description, self.lexicon)
        return list(dict.fromkeys(verbs))

    def _ends_in_verb(self, capability: Capability, named: list[str]) -> bool:
        """Whether the name ends with its verb: not "backups", not "who_is_on_call"."""
        placed = len(named) > 1 and named[-2] in self.lexicon.words("prepositions")
        return self.book.is_verb(named[-1]) and not capability.name.endswith("s") and not placed

    def _example_verbs(self, capability: Capability) -> Iterator[tuple[str, frozenset[str]]]:
        """Yield canonical verb and groups of each example that is an order."""
        for example in capability.examples:
            for clause in self.clauses_of(example):
                for verb in () if clause.negated else clause.verbs[:1]:
                    if verb.canonical:
                        yield verb.canonical, verb.groups
                if clause.form is Form.QUESTION:
                    yield "", clause.asked_groups & self.lexicon.reading_groups

    def _is_thing(self, example: str) -> bool:
        """Whether an example has no verb."""
        return [clause.form for clause in self.clauses_of(example)] == [Form.THING]

    def _asks_why(self, example: str) -> bool:
        clauses = self.clauses_of(example)
        return len(clauses) == 1 and "research" in clauses[0].asked_groups

    def _reads(self, capability: Capability, verbs: list[str]) -> bool:
        """Whether it only looks: risk none, or low with a verb of looking, or "why …?"."""
        first = self.book.groups_of(verbs[0]) if verbs else frozenset[str]()
        first |= self._phrase_groups(capability)
        asked = any(map(self._asks_why, capability.examples))
        looking = bool(first & self.lexicon.reading_groups)
        harmless = capability.risk is Risk.LOW and (looking or asked)
        return capability.risk is Risk.NONE or harmless

    def _nouns(self, profile: Profile) -> dict[str, float]:
        """Return the vocabulary: stems and synonym groups of everything the entry says."""
        capability = profile.capability
        weights: dict[str, float] = {}
        for text, strength in (
            *((example, _EXAMPLE) for example in capability.examples),
            (capability.description, _DESCRIPTION),
            (capability.name, _NAME),
            *((noun, _PARAMETER) for slot in profile.slots for noun in slot.nouns),
            *((value, _PARAMETER) for slot in profile.slots for value in slot.enum),
        ):
            for word in words(text):
                if word in self.lexicon.words("stop") or word.isdigit():
                    continue
                for key in self.keys(stem(word)):
                    near = strength * (1.0 if key == stem(word) else _SYNONYM)
                    weights[key] = max(weights.get(key, 0.0), near)
        return weights

    def _shared_enums(self) -> dict[str, EnumFinder]:
        """Return, for slots called alike, the named values that some capability lists."""
        common = self.lexicon.words("stop") | frozenset(self.lexicon.noun_groups)
        values: dict[str, list[str]] = {}
        aliases: dict[str, dict[str, str]] = {}
        for profile in self.profiles:
            for slot in profile.slots:
                values.setdefault(slot.name, []).extend(slot.enum)
                aliases.setdefault(slot.name, {}).update(aliases_of(slot, self.lexicon))
        return {
            name: EnumFinder(found, common, aliases[name])
            for name, found in values.items()
            if found
        }
