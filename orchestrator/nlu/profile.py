"""What the engine knows of one capability: its verbs, its nouns, its slots."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from orchestrator.catalog.models import Capability, Risk
from orchestrator.nlu.actions import Choice
from orchestrator.nlu.enums import EnumFinder
from orchestrator.nlu.lexicon import Lexicon
from orchestrator.nlu.slots import Slot
from orchestrator.nlu.text import Token, stem, tokenise, words

PARTICLES = frozenset({"up", "back", "out", "off", "on", "down", "in", "over", "away"})
"""Without them, the verb of "set up" means another thing."""


@dataclass(eq=False)
class Profile:
    """One capability, prepared for matching."""

    capability: Capability
    slots: tuple[Slot, ...]
    own_verbs: frozenset[str]  # canonical, from name and description
    example_verbs: frozenset[str]
    own_groups: frozenset[str]
    example_groups: frozenset[str]
    objects: frozenset[str]  # stems of the nouns in the name: what it acts on
    named: frozenset[str]  # stems of all that its name says beside its verb
    nouns: dict[str, float]  # stem -> how strongly it speaks for this capability
    reads: bool
    choices: dict[str, Choice] = field(default_factory=dict)  # by parameter
    verbless: bool = False  # some example is a thing: "movie night, please"
    enums: dict[str, EnumFinder] = field(default_factory=dict)
    known: dict[str, set[str]] = field(default_factory=dict)  # slot -> folded example values
    prepositions: dict[str, set[str]] = field(default_factory=dict)  # before values of examples
    masked: list[frozenset[str]] = field(default_factory=list)  # examples' stems without values

    @property
    def name(self) -> str:
        """The intent."""
        return self.capability.name

    @property
    def verbs(self) -> frozenset[str]:
        """The verbs of its name, its description and its examples."""
        return self.own_verbs | self.example_verbs

    @property
    def groups(self) -> frozenset[str]:
        """The groups of these verbs."""
        return self.own_groups | self.example_groups

    @property
    def is_risky(self) -> bool:
        """Whether a wrong guess could spoil something."""
        return self.capability.risk in {Risk.MEDIUM, Risk.HIGH}

    @cached_property
    def main_slot(self) -> Slot | None:
        """The slot that names what the capability acts on; lists of targets fan out over it."""
        texts = [slot for slot in self.slots if slot.kind.value not in {"flag", "number"}]
        required = [slot for slot in texts if slot.required]
        counted = [s for s in self.slots if s.required and s.kind.value == "number"]
        named = [slot for slot in texts if slot.nouns & self.objects]
        return next(iter([*required, *counted, *named, *texts]), None)


def tokens_of(text: str) -> list[Token]:
    """Return the tokens of a catalogue text."""
    return list(tokenise(text))


_OBJECTS = frozenset({"it", "them", "one", "ones", "its", "a", "an", "the"})


def catalogue_verbs(capabilities: Iterable[Capability], lexicon: Lexicon) -> dict[str, str]:
    """Return the verbs that this catalogue uses: as they are spelt, with their stems."""
    found: set[str] = set()
    entries = list(capabilities)
    elsewhere = {
        stem(word)
        for capability in entries
        for text in (*capability.examples, capability.description)
        for word in words(text)[1:]
    }
    nouns = elsewhere | _catalogue_nouns(entries)
    for capability in entries:
        heads = [
            stem(parts[0])
            for text in capability.examples
            if len(parts := words(text)) > 1
            and not text.rstrip().endswith("?")
            and parts[1] not in PARTICLES
        ]
        first = stem(words(capability.name)[0])
        said = words(capability.description)
        done = {stem(word) for word in said if word.endswith("ed")}
        parted = set(said[1:2]) & PARTICLES  # "Power on or off": no power alone
        described = "" if parted else stem(next(iter(said), ""))
        found |= (set(heads) - nouns) | set(_before_articles(capability, lexicon))
        found |= {first} & {described, *done}  # "resolve": "Mark an incident as resolved"
        found |= {first} & set(_of_two_words(capability))  # "scrub tank"
    blocked = {
        stem(word)
        for name in ("stop", "fillers", "question_words", "state_words", "adverbs")
        for word in lexicon.words(name)
    }
    named = {
        stem(words(capability.name)[0])
        for capability in entries
        if stem(words(capability.name)[0]) in set(_before_articles(capability, lexicon))
    }
    nouns = set(lexicon.noun_groups) - named  # "page_oncall", "page the storage team": a verb
    verbs = {verb for verb in found - blocked - nouns if verb.isalpha()}
    return {
        word: stem(word)
        for capability in entries
        for text in (capability.name, capability.description, *capability.examples)
        for word in words(text)
        if stem(word) in verbs
    }


def catalogue_acts(capabilities: Iterable[Capability]) -> Iterator[tuple[str, str]]:
    """Yield the stems of verb and noun of each name of two words: `create_branch`."""
    for capability in capabilities:
        said = words(capability.name)
        if len(said) == 2:  # noqa: PLR2004
            yield stem(said[0]), stem(said[1])


def catalogue_things(
    capabilities: Iterable[Capability], lexicon: Lexicon
) -> Iterator[tuple[str, str]]:
    """Yield the first stems of names that only look, whatever they open with: `patch_status`."""
    for capability in capabilities:
        said = [stem(word) for word in words(capability.name)]
        if len(said) > 1 and only_looks_at(capability, said[0], lexicon):
            yield said[0], said[1]


def only_looks_at(capability: Capability, verb: str, lexicon: Lexicon) -> bool:
    """Whether "Show the …" makes a noun of the verb that opens a name: `patch_status`."""
    heads = leading_verbs(capability.description, lexicon)
    looks = any(_reads(head, lexicon) for head in heads[:1])
    shows = verb in heads or _reads(verb, lexicon)
    seen = words(capability.name)[-1] in lexicon.words("looked_at")
    return capability.risk is Risk.NONE and looks and seen and not shows


def _reads(verb: str, lexicon: Lexicon) -> bool:
    ways = (way for way in lexicon.actions.get(verb, ()) if len(way.stems) == 1)
    return any(way.group in lexicon.reading_groups for way in ways)


def catalogue_words(capabilities: Iterable[Capability]) -> Iterator[str]:
    """Yield every word of names, descriptions and examples, as it stands and its stem."""
    for capability in capabilities:
        for text in (capability.name, capability.description, *capability.examples):
            for word in words(text):
                yield from (word, stem(word))


def _catalogue_nouns(entries: Iterable[Capability]) -> set[str]:
    """Return the stems that name parameters, or stand in a name behind its first word."""
    return {
        stem(word)
        for capability in entries
        for text in (*words(capability.name)[1:], *slot_names(capability))
        for word in words(text)
    }


def slot_names(capability: Capability) -> list[str]:
    """Return the names of a capability's parameters."""
    properties = capability.parameters.get("properties")
    return [*properties] if isinstance(properties, dict) else []


def _of_two_words(capability: Capability) -> Iterator[str]:
    """Yield the stems that open an example of two words: a verb and what it acts on."""
    for text in capability.examples:
        parts = words(text)
        if len(parts) == 2 and parts[1] not in words(capability.name):  # noqa: PLR2004
            yield stem(parts[0])


def _before_articles(capability: Capability, lexicon: Lexicon) -> Iterator[str]:
    """Yield the stems that open a text right before "a", "the" or a name: verbs."""
    for text in (*capability.examples, capability.description):
        tokens = tokens_of(text)[:2]
        follows = tokens[-1].fold in lexicon.words("articles") | lexicon.words("determiners")
        if len(tokens) > 1 and (follows or tokens[1].is_name_like):
            yield tokens[0].stem


def leading_verbs(description: str, lexicon: Lexicon) -> list[str]:
    """Return the stems of the verbs that open a description: "Restart, reload or bounce a …"."""
    verbs: list[str] = []
    joined = True
    for token in tokens_of(description):
        if token.stem in {",", "/"} or token.fold in {"or", "and"}:
            joined = True
        elif joined and token.stem in lexicon.actions:
            verbs.append(token.stem)
            joined = False
        else:
            break
    return verbs


def further_verbs(description: str, lexicon: Lexicon) -> list[str]:
    """Return the stems of verbs that come later: "Switch the lights on or off, or dim them"."""
    tokens = tokens_of(description)
    return [
        verb.stem
        for before, verb, behind in zip(tokens, tokens[1:], tokens[2:], strict=False)
        if before.fold == "or" and verb.stem in lexicon.actions and behind.fold in _OBJECTS
    ]


def object_nouns(capability: Capability, verbs: Sequence[str], lexicon: Lexicon) -> frozenset[str]:
    """Return the nouns of a capability's name: `restart_service` → service."""
    closed = lexicon.words("stop") | lexicon.words("prepositions")
    said = words(capability.name)
    parts = frozenset(stem(word) for word in said if word not in closed)
    spoken = len(parts) < len(said)  # "who_is_on_call": its verb is the noun
    return parts.difference(verbs) or (parts if spoken else frozenset())
