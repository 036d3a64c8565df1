"""Gives a step what it lacks from the rest of the request, where one thing alone can be it.

"Disk almost full on build2, any chance to clean up the docker images?": what is to be cleaned is
said, in another clause. Of two that could be meant none is taken: that is a question.
"""

from collections.abc import Collection, Iterator, Sequence

from pydantic import JsonValue

from orchestrator.catalog.models import Risk
from orchestrator.nlu.affinity import NAMING
from orchestrator.nlu.borders import ANDS
from orchestrator.nlu.chunks import is_content
from orchestrator.nlu.clauses import ORDERED, Clause, Form
from orchestrator.nlu.coerce import form_taken
from orchestrator.nlu.drafts import Draft
from orchestrator.nlu.full_names import is_person
from orchestrator.nlu.index import CatalogIndex
from orchestrator.nlu.meaning import Meaning
from orchestrator.nlu.misfits import is_common_word
from orchestrator.nlu.pieces import Role
from orchestrator.nlu.profile import Profile
from orchestrator.nlu.references import References
from orchestrator.nlu.shapes import SlotKind, looks_like
from orchestrator.nlu.slots import Slot
from orchestrator.nlu.speakers import HERE, PERSONS, after_i_am, is_of_another_thing, is_own
from orchestrator.nlu.tellers import COPULAS, WRITTEN, Tellers, equates
from orchestrator.nlu.text import Kind, Token
from orchestrator.nlu.thread import Thread

_NAMES = frozenset({SlotKind.NAME, SlotKind.HOST})
_OTHERS = frozenset(
    {"other", "others", "another", "any", "some", "anderen", "autre", "otro"}
    | {"former", "latter", "first", "second", "third"}
)
_POINTING = frozenset({"it", "its", "there", "that", "this", "dort", "dessus", "alli"})
_INNER = frozenset("-_.:/@")
_EXCEPT = frozenset({"except", "but", "that", "what", "if", "whether"})
_MEANT = 0.6
_RELATING = frozenset(
    {"that", "which", "where", "who", "whose", "before", "after", "like"}
    | {"behind", "beside", "near"}
)
_FEW = 2  # words of "redis logs"
_ASKING = frozenset({"que", "ob", "if", "get", "got"})
_AROUND = 2  # words before a value that may say what it is


class Gleaner:
    """Reads what is left of one request."""

    def __init__(
        self,
        index: CatalogIndex,
        meaning: Meaning,
        references: References,
        thread: Thread,
        *,
        whole: bool = False,
    ) -> None:
        """Read for one request; `whole`: all of it is about its one step."""
        self._whole = whole
        self._index = index
        self._tellers = Tellers(index)
        self._references = references
        self._meaning = meaning
        self._thread = thread
        self._clauses: list[Clause] = []
        self._heard: list[Clause] = []

    def note(self, clause: Clause) -> None:
        """Keep a clause that may say what a step lacks.

        Not one that was put off, and no order that was told back: "paint node7; reboot the box".
        """
        begin = clause.piece.tokens[0].start
        self._heard.append(clause)
        refused = clause.form in ORDERED and any(begin == at for at, _ in self._thread.refused)
        if not refused and self._tellers.may_tell_any(clause):
            self._clauses.append(clause)

    def fill_in(self, draft: Draft) -> None:
        """Give a step the required values that it lacks, as far as the rest leaves no choice."""
        profile, tokens = draft.profile, draft.clause.piece.tokens
        folded = [token.fold for token in tokens]
        partly = self._index.lexicon.phrases("partial").find(folded) is not None
        partly |= self._index.lexicon.phrases("unclear").find(folded) is not None
        partly |= bool((_OTHERS | self._index.lexicon.words("quantifiers")) & {*folded})
        if profile is not None:
            self._take_remarks(draft, profile)
        if profile is None or partly:
            return
        self._replace_words(draft, profile)
        asked = {doubt.parameter for doubt in draft.doubts} | draft.fill.unclear.keys()
        lacking = set(draft.missing()) - asked
        for slot in profile.slots:
            if slot.name not in lacking or slot.name in draft.parameters:
                continue
            value = _record_type(draft, slot) or self._shared(draft, slot)
            if value is None and slot.name in profile.choices:
                value = self._meaning.choice(profile, slot.name, draft.clause.tokens)
            if value is None and slot.kind in _NAMES:
                value = self._speaker(draft, slot) or self._pointed(draft, slot)
            if value is None and not is_of_another_thing(draft, slot):
                value = self._left(profile, slot, draft)
            if value is None and slot is profile.main_slot:
                value = self._beside(draft, profile, slot)
            if value is not None:
                draft.parameters[slot.name] = [value] if slot.many else value

    def _take_remarks(self, draft: Draft, profile: Profile) -> None:
        """Give a step what a remark says that it is: "… an account. Login is zoe"."""
        for slot in (s for s in profile.slots if s.required):
            for remark in self._thread.said:
                context = remark.context
                nouns = slot.nouns | (PERSONS if slot.nouns & PERSONS else frozenset())
                if context is None or not equates(context, nouns):
                    continue
                if not self._may_say(draft, slot, context):
                    continue
                named = self._references.named_in(profile, slot, context)
                if named is not None and self._references.is_plain_remark(context):
                    draft.parameters[slot.name] = named

    @staticmethod
    def _may_say(draft: Draft, slot: Slot, context: Clause) -> bool:
        """Whether a remark says what a step has already: "for Noah, user should be noahk22".

        Of the same sentence, the label first and the value last: "my login is ada3" and "user
        karl7 is his supervisor" are about somebody else.
        """
        if slot.name not in draft.parameters:
            return True
        folded = [token.fold for token in context.tokens]
        label = context.tokens[0].stem in slot.nouns | PERSONS
        plain = label and {*folded[1:-1]} <= COPULAS | {"should", "would"} and bool(folded[1:-1])
        begin = draft.clause.piece.tokens[0].start
        behind = not context.piece.strong and context.piece.tokens[0].start > begin
        own = draft.fill.values.get(slot.name)
        marked = any(map(str.isdigit, context.tokens[-1].value))
        return plain and behind and (own is None or (str(own.value).isalpha() and marked))

    def _replace_words(self, draft: Draft, profile: Profile) -> None:
        """Take what looks like a name for a plain word: "build3 is stuck, hit the reset button"."""
        for slot in profile.slots:
            value = draft.parameters.get(slot.name)
            found = draft.fill.values.get(slot.name)
            if slot.kind not in _NAMES or slot.many or found is None or found.value != value:
                continue
            places = sorted(found.places)
            words = [draft.clause.tokens[place] for place in places]
            if self._is_nobody(profile, slot, draft.clause, places):
                lost = profile.capability.risk is Risk.HIGH  # "close the window" is no account's
                better = None if lost else self._left(profile, slot, draft)
                del draft.parameters[slot.name]
                if better is not None:
                    draft.parameters[slot.name] = better
                continue
            if not places or not self._is_loose(draft.clause, places[0]):
                continue
            if not all(self._is_plain(profile, slot, word) for word in words):
                continue
            better = self._left(profile, slot, draft, named=True)
            if better is not None:
                draft.parameters[slot.name] = better

    @staticmethod
    def _is_nobody(profile: Profile, slot: Slot, clause: Clause, places: Sequence[int]) -> bool:
        """Whether a common word was taken for a person: "she needs one to get to work"."""
        tokens = clause.tokens
        if (
            not is_person(slot)
            or not places
            or len(tokens) == 1
            or places[0] - 1 in clause.verb_places
        ):
            return False
        before = tokens[places[0] - 1] if places[0] else None
        behind = tokens[places[-1] + 1 : places[-1] + 2]
        beside = [one.stem for one in (before, *behind) if one is not None]
        called = before is not None and before.fold in NAMING
        named = called or any(one in slot.nouns for one in beside)
        known = any(tokens[place].fold in profile.known.get(slot.name, ()) for place in places)
        return not (named or known) and all(is_common_word(tokens[place].text) for place in places)

    def _is_loose(self, clause: Clause, place: int) -> bool:
        """Whether a word stands where no name does: "the new student", "tf plan", "it answers"."""
        if self._describes(clause.tokens, place):
            return True
        lexicon = self._index.lexicon
        before = clause.tokens[place - 1].fold if place else ""
        behind = clause.tokens[place + 1 : place + 2]
        ordered = place - 1 in frozenset().union(*(verb.places for verb in clause.verbs))
        asked = before in lexicon.words("auxiliaries") | _ASKING  # "is gitlab up?"
        placed = before in lexicon.words("prepositions")
        listed = any(token.fold in ANDS for token in behind) or before in ANDS
        return not (ordered or asked or placed or listed) and len(clause.tokens) > _FEW

    def _describes(self, tokens: Sequence[Token], place: int) -> bool:
        """Whether a word stands behind an article, or is a verb: "the new student", "to land"."""
        begin = next(
            (p for p in range(place - 1, -1, -1) if is_content(tokens[p], self._index.lexicon)), -1
        )
        articles = self._index.lexicon.words("english_determiners")
        before = {token.fold for token in tokens[begin + 1 : place]}
        verb = self._index.book.at(tokens, place)
        return bool(before & articles) or (verb is not None and bool(verb.groups))

    def _is_plain(self, profile: Profile, slot: Slot, token: Token) -> bool:
        """Whether a word is one that everybody uses, and no name of what there is."""
        known = profile.known.get(slot.name, ())
        common = token.kind is Kind.WORD and token.value.isalpha() and token.text.islower()
        return common and self._meaning.knows(token) and token.fold not in known

    def _shared(self, draft: Draft, slot: Slot) -> JsonValue:
        """Return the one value that all other steps of the request have for this parameter."""
        changes = draft.profile is not None and not draft.profile.reads
        others = [
            other
            for other in self._thread.drafts
            if other is not draft
            and other.profile is not None
            # A look may have been made of a remark: "see runbook rb-12 and restart it".
            and not (changes and other.profile.reads)
        ]
        given = [d.parameters[slot.name] for d in others if slot.name in d.parameters]
        if not given and slot.kind in WRITTEN:  # a site where a certificate was spoken of
            kinds = [(d, s) for d in others if d.profile for s in d.profile.slots]
            given = [d.parameters.get(s.name) for d, s in kinds if s.kind is slot.kind]
        values = [one for value in given if value is not None for one in _each(value)]
        alike = bool(values) and all(value == values[0] for value in values)
        return values[0] if alike and slot.accepts(values[0]) else None

    def _speaker(self, draft: Draft, slot: Slot) -> JsonValue:
        """Return who speaks, for "wipe my login. I am georg.h here"."""
        if not (is_person(slot) and is_own(draft)):
            return None
        called = {
            tokens[begin].value: clause
            for clause in self._heard
            if (tokens := clause.piece.tokens)
            and (begin := after_i_am(tokens))
            and slot.accepts(tokens[begin].value)
            and self._is_called(tokens, begin)
        }
        for clause in called.values() if len(called) == 1 else ():
            self._thread.pardon(clause)
        return next(iter(called)) if len(called) == 1 else None

    def _is_called(self, tokens: Sequence[Token], place: int) -> bool:
        """Whether a word is somebody's name: none that anybody knows, and nothing hangs on it."""
        token, behind = tokens[place], tokens[place + 1 : place + 2]
        known = self._meaning.has_met(token) or token.fold in self._index.lexicon.all_words
        ends = not behind or behind[0].fold in HERE
        return ends and token.kind is Kind.WORD and (token.is_name_like or not known)

    def _pointed(self, draft: Draft, slot: Slot) -> JsonValue:
        """Return what "disable port 1 on it" speaks of: the one name of the step before."""
        points = any(token.fold in _POINTING for token in draft.clause.tokens)
        drafts = self._thread.drafts
        if not points or draft not in drafts:
            return None
        for other in reversed(drafts[: drafts.index(draft)]):
            if other.profile is None or other.profile is draft.profile:
                continue
            kinds = {one.name: one.kind for one in other.profile.slots}
            given = [v for n, v in other.parameters.items() if kinds.get(n) in _NAMES]
            names = [one for value in given for one in _each(value)]
            return names[0] if len(names) == 1 and slot.accepts(names[0]) else None
        return None

    def _beside(self, draft: Draft, profile: Profile, slot: Slot) -> JsonValue:
        """Return the one thing that the step's own words name and no parameter took.

        "What snapshots do we have of accounts?", where it is plain what is meant.
        """
        tokens, chunks = draft.clause.tokens, draft.fill.spare
        if slot.kind not in _NAMES or len(chunks) != 1 or len(chunks[0].places) != 1:
            return None
        behind = tokens[chunks[0].places[0] + 1 : chunks[0].places[0] + 2]
        if chunks[0].determiner or any(one.fold == "of" for one in behind):
            return None  # "restart the photos", "in front of redis"
        token = tokens[chunks[0].places[0]]
        own = self._index.expand(frozenset(profile.nouns))
        of = next(iter(chunks[0].of), "")
        if of and not self._index.keys(of) & own:
            return None  # "the app in front of redis"
        kind = self._index.is_kind(token.stem) or bool(self._index.keys(token.stem) & own)
        plain = self._meaning.chance(profile, tokens) >= _MEANT
        return token.value if plain and not kind and slot.accepts(token.value) else None

    def _left(
        self, profile: Profile, slot: Slot, draft: Draft, *, named: bool = False
    ) -> JsonValue:
        """Return the one thing that no step has taken and that fits.

        `named`: it must look like a name, of letters and marks or digits.
        """
        used = self._used()
        found = {
            value: clause
            for clause in self._clauses
            if self._tellers.may_tell(clause, draft, slot, whole=self._whole)
            and not (named and clause.piece.role is Role.CONDITION)
            for value in self._candidates(profile, slot, clause, used, draft)
            if not (named or clause.piece.role is Role.CONDITION)
            or not (value.isalpha() or value.endswith("ing"))
        }
        if len(found) != 1:
            return None
        value, clause = next(iter(found.items()))
        if clause.form not in ORDERED:
            self._thread.pardon(clause)
        return value

    def _used(self) -> set[int]:
        """Return where words begin that a step took a value from, or that say what it does."""
        return {
            draft.clause.tokens[place].start
            for draft in self._thread.drafts
            for place in draft.fill.used | draft.clause.verb_places
            # Not of a step of the request before, whose words stand in another text.
            if place < len(draft.clause.tokens)
            and draft.clause.tokens[place] in draft.clause.piece.tokens
        }

    def _candidates(
        self, profile: Profile, slot: Slot, clause: Clause, used: Collection[int], draft: Draft
    ) -> Iterator[str]:
        drafts = self._thread.drafts
        taken = {str(one) for d in drafts for v in d.parameters.values() for one in _each(v)}
        own = clause.piece is draft.clause.piece
        told = clause.form is Form.STATEMENT  # "all came back except jellyfin"
        tokens = (*clause.tokens, *clause.excluded) if told else clause.tokens
        ordered = clause.verb_places
        for place, token in enumerate(tokens):
            if token.start in used or token.value in taken or place in clause.moments | ordered:
                continue
            if token.kind not in {Kind.WORD, Kind.QUOTED, Kind.URL}:
                continue
            if own and _RELATING & {before.fold for before in tokens[:place]}:
                continue  # "delete the bucket that feeds etl-2"
            if not self._may_be(profile, slot, tokens, place, own=own):
                continue
            value = form_taken(slot, token.value)
            if value is not None:
                yield value

    def _may_be(
        self, profile: Profile, slot: Slot, tokens: Sequence[Token], place: int, *, own: bool
    ) -> bool:
        """Whether a word looks like a value of the parameter, and like none of another.

        `own`: it is of the step's own words, which gave it no place: "the app behind redis".
        """
        token = tokens[place]
        if slot.kind in _NAMES:
            return self._may_be_name(profile, slot, tokens, place, own=own)
        if slot.kind is SlotKind.URL:
            return token.kind is Kind.URL
        return slot.kind in WRITTEN and looks_like(slot.kind, token.value)

    def _may_be_name(
        self, profile: Profile, slot: Slot, tokens: Sequence[Token], place: int, *, own: bool
    ) -> bool:
        token = tokens[place]
        shapes = WRITTEN - ({SlotKind.DOMAIN} if token.value.count(".") == 1 else set())
        if any(looks_like(kind, token.value) for kind in shapes):
            return slot.has_own_pattern and slot.accepts(token.value)
        if token.fold in profile.known.get(slot.name, ()):
            return not own
        if token.text.isdigit():
            before = (t.stem for t in tokens[max(0, place - _AROUND) : place])
            return any(stem in slot.nouns for stem in before)
        if token.kind is Kind.QUOTED:
            return len(token.value.split()) == 1 and not self._meaning.has_met(token)
        marked = any(c.isdigit() or c in _INNER for c in token.value)
        told = slot is profile.main_slot or bool(slot.nouns & PERSONS)
        return (
            not token.text[:1].isdigit() if marked else told and self._is_new(slot, tokens, place)
        )

    def _is_new(self, slot: Slot, tokens: Sequence[Token], place: int) -> bool:
        """Whether a plain word that nobody knows stands where a name does: "jonas hangs"."""
        token = tokens[place]
        word = token.value.rstrip("s")
        moments = self._index.lexicon.words("moments")
        if token.fold in moments or token.fold.endswith("day"):
            return False  # "he starts monday"
        if self._meaning.knows(token) or not word.isalpha() or word.isupper():
            return False
        if token.text[:1].isupper() and not slot.nouns & PERSONS:
            return False  # "Anna here"
        lexicon = self._index.lexicon
        if not is_content(token, lexicon) or self._index.book.at(tokens, place) is not None:
            return False
        before = tokens[place - 1].fold if place else ""
        return not before or before in lexicon.words("prepositions") or before in _EXCEPT


def _record_type(draft: Draft, slot: Slot) -> str:
    """Return the type of DNS record that an address leaves no choice of (RFC 1035, RFC 3596)."""
    said = [str(value) for value in draft.parameters.values()]
    said = [value for value in said if looks_like(SlotKind.ADDRESS, value) and "/" not in value]
    typed = len(said) == 1 and {"A", "AAAA"} <= {*slot.enum}
    return ("AAAA" if ":" in said[0] else "A") if typed else ""


def _each(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else [value]
