"""The catalogue's examples as patterns: said again with other values, they mean the same.

"Make mmiller admin of grafana" is read nowhere else, for no verb in it says what it does. A
pattern is an example's words in their order, with a gap where a value stood. Articles and
politeness are left out on both sides; every other word counts.
"""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import cached_property

from orchestrator.nlu.candidate import Candidate
from orchestrator.nlu.chunks import is_content, is_number
from orchestrator.nlu.clauses import Clause, Form
from orchestrator.nlu.coerce import form_taken, split_number
from orchestrator.nlu.fill import Fill, Filler, Found
from orchestrator.nlu.index import CatalogIndex
from orchestrator.nlu.lexicon import Lexicon
from orchestrator.nlu.pieces import Role
from orchestrator.nlu.profile import Profile
from orchestrator.nlu.shapes import SHAPED, SlotKind, looks_like
from orchestrator.nlu.slots import Slot
from orchestrator.nlu.text import Kind, Token, stem, word_token
from orchestrator.nlu.turns import Turn
from orchestrator.nlu.verbs import Verb

_STRENGTH = 0.95
_LITERAL = frozenset({SlotKind.FLAG, SlotKind.TEXT})
"""Kinds whose words stay words of the pattern: they carry its meaning, or have no bounds."""
_DROPPED = frozenset(
    {"the", "please", "pls", "plz", "bitte", "kindly", "just", "now", "me", "us", "le", "la", "les"}
    | {"los", "las"}
)
"""Not "my" and "a": "restart my career" is no "restart nginx"."""
_CONTRACTED = {
    f"{asks}s": (word_token(asks, -1), word_token("is", -1)) for asks in ("who", "what", "where")
}
"""Who's asks as "who is" does."""
_PLACED = frozenset({"on", "in", "at"})
_NEEDING = frozenset({"need", "needs", "want", "wants", "require", "requires"})
_COUNTED = frozenset({SlotKind.NUMBER, SlotKind.ENUM, SlotKind.DURATION, SlotKind.SIZE})


@dataclass(frozen=True)
class Template:
    """One example: stems, and slots in the gaps."""

    profile: Profile
    items: tuple[str | Slot, ...]
    telling: bool  # a word of it means something of its own

    @cached_property
    def words(self) -> frozenset[str]:
        """The stems that must be there."""
        return frozenset(item for item in self.items if isinstance(item, str))


class Templates:
    """Finds the example that a clause repeats; built once per catalogue."""

    def __init__(self, index: CatalogIndex, filler: Filler) -> None:
        self._index = index
        self._filler = filler
        self._all = [
            template
            for profile in index.profiles
            for text in profile.capability.examples
            for template in self._of(profile, text)
        ]

    def match(self, clause: Clause) -> tuple[Clause, Candidate] | None:
        """Return the clause as the example's capability reads it; None where it repeats none.

        Nor where two capabilities have the same pattern.
        """
        if clause.piece.role in {Role.CONDITION, Role.REASON} or clause.turn is not Turn.NOTHING:
            return None
        if clause.excluded:
            return None
        when = {clause.tokens[place].start for place in clause.moments}
        ways = (clause.piece.tokens,) if clause.negated else (clause.piece.tokens, clause.tokens)
        found: list[tuple[Template, Mapping[Slot, tuple[Token, ...]]]] = []
        for tokens in ways:
            said = _essential(tokens, self._index.lexicon)
            stems = frozenset(map(_stem, said))
            found += [
                (template, gaps)
                for template in self._all
                if template.words <= stems
                and (template.profile.reads or not clause.piece.asked)
                and (gaps := self._aligned(template.items, said)) is not None
                and self._is_listed(template.profile, gaps)
                and (template.telling or _names(gaps))
                and not _takes_time(gaps, when)
            ]
        readings = {template.profile.name for template, _ in found}
        return self._candidate(clause, *found[0]) if len(readings) == 1 else None

    def _of(self, profile: Profile, text: str) -> Iterator[Template]:
        clauses = self._index.clauses_of(text)
        if len(clauses) != 1:
            return
        clause = clauses[0]
        fill = self._filler.fill(profile, clause)
        slots = {slot.name: slot for slot in profile.slots}
        valued = {
            clause.tokens[place].start: slots[name]
            for name, found in fill.values.items()
            if slots[name].kind not in _LITERAL
            for place in found.places
        }
        items: list[str | Slot] = []
        telling = False
        for token in _essential(clause.piece.tokens, self._index.lexicon):
            slot = valued.get(token.start)
            if slot is None:
                items.append(_stem(token))
                telling = telling or self._tells(token)
            elif not items or items[-1] is not slot:
                items.append(slot)
        whole = len(items) > 1 and all(isinstance(item, str) for item in items)
        whole |= any(isinstance(item, Slot) and item.kind is SlotKind.ENUM for item in items)
        if any(isinstance(item, str) for item in items):
            yield Template(profile, tuple(items), telling or whole)

    def _tells(self, token: Token) -> bool:
        names = ("stop", "prepositions", "pronouns", "subjects", "light_verbs", "adverbs")
        return not any(token.fold in self._index.lexicon.words(name) for name in names)

    def _aligned(
        self, items: Sequence[str | Slot], said: Sequence[Token]
    ) -> Mapping[Slot, tuple[Token, ...]] | None:
        """Return which words stand in the gaps, or None where the words differ."""
        if not items:
            return None if said else {}
        if not said:
            return None
        item, rest = items[0], items[1:]
        if isinstance(item, str):
            return self._aligned(rest, said[1:]) if _stem(said[0]) == item else None
        for length in (1, 2):
            gap = tuple(said[:length])
            if len(gap) < length or not self._fits(item, gap):
                continue
            others = self._aligned(rest, said[length:])
            if others is not None:
                return {**others, item: gap}
        return None

    @staticmethod
    def _is_listed(profile: Profile, gaps: Mapping[Slot, tuple[Token, ...]]) -> bool:
        """Whether each gap for a listed value, or for an action, holds one."""
        for slot, gap in gaps.items():
            if slot.kind is SlotKind.ENUM:
                places = range(len(gap))
                hit = profile.enums[slot.name].find(gap, places, places)
                if hit is None and slot.name in profile.choices:
                    return False
        return True

    def _fits(self, slot: Slot, gap: Sequence[Token]) -> bool:
        """Whether the words may be a value of `slot`."""
        lexicon = self._index.lexicon
        if slot.kind in _COUNTED:
            counted = is_number(gap[0], lexicon) or split_number(gap[0].fold) is not None
            return counted if slot.kind is not SlotKind.ENUM else True
        if len(gap) > 1 or not is_content(gap[0], lexicon) or gap[0].kind is Kind.GUARDED:
            return False
        if looks_like(SlotKind.DATE, gap[0].fold) and slot.kind in {SlotKind.NAME, SlotKind.HOST}:
            return False
        if is_number(gap[0], lexicon):
            return slot.has_own_pattern and slot.accepts(gap[0].value)
        if slot.kind in SHAPED - {SlotKind.HOST, SlotKind.PATH}:
            return looks_like(slot.kind, gap[0].value) and _value(slot, gap) is not None
        plain = gap[0].stem in lexicon.noun_groups or self._index.is_kind(gap[0].stem)
        return not plain and _value(slot, gap) is not None

    def _candidate(
        self, clause: Clause, template: Template, gaps: Mapping[Slot, tuple[Token, ...]]
    ) -> tuple[Clause, Candidate] | None:
        profile = template.profile
        form = Form.QUESTION if profile.reads else Form.ORDER
        verbs = clause.verbs or tuple(
            Verb(verb, profile.own_groups, frozenset()) for verb in sorted(profile.own_verbs)[:1]
        )
        read = replace(
            clause,
            tokens=clause.piece.tokens,
            form=clause.form if clause.form in {Form.ORDER, Form.TERSE, Form.QUESTION} else form,
            verbs=tuple(replace(verb, places=frozenset()) for verb in verbs),
            negated=False,
            excluded=(),
            moments=frozenset(),
        )
        places = {token.start: place for place, token in enumerate(read.tokens)}
        fill = self._filler.fill(profile, read)
        said = self._filler.fill(profile, clause).values
        values: dict[str, Found] = {}
        for slot in profile.slots:
            if slot.kind in _COUNTED | _LITERAL:
                if slot.name in fill.values:
                    text = slot.kind is SlotKind.TEXT and slot.name in said
                    values[slot.name] = (said if text else fill.values)[slot.name]
            elif slot in gaps and (value := _value(slot, gaps[slot])) is not None:
                where = frozenset(places[token.start] for token in gaps[slot])
                values[slot.name] = Found([value] if slot.many else value, where, _STRENGTH)
        if any(slot.name not in values for slot in gaps):
            return None
        return read, Candidate(profile, 1.0, Fill(values=values, content=fill.content))


def _stem(token: Token) -> str:
    """Return a word's stem, "re-read" and "reread" alike, "on" and "in" too."""
    if token.fold in _PLACED:
        return "on"
    if token.fold in _NEEDING:
        return "need"
    return stem(token.fold.replace("-", "")) if "-" in token.fold else token.stem


def _value(slot: Slot, gap: Sequence[Token]) -> str | None:
    text = " ".join(token.value for token in gap)
    return form_taken(slot, text)


def _takes_time(gaps: Mapping[Slot, tuple[Token, ...]], when: AbstractSet[int]) -> bool:
    """Whether "friday" in "restart nginx on friday" would be the name of a host."""
    named = (gap for slot, gap in gaps.items() if slot.kind in {SlotKind.NAME, SlotKind.HOST})
    return any(token.start in when for gap in named for token in gap)


def _names(gaps: Mapping[Slot, tuple[Token, ...]]) -> bool:
    """Whether a value looks like a name: where no word tells, that must."""
    return any(token.is_name_like for gap in gaps.values() for token in gap)


def _essential(tokens: Sequence[Token], lexicon: Lexicon) -> tuple[Token, ...]:
    """Return the tokens without marks, "the" and "please"."""
    dropped = _DROPPED | (lexicon.words("determiners") - lexicon.words("pronouns"))
    return tuple(
        token
        for written in tokens
        for token in _CONTRACTED.get(written.fold, (written,))
        if token.kind is not Kind.MARK and (token.fold not in dropped or token.is_name_like)
    )
