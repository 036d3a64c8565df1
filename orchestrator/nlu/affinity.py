"""How well a candidate value fits a free slot: its shape, its neighbours, its preposition."""

from collections.abc import Sequence

from orchestrator.nlu.chunks import Chunk, is_number, with_port
from orchestrator.nlu.coerce import iso_date, size_unit, time_unit
from orchestrator.nlu.concepts import concept_model
from orchestrator.nlu.index import CatalogIndex
from orchestrator.nlu.misfits import (
    is_attribute,
    is_branch,
    is_called_otherwise,
    is_doing,
    is_no_person,
    is_period,
    is_related,
    is_somebody,
    is_time,
    is_title,
    needs_port,
)
from orchestrator.nlu.prepositions import PERSONS, PLACE_WORDS, in_english, is_called_by
from orchestrator.nlu.profile import Profile
from orchestrator.nlu.shapes import BRANCHES, SHAPED, SlotKind, looks, looks_like, stands_alone
from orchestrator.nlu.slots import Slot
from orchestrator.nlu.text import Kind, Token, stem, words
from orchestrator.nlu.verbs import ACCESS

_MAX_WORDS = 3
_ADDRESSED = frozenset({SlotKind.HOST, SlotKind.DOMAIN, SlotKind.ADDRESS})
_NOUN = 3.0  # the slot's noun stands beside the value
BARE = 0.55
"""How sure a plain word is a host where one must follow: "ping theseus"."""
_CERTAIN = 4.0  # a known value in its usual place
_TARGETS = frozenset({"address", "target", "valu", "destin", "ip", "point"})
"""Stems of what a parameter is called that may hold an address beside a name."""
_LATEST = frozenset({"latest", "stable", "newest", "lts"})
_MACHINES = frozenset({"machine", "box", "node", "host"})
_WHEREVER = frozenset({"internet", "world", "outside", "os"})
"""No machine is called so: "reachable from the whole internet"."""
_ACCESS = ACCESS | frozenset({"zugriff", "acces", "acceso"})
_THESE = frozenset({"its", "these", "those"})
_OF = frozenset({"of", "for", "von", "fur", "de", "pour", "para"})
_WEB = frozenset({"web", "url", "link", "website", "webpage", "online", "http", "https"})
_WHY = frozenset({"cause", "reason", "culprit"})
_WHICH = frozenset(
    {"how", "which", "what", "welche", "welcher", "welches", "quel", "quelle", "quels", "quelles"}
)
_ONE_OF = (["one", "of"], ["some", "of"], ["any", "of"], ["einen", "der"], ["un", "des"])
NAMING = frozenset(
    {"named", "called", "titled", "labelled", "labeled", "namens", "genannt", "appele", "appelee"}
    | {"nomme", "nommee", "llamado", "llamada"}
)
"""What stands before a name that something is given, not before what is acted on."""
_TITLES = frozenset({"label", "title", "titl", "tag"})


class Scorer:
    """Scores pairs of slot and chunk; 0 or less means "not this one"."""

    def __init__(self, index: CatalogIndex) -> None:
        self._index = index

    def score(self, profile: Profile, slot: Slot, chunk: Chunk, tokens: Sequence[Token]) -> float:
        """Return how well `chunk` fits `slot`; optional slots need evidence of their own."""
        shape = self._shape(slot, chunk, tokens)
        channel = tokens[chunk.places[0]].text
        if shape is None or (channel.startswith("#") and not slot.accepts(channel)):
            return 0.0  # a channel is no service
        near = self._near(profile, slot, chunk, tokens)
        role = chunk.preposition == "as" and not is_called_by(slot, "as")
        role |= is_somebody(slot, chunk, tokens) or is_doing(slot, chunk, tokens)
        if role or is_no_person(profile, slot, chunk, tokens) or is_period(slot, chunk, tokens):
            return 0.0
        known = self.is_known(profile, slot, chunk, tokens)
        known = known or self._looks_known(profile, slot, chunk, tokens)
        known = known or ("branch" in slot.nouns and tokens[chunk.places[0]].fold in BRANCHES)
        if not known and (
            self._is_for_another(profile, slot, chunk, tokens)
            or (profile.reads and is_attribute(slot, chunk, tokens))
            or is_branch(profile, slot, chunk, tokens)
            or (slot is profile.main_slot and is_related(chunk, tokens))
        ):
            return 0.0
        if self._is_described(chunk, tokens) and not (near >= _NOUN or known):
            return 0.0
        if not known and (
            self._is_common_thing(slot, chunk, tokens)
            or self._is_hypernym(profile, slot, chunk, tokens)
            or self._is_another_kind(slot, chunk, tokens)
            or self._is_vocabulary(profile, slot, chunk, tokens)
            or (profile.reads and near < _NOUN and self._is_state(chunk, tokens))
        ):
            return 0.0
        score = shape + near + (2.0 if known else -self._foreign(profile, slot, chunk, tokens))
        needed = 1.0 if slot.required or slot is profile.main_slot else 2.0
        return score + (0.5 if slot.required else 0.0) if score >= needed else 0.0

    def is_common(
        self, profile: Profile, slot: Slot, chunk: Chunk, tokens: Sequence[Token]
    ) -> bool:
        """Whether a word is one that everybody uses, where a name is wanted.

        "The last successful backup of share-1" is none of what is called "successful".
        """
        free = slot.kind in {SlotKind.NAME, SlotKind.HOST} and not (chunk.quoted or chunk.nouns)
        if not free or self.is_known(profile, slot, chunk, tokens):
            return False
        vocabulary = concept_model().vocabulary
        said = [tokens[place] for place in chunk.places]
        return all(t.text.islower() and t.text.isalpha() and t.stem in vocabulary for t in said)

    def sureness(
        self, profile: Profile, slot: Slot, chunk: Chunk, tokens: Sequence[Token], score: float
    ) -> float:
        """Return how sure a pair with `score` is (0–1); a plain word as a host is a guess.

        But not where the capability needs a host and the word stands where one is said.
        """
        if self._is_phrase(slot, chunk, tokens):
            return 0.5  # "the living room lights" is no container
        shared = {SlotKind.HOST, SlotKind.PATH}
        guess = slot.kind in shared and not looks_like(slot.kind, chunk.text(tokens))
        preposition = in_english(chunk.preposition)
        named = preposition == "on" and is_called_by(slot, preposition)
        named |= slot.required and (
            any(tokens[place].is_name_like for place in chunk.places)
            or is_called_by(slot, preposition)
        )
        if guess and not named and score < _CERTAIN and not slot.nouns & chunk.nouns:
            acted_on = slot.required and slot is profile.main_slot and not preposition
            return BARE if acted_on else 0.5
        return min(1.0, 0.45 + score / 8)

    def _is_phrase(self, slot: Slot, chunk: Chunk, tokens: Sequence[Token]) -> bool:
        """Whether plain words with a common noun would have to be joined to be a name."""
        plain = all(tokens[p].text.islower() and tokens[p].fold.isalpha() for p in chunk.places)
        common = any(tokens[p].stem in self._index.lexicon.noun_groups for p in chunk.places)
        joined = len(chunk.places) > 1 and not chunk.quoted and not slot.accepts("a b")
        return slot.kind is SlotKind.NAME and joined and plain and common

    def _shape(self, slot: Slot, chunk: Chunk, tokens: Sequence[Token]) -> float | None:
        """Return the score of the looks alone; None where the shape rules the pair out."""
        first = tokens[chunk.places[0]]
        word = chunk.text(tokens)
        if first.kind is Kind.URL or slot.kind is SlotKind.URL:
            return self._address(slot, word, is_url=first.kind is Kind.URL)
        latest = slot.kind is SlotKind.VERSION and word.lower() in _LATEST
        own = slot.has_own_pattern and (
            slot.accepts(word) or slot.accepts(with_port(chunk, tokens))
        )
        if latest or own:
            return 2.0
        number = is_number(first, self._index.lexicon)
        if slot.kind in SHAPED - {SlotKind.HOST, SlotKind.PATH}:
            unit = tokens[chunk.places[-1] + 1 : chunk.places[-1] + 2]
            return self._typed(slot, word, unit[0].fold if unit else "", number=number)
        if slot.kind in {SlotKind.NAME, SlotKind.HOST} and is_time(first.fold):
            return None
        if number and (not chunk.nouns or first.fold in self._index.lexicon.numbers):
            return None
        return self._loose(slot, chunk, word)

    def _typed(self, slot: Slot, word: str, unit: str, *, number: bool) -> float | None:
        if number and slot.kind in {SlotKind.DURATION, SlotKind.SIZE}:
            known = time_unit if slot.kind is SlotKind.DURATION else size_unit
            return 2.0 if known(unit) else 1.5
        if slot.kind is SlotKind.DOMAIN and looks_like(SlotKind.ADDRESS, word):
            return None
        written = slot.kind is SlotKind.DATE and iso_date(word)
        return 2.0 if written or looks_like(slot.kind, word) else None

    def _loose(self, slot: Slot, chunk: Chunk, word: str) -> float | None:
        """Score names, hosts, paths and texts: any word may be one."""
        if len(chunk.places) > _MAX_WORDS and not chunk.quoted and slot.kind is not SlotKind.TEXT:
            return None
        if slot.kind is SlotKind.TEXT:
            return 2.0 if chunk.quoted else None
        placed = chunk.preposition in PLACE_WORDS
        if slot.kind is SlotKind.HOST:
            shaped = looks_like(SlotKind.HOST, word) or looks_like(SlotKind.ADDRESS, word)
            numbered = any(character.isdigit() for character in word)
            sure = placed or slot.required or numbered or stands_alone(word)
            return (2.0 if sure else 1.0) if shaped else 0.0
        if slot.kind is SlotKind.PATH:
            return 2.0 if looks_like(SlotKind.PATH, word) else 0.0
        return 0.0

    def _address(self, slot: Slot, word: str, *, is_url: bool) -> float | None:
        """Score URLs, and names that may stand for one."""
        if not is_url:
            return 1.5 if looks_like(SlotKind.DOMAIN, word) else None
        if slot.kind is SlotKind.URL:
            return 3.0
        webbed = slot.kind is SlotKind.PATH and bool(_WEB & {*words(slot.description)})
        named = slot.kind in {SlotKind.NAME, SlotKind.DOMAIN} or webbed
        return 1.0 if slot.required and named else None

    def _near(self, profile: Profile, slot: Slot, chunk: Chunk, tokens: Sequence[Token]) -> float:
        """Return the score of nouns and prepositions beside the chunk."""
        score = self._called(profile, slot, chunk, tokens)
        if chunk.preposition in NAMING:
            return score + (_NOUN if self._is_named(profile, slot, chunk) else 0.0)
        main = slot is profile.main_slot
        preposition = in_english(chunk.preposition)
        placed = slot.kind is not SlotKind.HOST or preposition in {"on", "at"} or slot.required
        placed = placed or looks_like(SlotKind.HOST, chunk.text(tokens))
        if slot.kind is SlotKind.NAME and self._holds_noun(slot, chunk, tokens):
            score += 1.0
        shown = chunk.preposition and chunk.preposition in profile.prepositions.get(slot.name, ())
        if preposition == "to" and chunk.of & _ACCESS:  # "read access to orders"
            person = bool(slot.nouns & PERSONS)
            return score + (2.5 if person is _is_located(chunk, tokens) else 0.0)
        if is_called_otherwise(profile, slot, chunk, tokens):
            placed = False  # "from branch x" is the branch, whatever else may come from
        if placed and (is_called_by(slot, preposition) or shown):
            score += 2.5
        elif main:
            score += 1.0 if preposition else 2.0
        elif (
            preposition in {"of", "for"}
            and slot.kind is SlotKind.NAME
            and chunk.of & profile.objects
            and not chunk.of & slot.nouns
        ):
            score += 2.0  # "the logs of nginx"
        return score

    def _called(self, profile: Profile, slot: Slot, chunk: Chunk, tokens: Sequence[Token]) -> float:
        """Return the score of a noun beside the chunk, or of quotes around a name or title."""
        if self._index.expand(slot.nouns) & self._index.expand(chunk.nouns):
            return _NOUN
        main = slot is profile.main_slot
        if main and self._is_object(profile, slot, chunk, tokens):
            return _NOUN  # "delete his account darren"
        if chunk.quoted and not main and not chunk.preposition:  # 'a snapshot "clean" of db1'
            titled = bool(slot.nouns & _TITLES) or words(slot.name)[-1:] == ["name"]
            return _NOUN * (titled and self._is_named(profile, slot, chunk))
        return 0.0

    def _is_object(
        self, profile: Profile, slot: Slot, chunk: Chunk, tokens: Sequence[Token]
    ) -> bool:
        """Whether a name stands beside what the capability acts on, which nothing else takes."""
        named = slot.required and slot.kind is SlotKind.NAME and not chunk.preposition
        owned = any(other.nouns & chunk.nouns for other in profile.slots)
        beside = bool(profile.objects & chunk.nouns) and not owned
        return named and beside and not self._is_placed(profile, slot, chunk, tokens)

    @staticmethod
    def _is_named(profile: Profile, slot: Slot, chunk: Chunk) -> bool:
        """Whether "called before-upgrade" names what `slot` takes.

        That is whose noun stands before it ("a vm called db1"), else what is called a name, a
        title or a label, else what the capability acts on.
        """
        free = [other for other in profile.slots if other.kind in {SlotKind.NAME, SlotKind.TEXT}]
        owners = [other for other in profile.slots if other.nouns & chunk.nouns]
        names = [other for other in free if words(other.name) == ["name"]]
        titles = [other for other in free if other.nouns & _TITLES]
        named = [other for other in free if words(other.name)[-1:] == ["name"]]
        main = [profile.main_slot]
        return slot in next(filter(None, (owners, names, titles, named)), main)

    def _holds_noun(self, slot: Slot, chunk: Chunk, tokens: Sequence[Token]) -> bool:
        """Whether a name says what it is: "db-replica-2" a replica, "orders-db" a database."""
        parts = [stem(part) for part in words(chunk.text(tokens))]
        keys = self._index.expand(slot.nouns)
        return len(parts) > 1 and any(self._index.keys(part) & keys for part in parts)

    @staticmethod
    def _is_placed(profile: Profile, slot: Slot, chunk: Chunk, tokens: Sequence[Token]) -> bool:
        """Whether "web1" in "nginx web1 status" is rather the host of the capability."""
        hosts = any(other.kind is SlotKind.HOST for other in profile.slots if other is not slot)
        return hosts and chunk.places[0] > 0 and looks_like(SlotKind.HOST, chunk.text(tokens))

    def is_plain(self, chunk: Chunk, tokens: Sequence[Token]) -> bool:
        """Whether a chunk names nothing: it describes, or says what sort of thing."""
        nouns = self._index.lexicon.noun_groups
        return self._is_described(chunk, tokens) or all(
            tokens[place].stem in nouns or self._index.is_kind(tokens[place].stem)
            for place in chunk.places
        )

    def is_known(self, profile: Profile, slot: Slot, chunk: Chunk, tokens: Sequence[Token]) -> bool:
        """Whether the catalogue, or what there is, has the words as a value of `slot`."""
        folded = " ".join(tokens[place].fold for place in chunk.places)
        if folded in profile.known.get(slot.name, ()):
            return True
        shared = self._index.shared_enums.get(slot.name)
        return shared is not None and shared.find(tokens, chunk.places, chunk.places) is not None

    def _is_listed_elsewhere(self, slot: Slot, chunk: Chunk, tokens: Sequence[Token]) -> bool:
        """Whether another parameter of the catalogue lists the word as a value of its own."""
        if chunk.quoted:
            return False
        said = tokens[chunk.places[-1]].fold  # "system load" is no service either
        return any(
            said in finder.values and name != slot.name
            for name, finder in self._index.shared_enums.items()
        )

    @staticmethod
    def _looks_known(profile: Profile, slot: Slot, chunk: Chunk, tokens: Sequence[Token]) -> bool:
        """Whether the words look like a value of the examples, and like no plain words."""
        seen = looks(chunk.text(tokens))
        fits = bool(seen) and slot.kind in {SlotKind.NAME, SlotKind.PATH}
        return fits and any(looks(one) == seen for one in profile.known.get(slot.name, ()))

    def _is_state(self, chunk: Chunk, tokens: Sequence[Token]) -> bool:
        """Whether a look is asked how something is: "is the account locked or expired?"."""
        token = tokens[chunk.places[-1]]
        done = token.text.islower() and token.fold.endswith("ed") and token.stem != token.fold
        known = token.stem in self._index.lexicon.actions or self._index.is_said(token)
        return done and known and len(chunk.places) == 1 and not chunk.quoted

    def _is_common_thing(self, slot: Slot, chunk: Chunk, tokens: Sequence[Token]) -> bool:
        """Whether "the lights", "the door" are things of the world, no names."""
        behind = tokens[chunk.places[-1] + 1 : chunk.places[-1] + 2]
        noun = bool(chunk.nouns) or any(token.stem in slot.nouns for token in behind)
        common = self._index.lexicon.noun_groups
        told = chunk.determiner in self._index.lexicon.words("determiners")
        plain = all(tokens[place].stem in common for place in chunk.places)
        return told and plain and not noun and not chunk.quoted

    def _is_for_another(
        self, profile: Profile, slot: Slot, chunk: Chunk, tokens: Sequence[Token]
    ) -> bool:
        """Whether a name would take what only another parameter is made for: a version, a date."""
        word = chunk.text(tokens)
        if needs_port(slot, chunk, tokens):
            return False
        plain = slot.kind is not SlotKind.NAME or not any(c.isdigit() or c == "@" for c in word)
        return not plain and any(
            other is not slot
            and other.kind in SHAPED | {SlotKind.VERSION, SlotKind.DATE, SlotKind.DURATION}
            and other.kind is not SlotKind.HOST
            and looks_like(other.kind, word)
            and other.accepts(word)
            for other in profile.slots
        )

    def _is_another_kind(self, slot: Slot, chunk: Chunk, tokens: Sequence[Token]) -> bool:
        """Whether the words before a noun tell of another thing, or of several.

        "The espresso machine" is no service, "all the web servers" is no host.
        """
        lexicon = self._index.lexicon
        behind = tokens[chunk.places[-1] + 1 : chunk.places[-1] + 2]
        kind = [token for token in behind if token.fold in lexicon.words("kinds")]
        kind += [t for t in behind if t.fold.removesuffix("s") in lexicon.words("kinds")]
        before = {token.fold for token in tokens[max(0, chunk.places[0] - 2) : chunk.places[0]]}
        if kind and before & lexicon.words("quantifiers"):
            return True
        chosen = [t.fold for t in tokens[max(0, chunk.places[0] - 3) : chunk.places[0]]]
        if chosen[:2] in _ONE_OF or (chosen[-2:] in _ONE_OF):
            return True  # "one of the build nodes", "one of the workers"
        machine = any(token.fold in _MACHINES for token in behind)
        return machine and slot.kind is SlotKind.NAME and not slot.nouns & _MACHINES

    def _is_hypernym(
        self, profile: Profile, slot: Slot, chunk: Chunk, tokens: Sequence[Token]
    ) -> bool:
        """Whether "the server", "this app" only says what sort of thing is meant."""
        if chunk.quoted:
            return False
        measures = self._index.lexicon.words("measures")
        if all(tokens[p].fold in measures or tokens[p].stem in ACCESS for p in chunk.places):
            return True  # "is the disk full", "kim needs VPN access"
        kinds = self._index.lexicon.words("omissible")
        behind = tokens[chunk.places[-1] + 1 : chunk.places[-1] + 2]
        noun = bool(chunk.nouns) or any(token.stem in slot.nouns for token in behind)
        bare = not (chunk.determiner or chunk.preposition or profile.reads)
        noun |= bare and slot.required and chunk.places[0] == 1  # "deploy website" names it
        return all(
            tokens[place].fold in kinds
            or (self._index.is_kind(tokens[place].stem) and not noun)  # "the backup volume"
            for place in chunk.places
        )

    def _is_vocabulary(
        self, profile: Profile, slot: Slot, chunk: Chunk, tokens: Sequence[Token]
    ) -> bool:
        """Whether the words say what the capability does ("disk usage"), not on what."""
        if any(any(c.isdigit() for c in tokens[place].fold) for place in chunk.places):
            return False
        said = all(tokens[place].stem in profile.nouns for place in chunk.places)
        named = all(tokens[place].stem in profile.objects for place in chunk.places)
        if named and not slot.required and not chunk.nouns and not chunk.quoted:
            return True  # "who is on call"
        nouns = self._index.lexicon.noun_groups
        if (
            profile.reads
            and said
            and not chunk.quoted
            and all(tokens[p].stem in nouns for p in chunk.places)
        ):
            return True  # "the disk temperatures", "100 lines of log"
        if self._is_subject(profile, chunk, tokens) or is_title(profile, slot, chunk, tokens):
            return True
        beside = chunk.nouns and not chunk.nouns & slot.nouns and not chunk.preposition
        if beside and not chunk.quoted and self._are_own_words(profile, chunk, tokens):
            return True  # "a compose file"
        needed = slot.required and slot.kind is not SlotKind.HOST  # "the docker images"
        placed = chunk.preposition or chunk.nouns or chunk.quoted or needed
        return said and not placed

    @staticmethod
    def _is_subject(profile: Profile, chunk: Chunk, tokens: Sequence[Token]) -> bool:
        """Whether words of the description are said of something: "CI of shop"."""
        told = {stem(word) for word in words(profile.capability.description)}
        said = all(tokens[place].stem in told for place in chunk.places)
        behind = (t for t in tokens[chunk.places[-1] + 1 :] if t.stem not in chunk.nouns)
        following = next(behind, None)
        said = said and not chunk.preposition and not chunk.quoted
        return said and following is not None and following.fold in _OF

    def _are_own_words(self, profile: Profile, chunk: Chunk, tokens: Sequence[Token]) -> bool:
        """Whether all words are common nouns that the capability's texts say, or others for."""
        nouns, own = self._index.lexicon.noun_groups, profile.nouns.keys()
        stems = [tokens[place].stem for place in chunk.places]
        return all(one in nouns and self._index.keys(one) & own for one in stems)

    def _is_described(self, chunk: Chunk, tokens: Sequence[Token]) -> bool:
        """Whether "my emails", "some coffee" describe a thing instead of naming one."""
        owned = chunk.places[0] > 0 and tokens[chunk.places[0] - 1].fold == "its"
        owned = owned and all(tokens[place].fold.isalpha() for place in chunk.places)
        if chunk.quoted or (not owned and any(tokens[p].is_name_like for p in chunk.places)):
            return False
        if owned:
            return True  # "its CI"
        if chunk.places[0] and tokens[chunk.places[0] - 1].fold in _WHICH:
            return True  # "what time is it"
        said = [tokens[place].fold for place in chunk.places]
        if said[-1] in _WHEREVER or self._is_act(chunk, tokens):
            return True
        measured = said[0] in self._index.lexicon.words("measures")
        behind = tokens[chunk.places[-1] + 1 : chunk.places[-1] + 2]
        reason = any(token.fold in _WHY for token in (*behind, tokens[chunk.places[-1]]))
        if reason or (measured and len(said) > 1):
            return True  # "root cause", "high latency"
        return chunk.determiner in self._index.lexicon.words("indefinite") | _THESE

    def _is_act(self, chunk: Chunk, tokens: Sequence[Token]) -> bool:
        """Whether a word is what somebody does: "nobody dared to touch it", "to reboot db1"."""
        first, last = chunk.places[0], chunk.places[-1]
        to = first > 0 and tokens[first - 1].fold == "to"
        behind = tokens[last + 1 : last + 2]
        acts = all(tokens[place].stem in self._index.lexicon.actions for place in chunk.places)
        person = self._index.lexicon.words("pronouns")
        return to and any(t.fold in person or (acts and t.is_name_like) for t in behind)

    def _foreign(
        self, profile: Profile, slot: Slot, chunk: Chunk, tokens: Sequence[Token]
    ) -> float:
        """Return what speaks against: the noun of another capability, a host after "on"."""
        against = 0.0
        addressed = any(other.kind in _ADDRESSED for other in profile.slots)
        aimed = slot.nouns & _TARGETS or needs_port(slot, chunk, tokens)
        if slot.kind is SlotKind.NAME and addressed and stands_alone(chunk.text(tokens)):
            against += 0.0 if aimed else 1.5
        if slot.kind is SlotKind.NAME and chunk.preposition in PLACE_WORDS:
            hosted = any(other.kind is SlotKind.HOST for other in profile.slots)
            own = not hosted and is_called_by(slot, "on") and in_english(chunk.preposition) == "on"
            against += 1.0 if looks_like(SlotKind.HOST, chunk.text(tokens)) and not own else 0.0
        stems = frozenset(tokens[place].stem for place in chunk.places)
        called = bool(slot.nouns & chunk.nouns)  # "the integration branch"
        if not (slot.required or called) and self._is_listed_elsewhere(slot, chunk, tokens):
            against += 2.0  # "production" is an environment, no host
        others = self._index.expand(stems) & self._index.object_nouns
        behind = tokens[chunk.places[-1] + 1 : chunk.places[-1] + 2]
        called = bool(chunk.nouns) or any(token.stem in slot.nouns for token in behind)
        called |= self._is_bare_object(profile, slot, chunk, tokens)
        return against + (1.5 if others and not called and not chunk.quoted else 0.0)

    def _is_bare_object(
        self, profile: Profile, slot: Slot, chunk: Chunk, tokens: Sequence[Token]
    ) -> bool:
        """Whether a plain noun must be a name: "rollback notifications on production".

        Not so a sort of thing: "stop deployments on production".
        """
        lexicon, word = self._index.lexicon, tokens[chunk.places[0]].fold.removesuffix("s")
        if word in lexicon.words("omissible") | lexicon.words("kinds"):
            return False
        bare = chunk.places[0] == 1 and not (chunk.determiner or chunk.preposition)
        behind = tokens[chunk.places[-1] + 1 : chunk.places[-1] + 2]
        placed = any(token.fold in PLACE_WORDS for token in behind)
        own = len(chunk.places) == 1 and slot is profile.main_slot and slot.required
        return bare and placed and own and not profile.reads


def _is_located(chunk: Chunk, tokens: Sequence[Token]) -> bool:
    """Whether it is said later to what: "give access to eva on orders"."""
    behind = tokens[chunk.places[-1] + 1 :]
    named = any(token.is_name_like for token in behind)
    plain = not any(tokens[place].is_name_like for place in chunk.places)
    placed = any(token.fold in PLACE_WORDS - {"to"} for token in behind)  # not "to shop to eva"
    return placed or (named and plain)
