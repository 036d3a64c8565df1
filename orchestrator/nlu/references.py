"""Resolves "it", "them", "the same", and shares what a sentence says once for several steps."""

import itertools
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from orchestrator.catalog.models import Risk
from orchestrator.domain.request import AmbiguityKind
from orchestrator.nlu.chunks import is_content
from orchestrator.nlu.clauses import Clause, Form
from orchestrator.nlu.drafts import Doubt, Draft
from orchestrator.nlu.fill import Filler, Found
from orchestrator.nlu.full_names import is_person
from orchestrator.nlu.lexicon import Lexicon
from orchestrator.nlu.meaning import Meaning
from orchestrator.nlu.misfits import is_common_word, is_time
from orchestrator.nlu.pieces import Role
from orchestrator.nlu.profile import Profile
from orchestrator.nlu.shapes import SlotKind, is_numbered
from orchestrator.nlu.slots import Slot
from orchestrator.nlu.text import Token, words

TITLES = frozenset(
    {"request", "task", "todo", "action", "ask", "ticket", "urgent", "emergency", "reminder"}
    | {"wanted", "steps", "routine", "workaround", "solution", "fix", "mitigation", "remedy"}
)
"""What stands before a colon and is nobody's name."""
_EACH = frozenset({"each", "both", "apiece", "jeweils", "chacun", "chacune", "cada"})
_COPULAS = frozenset({"is", "are", "was", "were", "ist", "sind", "est", "sont"})
_BEING = frozenset({"be", "been", "being", "seems", "looks"})
_TELLING_THAT = frozenset({"that", "que", "dass"})
_ADJOINING = frozenset({"as", "with", "and"})
_UNABLE = frozenset({"cant", "cannot", "couldnt", "unable"})  # "cannot reach the vm build-2"
_ABSTRACT = ("tion", "ment", "ness", "ance", "ship")
_YIELDS = frozenset({"gives", "returns", "throws", "serves", "shows", "spits", "reports", "logs"})
_SINGULAR = frozenset({"is", "was", "has", "keeps", "ist", "war", "hat", "est"})
_TIMES = frozenset({"seconds", "minutes", "hours", "days", "weeks", "ttl"})
_ORDINALS = {"former": 0, "first": 0, "latter": 1, "second": 1}
_SURE = 0.8
_NAMED_ONLY = frozenset({Form.THING, Form.QUESTION})
_POINTING = frozenset({"that", "this", "it", "they", "these", "das", "ca", "eso", "esto"})
_POINTING |= frozenset({"its", "thats", "theyre", "theyve", "cest"})  # "it's complaining"
_WHILE = frozenset({"all", "now", "moment", "while", "time", "being", "today", "yet", "again"})
_LIKELY = 0.75  # of what looks like a name
_GUESS = 0.55
"""A word in passing that only its place makes a value ("almost") is no referent."""
_NAMED = frozenset({SlotKind.NAME, SlotKind.ENUM, SlotKind.PATH})
_OWN = frozenset({SlotKind.VERSION, SlotKind.FLAG, SlotKind.NUMBER, SlotKind.SIZE, SlotKind.TEXT})
"""What is said of one target only: "nginx and redis 7" means one version."""

_LEVELS = frozenset({"to", "at", "for", "auf", "bei", "fur", "a", "pour", "para"})
_SPARING = frozenset({"dont", "do", "leave", "never", "hands"})


@dataclass(frozen=True, slots=True)
class Mention:
    """Something said earlier that a pronoun may stand for: a step, or a clause of context."""

    draft: Draft | None = None
    context: Clause | None = None
    together: tuple[Clause, ...] = ()  # "web1 and" before "web2 are down"

    @property
    def tokens(self) -> tuple[Token, ...]:
        """The words of it."""
        clause = self.context or (self.draft.clause if self.draft is not None else None)
        return clause.tokens if clause is not None else ()


class References:
    """Looks back over what was said."""

    def __init__(self, lexicon: Lexicon, filler: Filler, meaning: Meaning) -> None:
        self._lexicon = lexicon
        self._filler = filler
        self._meaning = meaning

    def has_pronoun(self, clause: Clause) -> bool:
        """Whether the clause points at something said elsewhere."""
        pronouns = self._lexicon.words("pronouns")
        return any(
            token.fold in pronouns and not self._is_article(clause, place)
            for place, token in enumerate(clause.tokens)
            if place not in clause.verb_places
        )

    def only_points(self, clause: Clause) -> bool:
        """Whether a remark is about "that" or "it", and names nothing ("das Zertifikat")."""
        folded = [token.fold for token in clause.tokens[:2]]
        named = folded[:1] == ["das"] and is_content(clause.tokens[-1], self._lexicon)
        named = named and len(folded) > 1 and folded[1] not in self._lexicon.words("stop")
        named = named or any(token.is_name_like for token in clause.tokens[1:])
        return bool(folded) and folded[0] in _POINTING and not named

    def is_plain_remark(self, context: Clause) -> bool:
        """Whether a remark is the person's own and holds: none denied, supposed or reported."""
        told = context.piece.role in {Role.CONDITION, Role.REASON}
        reported = any(token.fold in self._lexicon.words("speech") for token in context.tokens)
        return not (context.negated or told or reported)

    def is_narrowed(self, clause: Clause, known: Collection[str]) -> bool:
        """Whether it says more than its pronoun and what is known: "it for the whole world"."""
        pronouns = self._lexicon.words("pronouns")
        folded = [token.fold for token in clause.tokens]
        place = next((p for p, word in enumerate(folded) if word in pronouns), None)
        rest = clause.tokens[place + 1 :] if place is not None else ()
        more = [
            token
            for place, token in enumerate(rest)
            if token.fold not in self._lexicon.words("stop") | _WHILE and token.value not in known
        ]
        placed = bool(rest) and rest[0].fold in self._lexicon.words("prepositions")
        return placed and any(t.fold not in self._lexicon.words("prepositions") for t in more)

    def is_plural(self, clause: Clause) -> bool:
        """Whether the clause points at several things."""
        return any(t.fold in self._lexicon.words("plural_pronouns") for t in clause.tokens)

    def ordinal(self, clause: Clause) -> int | None:
        """Return which of the two just named "the former", "the second" is: 0 or 1."""
        for the, token, *after in itertools.zip_longest(
            clause.piece.tokens, clause.piece.tokens[1:], clause.piece.tokens[2:]
        ):
            noun = after[0] is not None and is_content(after[0], self._lexicon)
            if the.fold == "the" and token is not None and not noun and token.fold in _ORDINALS:
                return _ORDINALS[token.fold]
        return None

    def is_unclear(self, clause: Clause) -> bool:
        """Whether only the person knows which one is meant ("one of the nodes")."""
        folded = [token.fold for token in clause.tokens]
        return self._lexicon.phrases("unclear").find(folded) is not None

    def drop_described(self, draft: Draft) -> None:
        """Drop "redis" from "restart the app that depends on redis", "workers" from "one of …"."""
        tokens = draft.clause.tokens
        folded = [token.fold for token in tokens]
        relating = self._lexicon.phrases("relating").find(folded)
        partial = self._lexicon.phrases("partial").find(folded)
        kinds = self._lexicon.words("kinds")
        for name, found in draft.fill.values.items():
            place = min(found.places, default=-1)
            one = partial is not None and place == sum(partial)
            one = one and tokens[place].fold.endswith("s") and not tokens[place].is_name_like
            other = relating is not None and place > relating[0] > 0
            other = other and relating is not None and folded[relating[0] - 1] in kinds
            if (one or other) and draft.parameters.get(name) == found.value:
                del draft.parameters[name]

    def is_quantified(self, clause: Clause) -> bool:
        """Whether "all", "every", "everything" stands where a name should."""
        return any(t.fold in self._lexicon.words("quantifiers") for t in clause.tokens)

    def values(
        self, profile: Profile, slot: Slot, said: Sequence[Mention], *, by_name: bool = False
    ) -> tuple[list[JsonValue], Clause | None]:
        """Return the values of the last mention that fit `slot`: several for a list of steps.

        With `by_name`, only a parameter that is called alike counts: nobody pointed at it.
        The second part is the clause of context that the value came from, if one was.
        """
        weak: tuple[list[JsonValue], Clause | None] = [], None
        for position in range(len(said) - 1, -1, -1):
            mention = said[position]
            if not mention.tokens or (
                mention.context is not None and self._is_failing(mention.context)
            ):
                continue
            if mention.context is not None:
                found = self._filler.fill(profile, mention.context).values.get(slot.name)
                sure = found is not None and len(found.places) == 1 and found.strength > _GUESS
                sure = sure and not self._is_empty(mention.context, found.places if found else ())
                sure = sure and not self._is_word(mention.context, found, profile, slot)
                if found and sure and not _is_predicate(mention.context, found.places, slot):
                    fills = (self._filler.fill(profile, one) for one in mention.together)
                    more = [f.values[slot.name].value for f in fills if slot.name in f.values]
                    values = [*more, found.value], mention.context
                    if more or not self._is_weak(mention.context, found, profile, slot):
                        return values
                    weak = weak if weak[0] else values
                    continue
                subject = self._subject(mention.context, profile, slot)
                if subject is not None:
                    return [subject], mention.context
            elif mention.draft is not None:
                own = _named_by(mention.draft, slot)
                if by_name and not shares_name(mention.draft, slot):
                    continue
                if own is not None:
                    group = self._group(mention.draft, slot, said[:position])
                    return weak if weak[0] else ([*group, own], None)
        return weak

    def _subject(self, context: Clause, profile: Profile, slot: Slot) -> JsonValue | None:
        """Return "keycloak" of "keycloak gives a 502", "keycloak is two versions behind".

        A noun without an article before one that fails is a name, as far as it fits; but not for
        what could lose data, nor where something else is named beside it.
        """
        name, *rest = context.tokens
        closed = self._lexicon.words("english_determiners") | self._lexicon.words("articles")
        fails = len(rest) > 1 and rest[0].fold in _YIELDS and rest[1].fold in closed
        told = fails or (bool(rest) and rest[0].fold in _SINGULAR)
        told = told and context.form in {Form.STATEMENT, Form.THING}
        folded = name.fold
        stage = any(folded in group for group in self._lexicon.same_values)
        common = name.stem in self._lexicon.noun_groups or self._is_empty(context, {0}) or stage
        person = name.text[:1].isupper()  # "Bob is annoyed"
        named = is_content(name, self._lexicon) and not (common or person or is_time(name.value))
        known = name.is_name_like or folded in profile.known.get(slot.name, ())
        sure = known or profile.capability.risk is not Risk.HIGH
        alone = not any(t.is_name_like and not t.fold[:1].isdigit() for t in rest)
        fits = slot.kind in {SlotKind.NAME, SlotKind.HOST} and slot.accepts(name.value)
        return name.value if told and named and sure and alone and fits else None

    def _is_empty(self, context: Clause, places: Collection[int]) -> bool:
        """Whether a word names nothing: "it was deployed by accident"."""
        empty = self._lexicon.words("empty_nouns")
        return any(context.tokens[place].fold in empty for place in places)

    def _is_word(self, context: Clause, found: Found | None, profile: Profile, slot: Slot) -> bool:
        """Whether a remark has a common word where a name is wanted: "it may be inactive".

        A common word is a name as the subject ("the wiki is slow"), beside its noun, or where no
        article stands between it and its preposition ("back on checkout").
        """
        place = min(found.places, default=0) if found is not None else 0
        token = context.tokens[place]
        if not place and token.fold.endswith("ing") and context.piece.role is not Role.MAIN:
            return True  # "when trying to log in"
        if found is None or slot.kind not in {SlotKind.NAME, SlotKind.HOST}:
            return False
        if token.fold in profile.known.get(slot.name, ()) or any(map(str.isdigit, token.value)):
            return False
        before = [one.fold for one in context.tokens[:place]]
        last = before[-1] if before else ""
        if last in _BEING:
            return "should" not in before  # but "her login should be zoe"
        nobody = is_person(slot) and ("@" in token.value or is_common_word(token.text))
        if self._is_no_subject(context, place) or nobody:
            return True  # nor is "him" an address, or "the new developers"
        named = self._is_named(context, place) or last in self._lexicon.words("prepositions")
        described = last in self._lexicon.words("english_determiners")
        sure = named or found.strength >= _SURE
        return not sure and (described or self._meaning.knows(token))

    def _is_no_subject(self, context: Clause, place: int) -> bool:
        """Whether it is who says so, or what cannot be done: "Proxmox says …", "cannot reach …"."""
        behind = context.tokens[place + 1 : place + 2]
        says = any(token.fold in self._lexicon.words("speech") for token in behind)
        titled = context.tokens[place].fold in TITLES
        return says or titled or (context.negated and not place)

    def _is_weak(self, context: Clause, found: Found, profile: Profile, slot: Slot) -> bool:
        """Whether a word is rather a thing's than a name: "the console", "due to timeouts"."""
        token = context.tokens[min(found.places)]
        marked = any(c.isdigit() or c in "-_.:/@" for c in token.value)
        if slot.kind not in {SlotKind.NAME, SlotKind.HOST} or marked:
            return False
        if self._is_named(context, min(found.places)):
            return False
        if context.piece.role is Role.REASON or token.fold.endswith(_ABSTRACT):
            return True  # "due to OOM"
        if token.fold in profile.known.get(slot.name, ()) or token.text[:1].isupper():
            return False
        before = context.tokens[min(found.places) - 1].fold if min(found.places) else ""
        described = before in self._lexicon.words("english_determiners")
        aside = context.piece.role is not Role.MAIN
        ends = token.fold.endswith(("s", "ed", "ing"))
        return aside or ends or (described and self._meaning.knows(token))

    def _is_named(self, context: Clause, place: int) -> bool:
        """Whether a word is the subject of a remark, or what its verb acts on."""
        main = context.piece.role is Role.MAIN
        alone = len(context.tokens) == 1 and not context.negated and main
        if place - 1 in context.verb_places or alone:
            return True  # "don't restart nginx", "service: nginx"
        if place and context.tokens[place - 1].fold in _TELLING_THAT:
            return True  # "I wanted to say that identity fell over"
        articles = self._lexicon.words("english_determiners")
        behind = context.tokens[place + 1 : place + 2]
        goes_on = any(
            one.fold in _ADJOINING
            or (
                self._meaning.knows(one)
                and is_content(one, self._lexicon)
                and not one.fold.endswith(("ing", "ed"))  # "grafana acting up"
            )
            for one in behind
        )
        opens = {token.fold for token in context.tokens[:place]} <= articles
        return opens and bool(behind) and not goes_on

    def named_in(self, profile: Profile, slot: Slot, context: Clause) -> JsonValue | None:
        """Return the value that a remark surely gives to `slot`: beside its noun, or known."""
        found = self._filler.fill(profile, context).values.get(slot.name)
        if found is None:
            return None
        named = any(context.tokens[place].is_name_like for place in found.places)
        behind = context.tokens[1:2] if found.places == {0} else ()  # "redis on web4 is down"
        named |= any(token.fold in self._lexicon.words("prepositions") for token in behind)
        return found.value if found.strength >= (_LIKELY if named else _SURE) else None

    def is_spoken_of(self, profile: Profile, slot: Slot, context: Clause) -> bool:
        """Whether a remark is about a value of `slot`; "nginx is down on web1" is about nginx."""
        found = self._filler.fill(profile, context).values.get(slot.name)
        if found is None or len(found.places) != 1:
            return False
        place = min(found.places)
        before = context.tokens[place - 1].fold if place else ""
        placed = before in self._lexicon.words("prepositions")
        return found.strength > _GUESS and not placed

    def _group(self, draft: Draft, slot: Slot, said: Sequence[Mention]) -> list[JsonValue]:
        """Return what the steps said right before gave for `slot`, of the same kind or list."""
        values: list[JsonValue] = []
        for mention in reversed(said):
            other = mention.draft
            if other is None or (other.group != draft.group and other.profile is not draft.profile):
                break
            value = value_for(other, slot)
            if value is not None and value not in values:
                values.insert(0, value)
        return values

    def _is_failing(self, context: Clause) -> bool:
        """Whether "cannot login", "not web2" speaks of nothing; "don't touch gitea" of gitea."""
        spared = context.piece.tokens[0].fold in _SPARING | _UNABLE
        return context.negated and not context.verbs and not spared

    def _is_article(self, clause: Clause, place: int) -> bool:
        """Whether "this", "la" stands before a noun rather than for one."""
        following = clause.tokens[place + 1 : place + 2]
        articles = self._lexicon.words("determiners")
        return (
            clause.tokens[place].fold in articles
            and bool(following)
            and (following[0].fold not in self._lexicon.words("stop"))
        )


def _is_predicate(context: Clause, places: Collection[int], slot: Slot) -> bool:
    """Whether a word only says how something is: "users are furious", not "the login is zoe"."""
    place = min(places)
    before = context.tokens[place - 1].fold if place else ""
    named = context.tokens[place].is_name_like
    called = any(token.stem in slot.nouns for token in context.tokens[: max(place - 1, 0)])
    return before in _COPULAS and not named and not called


def _named_by(draft: Draft, slot: Slot) -> JsonValue | None:
    """Return the draft's value for `slot`; nobody is called by a common word."""
    value = value_for(draft, slot)
    nobody = isinstance(value, str) and is_person(slot) and is_common_word(value)
    return None if nobody else value  # "three new developers"


def value_for(draft: Draft, slot: Slot) -> JsonValue | None:
    """Return the draft's value for `slot`: by name, else of the same kind and schema."""
    if draft.profile is None:
        return None
    if slot.name in draft.parameters:
        return _fitting(draft.parameters[slot.name], slot)
    for other in draft.profile.slots:
        alike = other.kind is slot.kind or (other.kind in _NAMED and slot.kind in _NAMED)
        alike = alike or _is_row(draft, other, slot)
        related = other.nouns & slot.nouns or other is draft.profile.main_slot
        if alike and related and other.name in draft.parameters:
            value = _fitting(draft.parameters[other.name], slot)
            if value is not None:
                return value
    return None


def _is_row(draft: Draft, other: Slot, slot: Slot) -> bool:
    """Whether "web3" names a machine wherever it was said: "silence web3, then reboot it"."""
    said = draft.parameters.get(other.name)
    return slot.kind is SlotKind.HOST and other.kind in _NAMED and is_numbered(said)


def shares_name(draft: Draft, slot: Slot) -> bool:
    """Whether a parameter of `draft` is called like `slot`."""
    if draft.profile is None:
        return False
    return any(other.name == slot.name or other.nouns & slot.nouns for other in draft.profile.slots)


def _fitting(value: JsonValue, slot: Slot) -> JsonValue | None:
    if isinstance(value, list):
        value = value[-1] if value else None
    return value if value is not None and slot.accepts(value) else None


def share_forward(drafts: Sequence[Draft], quantifiers: Collection[str]) -> None:
    """Give "stop and remove gitea" its target: a verb alone takes the next step's.

    Not so "back up everything and update gitea".
    """
    for position, draft in enumerate(drafts):
        all_of_them = any(token.fold in quantifiers for token in draft.clause.tokens)
        if draft.profile is None or not draft.is_verb_only or all_of_them:
            continue
        for later in drafts[position + 1 :]:
            if later.sentence != draft.sentence:
                break
            for slot in draft.profile.slots:
                value = value_for(later, slot) if slot.required else None
                if value is not None:
                    draft.parameters.setdefault(slot.name, value)


def share_back(drafts: Sequence[Draft]) -> None:
    """Give "restart nginx and redis on node2" its host on both steps; "cpu and load of db1" too."""
    for position in range(len(drafts) - 1, 0, -1):
        later, draft = drafts[position], drafts[position - 1]
        if (
            (later.group != draft.group and not _are_things(draft, later))
            or later.profile is None
            or draft.profile is None
            or later.alone
        ):
            continue
        if later.profile is not draft.profile:
            continue
        main = later.profile.main_slot
        for slot in later.profile.slots:
            each = any(token.fold in _EACH for token in later.clause.tokens)
            timed = bool({*words(slot.name)} & _TIMES)  # "vpn for anna and ben for 30 days"
            levelled = slot.kind is SlotKind.NUMBER and _is_level(later, slot)
            shared = each or slot.required or timed or levelled or slot.kind not in _OWN
            lacking = slot is not main or slot.required
            if lacking and shared and slot.name in later.parameters:
                draft.parameters.setdefault(slot.name, later.parameters[slot.name])


def _is_level(draft: Draft, slot: Slot) -> bool:
    """Whether a number says where all of a list go: "dim the hall and the attic to 50%"."""
    found = draft.fill.values.get(slot.name)
    place = min(found.places, default=0) if found is not None else 0
    return place > 0 and draft.clause.tokens[place - 1].fold in _LEVELS


def _are_things(draft: Draft, later: Draft) -> bool:
    """Whether "(show) cpu, memory and disk of db1" names three things of one."""
    things = later.clause.form in _NAMED_ONLY and not later.clause.verb_places
    joined = bool(later.clause.piece.lead) and not later.clause.piece.strong
    return things and joined and draft.sentence == later.sentence and bool(draft.missing())


def doubt_missing(draft: Draft, *, unclear: bool) -> None:
    """Add a question for each required parameter that has no value yet."""
    asked = {doubt.parameter for doubt in draft.doubts}
    kind = AmbiguityKind.UNCLEAR_REFERENCE if unclear else AmbiguityKind.MISSING_PARAMETER
    for name in draft.missing():
        if name not in asked:
            draft.doubts.append(Doubt(kind, name))
