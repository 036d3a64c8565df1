"""Steps said again with another target: "same on web2", "repeat for web2", "VMs 100 and 101"."""

import re
from collections.abc import Sequence
from dataclasses import replace

from pydantic import JsonValue

from orchestrator.domain.value import Parameters
from orchestrator.nlu.borders import ANDS
from orchestrator.nlu.chunks import is_content
from orchestrator.nlu.clauses import Clause, Form
from orchestrator.nlu.drafts import Draft
from orchestrator.nlu.fill import Fill, Filler
from orchestrator.nlu.lexicon import Lexicon
from orchestrator.nlu.prepositions import PERSONS
from orchestrator.nlu.profile import Profile
from orchestrator.nlu.references import Mention
from orchestrator.nlu.shapes import SlotKind
from orchestrator.nlu.slots import Slot
from orchestrator.nlu.text import Token
from orchestrator.nlu.thread import Thread

_AND = ANDS | {",", "+"}
_PROCEDURE = frozenset(
    {"procedure", "step", "steps", "thing", "things", "treatment", "drill", "routine", "dance"}
    | {"game", "deal", "again", "repeat", "too", "vorgang", "prozedur", "fur", "nochmal"}
)
_BACKWARDS = frozenset({"put", "back", "up", "down", "again", "set", "go", "bring", "it"})
_EACH = frozenset({"both", "all", "each", "beide", "alle", "ambos", "ambas"})
_EACH_ON = ("both", "on", "main")
_PLACED = frozenset({SlotKind.NAME, SlotKind.HOST, SlotKind.ENUM})
_WHAT_IS = frozenset({"whats", "what"})
_PAIR = 2
_PERSONS = frozenset({"him", "her", "them", "he", "she", "they"})
_SINGLE = 2  # a list of one step is varied by itself


class Variation:
    """Repeats what was done to one thing for another; one for each request."""

    def __init__(self, lexicon: Lexicon, filler: Filler, thread: Thread) -> None:
        self._lexicon = lexicon
        self._filler = filler
        self._thread = thread
        self._run: tuple[list[Draft], Slot, Draft] | None = None

    def is_same(self, clause: Clause) -> bool:
        """Whether a clause says "the same", "likewise", "repeat"."""
        return any(token.fold in self._lexicon.words("same_words") for token in clause.tokens)

    def repeats_run(self, clause: Clause, previous: Draft) -> bool:
        """Take "same on pve3" for all steps on the thing that the step before acted on."""
        if previous.profile is None or previous.earlier:
            return False
        said = [
            token
            for token in clause.tokens
            if is_content(token, self._lexicon)
            and token.fold not in self._lexicon.words("same_words") | _PROCEDURE
        ]
        if len(said) != 1:
            return False
        more = self._run is not None and self._run[2] is previous and clause.piece.lead <= _AND
        if self._run is not None and more and not clause.piece.strong:
            run, slot, _ = self._run
        elif self.is_same(clause):
            slot_or_none = _slot_for(previous, said[0].value)
            if slot_or_none is None:
                return False
            run, slot = self._steps_on(previous, slot_or_none), slot_or_none
        else:
            return False
        if len(run) < _SINGLE:
            return False
        self._again(run, clause, run[-1].parameters[slot.name], said[0].value)
        last = self._thread.last
        self._run = (run, slot, last) if last is not None else None
        return True

    def _steps_on(self, previous: Draft, slot: Slot) -> list[Draft]:
        """Return the steps in a row, up to the one before, that act on the same thing."""
        value = previous.parameters[slot.name]
        run: list[Draft] = []
        for draft in reversed(self._thread.drafts):
            if draft.profile is None or draft.earlier:
                break
            if slot.name in draft.missing() and draft.sentence == previous.sentence:
                draft.parameters[slot.name] = value  # "check disk and cpu of db1"
            if value not in draft.parameters.values():
                break
            run.insert(0, draft)
        return run

    def _again(
        self, run: Sequence[Draft], clause: Clause, before: JsonValue, value: JsonValue
    ) -> None:
        for draft in run:
            self._thread.group += 1
            copy = replace(
                draft,
                words=self._thread.words(clause),
                clause=replace(draft.clause, piece=clause.piece),
                sentence=self._thread.sentence,
                group=self._thread.group,
                parameters={n: value if v == before else v for n, v in draft.parameters.items()},
                doubts=[],
                last=False,
            )
            self._thread.drafts.append(copy)
            self._thread.said.append(Mention(draft=copy))

    def numbered(self, clause: Clause, previous: Draft, profile: Profile) -> Parameters | None:
        """Return what "102 on pve1" says behind "start VMs 100": one more number."""
        place, number = next(
            ((p, t) for p, t in enumerate(clause.tokens) if t.text.isdigit()), (0, None)
        )
        joined = clause.piece.lead <= _AND and not clause.piece.strong
        if number is None or not (joined or self.is_same(clause)):
            return None
        before = clause.tokens[:place]
        if any(is_content(t, self._lexicon) and not self._is_same_word(t) for t in before):
            return None
        slot = self._numbered_slot(previous, profile)
        value: JsonValue = int(number.text)
        if slot is not None and isinstance(previous.parameters[slot.name], str):
            value = number.text
        if slot is None or not slot.accepts(value):
            return None
        rest = clause.tokens[place + 1 :]
        if not self._ends_there(rest):
            return None  # "4 cores and 8 GB of memory"
        more = self._filler.fill(profile, replace(clause, tokens=rest, verbs=())) if rest else None
        return {**(more.parameters if more is not None else {}), slot.name: value}

    def _is_same_word(self, token: Token) -> bool:
        return token.fold in self._lexicon.words("same_words") | _PROCEDURE

    def _ends_there(self, rest: Sequence[Token]) -> bool:
        """Whether a number names something: nothing is counted by it."""
        return not rest or rest[0].fold in self._lexicon.words("prepositions") - {"of"}

    def _numbered_slot(self, previous: Draft, profile: Profile) -> Slot | None:
        """Return what the number of the step before is: what it acts on, or its last word."""
        tokens = previous.clause.tokens
        for slot in profile.slots:
            value = previous.parameters.get(slot.name)
            if isinstance(value, bool) or not re.fullmatch(r"\d+", str(value)):
                continue
            place = next((p for p, t in enumerate(tokens) if t.value == str(value)), -1)
            if place < 0 or not self._ends_there(tokens[place + 1 :]):
                continue
            called = place > 0 and bool({*_singular(tokens[place - 1])} & slot.nouns)
            if slot is profile.main_slot or (slot.required and (called or not place)):
                return slot
        return None

    def spreads(self, clause: Clause, previous: Draft, profile: Profile) -> bool:
        """Take "both on main" for what all steps of the list before still lack."""
        tokens = clause.tokens
        if len(tokens) != len(_EACH_ON) or not self._is_each(tokens):
            return False
        value = tokens[-1].value
        lacking = [
            slot
            for slot in profile.slots
            if slot is not profile.main_slot
            and slot.name not in previous.parameters
            and slot.kind in _PLACED
            and slot.accepts(value)
            and tokens[-1].stem not in slot.nouns
        ]
        if len(lacking) != 1:
            return False
        for draft in self._thread.drafts:
            if draft.group == previous.group:
                draft.parameters.setdefault(lacking[0].name, value)
        return True

    def _is_each(self, tokens: Sequence[Token]) -> bool:
        placed = tokens[1].fold in self._lexicon.words("prepositions")
        return tokens[0].fold in _EACH and placed

    def opening(self, clause: Clause, previous: Draft, profile: Profile, fill: Fill) -> Parameters:
        """Return "redis" of "restart nginx on web1 and redis on web2", if nothing else took it."""
        main, tokens = profile.main_slot, clause.tokens
        if main is None or len(tokens) != len(_EACH_ON) or 0 in fill.used or main.enum:
            return {}
        before = [token.value for token in previous.clause.tokens]
        told = str(previous.parameters.get(main.name, ""))
        place = before.index(told) + 1 if told in before else len(before)
        alike = before[place : place + 1] == [tokens[1].value]
        joined = clause.piece.lead <= _AND and not clause.piece.strong
        word = tokens[0]
        content = is_content(word, self._lexicon) and not self._is_same_word(word)
        named = content and main.kind is SlotKind.NAME and main.accepts(word.value)
        return {main.name: tokens[0].value} if alike and joined and named else {}

    @staticmethod
    def returns_to(clause: Clause, previous: Draft) -> Parameters | None:
        """Return 3 of "scale it to 1, then back to 3": the one number of the step before."""
        folded = [token.fold for token in clause.tokens if token.fold not in _BACKWARDS]
        slots = previous.profile.slots if previous.profile is not None else ()
        counts = [s for s in slots if s.kind is SlotKind.NUMBER and s.name in previous.parameters]
        went = any(token.fold == "back" for token in clause.tokens)
        if not went or previous.earlier or len(counts) != 1 or folded[:1] != ["to"]:
            return None
        number = int(folded[1]) if len(folded) == len("to") and folded[1].isdigit() else None
        return {counts[0].name: number} if counts[0].accepts(number) else None

    def placed(self, clause: Clause, previous: Draft, profile: Profile) -> Parameters | None:
        """Return "nas" as one more place in "restart nginx on nuc1 and nas"."""
        tokens, before = clause.tokens, previous.clause.tokens
        if len(tokens) != 1 or not before or not clause.piece.lead <= _AND or clause.piece.strong:
            return None
        pointed = _is_pointed(previous, profile)
        for slot in profile.slots:
            known = tokens[0].fold in profile.known.get(slot.name, ())
            # "Remove her access to orders, grafana and wiki": she is one, as far as one can tell.
            known |= pointed and slot.kind is SlotKind.NAME and tokens[0].is_name_like
            ends = str(previous.parameters.get(slot.name, "")) == before[-1].value
            if known and ends and slot is not profile.main_slot and slot.accepts(tokens[0].value):
                return {slot.name: tokens[0].value}
        return None


def is_one_more_aim(clause: Clause, previous: Draft, profile: Profile) -> bool:
    """Whether "and payments" goes on with where someone is taken off: nobody is called so."""
    joined = clause.piece.lead <= _AND and not clause.piece.strong and len(clause.tokens) == 1
    main, tokens = profile.main_slot, previous.clause.tokens
    if main is None or not joined or not _is_pointed(previous, profile) or not tokens:
        return False
    behind = tokens[-1].fold not in _PERSONS  # not "disable him and kim"
    return bool(main.nouns & PERSONS) and behind and any(t.fold in _PERSONS for t in tokens)


def _is_pointed(previous: Draft, profile: Profile) -> bool:
    """Whether what a step acts on is none of its own words: "take her off orders"."""
    main = profile.main_slot
    own = main is not None and main.name in previous.fill.values
    return main is not None and main.name in previous.parameters and not own


def _slot_for(previous: Draft, value: str) -> Slot | None:
    """Return the parameter of the step before that `value` is another of."""
    slots = previous.profile.slots if previous.profile is not None else ()
    given = [s for s in slots if isinstance(previous.parameters.get(s.name), str)]
    fitting = [s for s in given if s.accepts(value)]
    alike = [s for s in fitting if _shape(previous.parameters[s.name]) == _shape(value)]
    main = previous.profile.main_slot if previous.profile is not None else None
    firm = [s for s in alike if s is main] or alike if any(map(str.isdigit, value)) else []
    return next(iter(firm or [s for s in fitting if s is main]), None)


def _shape(value: JsonValue) -> str:
    return re.sub(r"\d+", "#", str(value))


def _singular(token: Token) -> tuple[str, str]:
    return token.stem, token.fold.removesuffix("s")


def asked_where(clause: Clause, last: Draft, lexicon: Lexicon) -> Clause | None:
    """Return "on prod" of "(what version is on staging) and what's on prod", the rest the same."""
    folded = [token.fold for token in clause.tokens]
    begin = 2 if folded[:2] == ["what", "is"] else 1 if folded[0] in _WHAT_IS else 0
    where = clause.tokens[begin:]
    goes_on = bool(clause.piece.lead & _AND) and not clause.piece.strong and begin > 0
    placed = len(where) == _PAIR and where[0].fold in lexicon.words("prepositions")
    if not (goes_on and placed) or Form.QUESTION not in {clause.form} & {last.clause.form}:
        return None
    return replace(clause, tokens=where, form=Form.THING, verbs=(), asked_groups=frozenset())


def corrected(clause: Clause, open_step: Draft, lexicon: Lexicon) -> Clause | None:
    """Return "jellyfin" read into "restart plex", of which it is open what is meant."""
    before = open_step.clause
    said = [p for p, t in enumerate(before.tokens) if is_content(t, lexicon)]
    said = [place for place in said if place not in before.verb_places]
    if clause.form is not Form.THING or not clause.tokens or not before.verbs or len(said) != 1:
        return None
    tokens = (*before.tokens[: said[0]], *clause.tokens, *before.tokens[said[0] + 1 :])
    verb = before.verbs[0]
    if max(verb.places, default=0) > said[0]:
        return None
    return replace(before, tokens=tokens, piece=clause.piece)
