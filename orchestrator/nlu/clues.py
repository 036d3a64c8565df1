"""What speaks for and against a word of a request being the value of a parameter.

Each clue is a plain yes: the word is like an example, the parameter's noun stands before it,
another step has taken it. `ranker` weighs them; here nothing is decided.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from pydantic import JsonValue

from orchestrator.nlu.affinity import NAMING
from orchestrator.nlu.clauses import ORDERED, Clause, Form
from orchestrator.nlu.drafts import Draft
from orchestrator.nlu.full_names import is_person
from orchestrator.nlu.index import CatalogIndex
from orchestrator.nlu.lightverbs import is_participle
from orchestrator.nlu.meaning import Meaning
from orchestrator.nlu.prepositions import in_english, is_called_by
from orchestrator.nlu.profile import Profile
from orchestrator.nlu.shapes import SlotKind, looks_like
from orchestrator.nlu.slots import Slot
from orchestrator.nlu.text import Kind, Token, stem, words

_SHAPES = (
    *(SlotKind.ADDRESS, SlotKind.EMAIL, SlotKind.DATE, SlotKind.VERSION, SlotKind.DURATION),
    *(SlotKind.DOMAIN, SlotKind.PATH),
)
_PREPOSITIONS = frozenset({"on", "in", "from", "to", "for", "of", "with", "at", "as", "about"})
_MARKS = frozenset("-_.:/@")
_EQUALS = frozenset({"=", ":", "is", "be"})
_CALLED = frozenset({"call", "name", "login", "user", "username"})
_POINTING = frozenset({"it", "its", "there", "that", "this", "them", "dort", "dessus", "alli"})
_OTHERS = frozenset({"other", "others", "another", "any", "some", "former", "latter"})
_PART = "part of what rules chose"
_FAR = 2  # clauses
_LABEL = 3  # words before "is"
_SHORT = 4  # words
_MOST = 0.5  # of the examples
_KEPT = 512  # parameters whose traits are remembered
_LETTERS_RE = re.compile(r"[^\W\d_]+")
_DIGITS_RE = re.compile(r"\d+")

Use = tuple[Draft, str]
"""A step, and the parameter of it that took a word."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word where it stands, and what it would be as the value."""

    clause: Clause
    number: int  # of the clause
    place: int  # in the piece of the clause
    value: JsonValue
    repeated: bool

    @property
    def token(self) -> Token:
        """The word itself."""
        return self.clause.piece.tokens[self.place]

    def around(self, distance: int) -> Token | None:
        """Return the token so many places behind (negative: before) it."""
        place, tokens = self.place + distance, self.clause.piece.tokens
        return tokens[place] if 0 <= place < len(tokens) else None


@dataclass(frozen=True, slots=True)
class Vacancy:
    """A parameter of a step, for which a value is wanted."""

    draft: Draft
    profile: Profile
    slot: Slot
    span: range  # numbers of the clauses that the step was read from
    lone: bool  # it is the only step of the request
    uses: Mapping[int, Sequence[Use]]  # by where a word begins
    asked: bool  # a question mark stands in the request

    @property
    def given(self) -> JsonValue:
        """The value that rules have found."""
        return self.draft.parameters.get(self.slot.name)


@dataclass(frozen=True, slots=True)
class _Traits:
    """What is known of a parameter: its examples, what stands beside it."""

    known: Collection[str]
    others: Collection[str]  # examples of the capability's other parameters
    shapes: frozenset[str]
    digits: float  # share of its examples
    marks: float
    nouns_of_others: frozenset[str]
    keys: frozenset[str]
    keys_of_others: frozenset[str]


class Clues:
    """Finds clues; built once per catalogue."""

    def __init__(self, index: CatalogIndex, meaning: Meaning) -> None:
        self._index = index
        self._meaning = meaning
        self._traits = lru_cache(_KEPT)(self._traits_of)

    def of_word(self, vacancy: Vacancy, word: Word) -> Iterator[str]:
        """Yield the clues of a word as the value of a parameter."""
        profile, slot = vacancy.profile, vacancy.slot
        known = frozenset(profile.known.get(slot.name, ()))  # grows with the inventory
        traits = self._traits(profile.name, slot.name, known)
        looks = {*self._looks(word)}
        yield from looks
        yield from self._likeness(traits, word, looks)
        yield from self._beside(profile, slot, traits, word)
        yield from self._position(vacancy, word)
        uses = {*_use(vacancy, word)}
        yield from uses
        if _PART in uses and "common" not in looks and self._trails(vacancy, word):
            yield "rest of what rules chose is common"
        if is_person(slot):
            yield from (f"person {clue}" for clue in looks & {"titled within", "marked", "common"})
            if "." in word.token.value and not looks_like(SlotKind.DOMAIN, word.token.value):
                yield "person dotted"
        host = slot.kind is SlotKind.HOST
        if "digits" in looks:
            yield "host digits" if host else "name digits"
        if host and "-" in word.token.value:
            yield "host dash"

    def of_none(self, vacancy: Vacancy) -> Iterator[str]:
        """Yield the clues of the text not saying the value at all."""
        tokens = vacancy.draft.clause.piece.tokens
        folded = [token.fold for token in tokens]
        lexicon = self._index.lexicon
        signs = {
            "none": True,
            "none pronoun": bool({*folded} & (lexicon.words("pronouns") | _POINTING)),
            "none partial": lexicon.phrases("partial").find(folded) is not None,
            "none unclear": lexicon.phrases("unclear").find(folded) is not None,
            "none quantified": bool({*folded} & (_OTHERS | lexicon.words("quantifiers"))),
            "none short": len(tokens) < _SHORT,
            "none required": vacancy.slot.required,
            "none given": vacancy.given is None,
            "none host": vacancy.slot.kind is SlotKind.HOST,
            "none main": vacancy.slot is vacancy.profile.main_slot,
            "none several": not vacancy.lone,
            "none look": vacancy.profile.reads,
            "none question": vacancy.asked,
        }
        return holding(signs)

    def _traits_of(self, profile: str, name: str, known: frozenset[str]) -> _Traits:
        entry = self._index.by_name[profile]
        slot = next(one for one in entry.slots if one.name == name)
        rest = [other for other in entry.slots if other is not slot]
        nouns = frozenset[str]().union(*(other.nouns for other in rest))
        many = len(known) or 1
        return _Traits(
            known,
            frozenset[str]().union(*(entry.known.get(other.name, ()) for other in rest)) - known,
            frozenset(map(_shape, known)),
            sum(any(map(str.isdigit, one)) for one in known) / many,
            sum(bool(_MARKS & {*one}) for one in known) / many,
            nouns - slot.nouns,
            self._index.expand(slot.nouns),
            self._index.expand(nouns),
        )

    def _looks(self, word: Word) -> Iterator[str]:
        """Yield what a word is like by itself."""
        token, value = word.token, word.token.value
        marked, met = is_marked(value), self._meaning.has_met(token)
        upper, numeric = token.text.isupper(), value.isdigit()
        titled = token.text[:1].isupper() and not upper
        yield from holding(
            {
                "marked": marked,
                "number": numeric,
                "digits": not numeric and any(map(str.isdigit, value)),
                "common": self._meaning.knows(token),
                "met": met and not marked,
                "unmet": not met and token.kind is Kind.WORD,
                "listed": token.fold in self._index.lexicon.all_words,
                "titled": titled,
                "titled within": titled and word.place > 0,
                "upper": upper and value.isalpha(),
                token.kind.value: token.kind is not Kind.WORD,
            }
        )
        yield from (f"looks {kind.value}" for kind in _SHAPES if looks_like(kind, value))

    def _likeness(self, traits: _Traits, word: Word, looks: Collection[str]) -> Iterator[str]:
        """Yield how a word is like the examples of the parameter, or of another."""
        said, value = word.token.fold, str(word.value).casefold()
        known = said in traits.known or value in traits.known
        digits, marks = "digits" in looks, bool(_MARKS & {*word.token.value})
        parts = [stem(part) for part in words(word.token.value)]
        keys = frozenset[str]().union(*map(self._index.keys, parts if len(parts) > 1 else ()))
        own = bool(keys & traits.keys)
        yield from holding(
            {
                "known": known,
                "known of another": not known and said in traits.others,
                "shaped like an example": "marked" in looks and _shape(value) in traits.shapes,
                "digits as in examples": digits and traits.digits >= _MOST,
                "digits unlike examples": digits and traits.digits < _MOST,
                "marks as in examples": marks and traits.marks >= _MOST,
                "plain as in examples": word.token.value.isalpha() and traits.marks < _MOST,
                "holds noun": own,
                "holds noun of another": not own and bool(keys & traits.keys_of_others),
            }
        )

    def _beside(self, profile: Profile, slot: Slot, traits: _Traits, word: Word) -> Iterator[str]:
        """Yield what stands right before and behind a word, and what sort of word it is."""
        lexicon, token = self._index.lexicon, word.token
        for where, one in (("before", word.around(-1)), ("behind", word.around(1))):
            if one is not None:
                noun = one.stem in slot.nouns
                yield from holding(
                    {
                        f"noun {where}": noun,
                        f"thing {where}": not noun and one.stem in profile.objects,
                        f"noun of another {where}": one.stem in traits.nouns_of_others,
                    }
                )
        tokens = word.clause.piece.tokens
        before = [one.fold for one in (word.around(-1), word.around(-2)) if one is not None]
        label = tokens[max(0, word.place - 1 - _LABEL) : max(0, word.place - 1)]
        equals, noun = bool(_EQUALS & {*before[:1]}), token.stem in slot.nouns
        own = token.stem in profile.nouns and token.fold not in traits.known
        yield from holding(
            {
                "noun two before": any(one.stem in slot.nouns for one in label[-1:]),
                "is noun": noun,
                "is word of the capability": own and not noun,
                "is common noun": token.stem in lexicon.noun_groups,
                "is kind": self._index.is_kind(token.stem),
                "named": bool(NAMING & {*before[:1]} or _CALLED & {*before[1:]}),
                "equals": equals,
                "equated": equals and any(one.stem in slot.nouns for one in label),
                "determined": bool(lexicon.words("english_determiners") & {*before[:1]}),
            }
        )
        yield from self._introduced(profile, slot, word)

    def _introduced(self, profile: Profile, slot: Slot, word: Word) -> Iterator[str]:
        """Yield what the preposition before a word, its article aside, says of it."""
        lexicon, said = self._index.lexicon, ""
        for one in (word.around(-1), word.around(-2)):
            if one is None or said:
                break
            if one.fold in lexicon.words("prepositions"):
                said = in_english(one.fold)
            elif (
                one.fold not in lexicon.words("english_determiners") and one.stem not in slot.nouns
            ):
                break
        if not said:
            yield "no preposition"
            return
        if said in _PREPOSITIONS:
            yield f"behind {said}"
        if is_called_by(slot, said):
            yield "preposition fits"
        shown = {name for name, seen in profile.prepositions.items() if said in seen}
        if slot.name in shown:
            yield "preposition as in examples"
        elif shown:
            yield "preposition of another"

    def _position(self, vacancy: Vacancy, word: Word) -> Iterator[str]:
        """Yield where in the request a word stands, seen from the step."""
        clause, span = word.clause, vacancy.span
        away = min(0, word.number - span[0]) + max(0, word.number - span[-1])
        told = clause.form is Form.STATEMENT and away != 0
        yield from holding(
            {
                "same clause": away == 0,
                "clause before": away < 0,
                "clause behind": away > 0,
                "far": abs(away) >= _FAR,
                "in another order": away != 0 and clause.form in ORDERED,
                "in a remark": told,
                "first": word.place == 0,
                "last": word.place == len(clause.piece.tokens) - 1,
                "repeated": word.repeated,
                "behind a heading": clause.piece.colon,
            }
        )
        if word.token.kind is Kind.WORD and not is_marked(word.token.value):
            yield from self._verbal(vacancy.profile, word)

    def _trails(self, vacancy: Vacancy, word: Word) -> bool:
        """Whether rules joined a name and what everybody says: "does hermes answer"."""
        tokens = vacancy.draft.clause.tokens
        found = vacancy.draft.fill.values.get(vacancy.slot.name)
        rest = [tokens[place] for place in found.places] if found is not None else []
        rest = [token for token in rest if token.start != word.token.start]
        own = vacancy.profile.nouns
        return bool(rest) and all(self._meaning.knows(t) and t.stem not in own for t in rest)

    def _verbal(self, profile: Profile, word: Word) -> Iterator[str]:
        """Yield whether a word is a verb, or stands behind one."""
        clause, token, before = word.clause, word.token, word.around(-1)
        verb = self._index.book.at(clause.piece.tokens, word.place)
        verbs = {clause.tokens[place].start for place in clause.verb_places}
        yield from holding(
            {
                "verb": verb is not None and bool(verb.groups),
                "verb of the capability": verb is not None and verb.canonical in profile.verbs,
                "participle": is_participle(token),
                "doing": token.fold.endswith("ing"),
                "behind the verb": before is not None and before.start in verbs,
            }
        )


def is_marked(value: str) -> bool:
    """Whether it is written as names are: with digits or marks within."""
    return any(one.isdigit() or one in _MARKS for one in value)


def _use(vacancy: Vacancy, word: Word) -> Iterator[str]:
    """Yield who has taken a word already."""
    draft, name = vacancy.draft, vacancy.slot.name
    uses = vacancy.uses.get(word.token.start, ())
    given = vacancy.given is not None and str(vacancy.given).casefold()
    chosen = given == str(word.value).casefold()
    own = {slot for step, slot in uses if step is draft}
    others = {slot for step, slot in uses if step is not draft}
    yield from holding(
        {
            "chosen by rules": chosen,
            _PART: not chosen and name in own,
            "taken by another parameter": bool(own - {name}),
            "taken by another step for the same": name in others,
            "taken by another step": bool(others - {name}),
        }
    )


def holding(signs: Mapping[str, bool]) -> Iterator[str]:
    """Yield the clues that hold."""
    return (clue for clue, holds in signs.items() if holds)


def _shape(value: str) -> str:
    return _DIGITS_RE.sub("9", _LETTERS_RE.sub("x", value.casefold()))
