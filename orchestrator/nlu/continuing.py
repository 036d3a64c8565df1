"""Reads a clause without a verb of its own as more of the step before it.

"restart nginx and redis" is one more target, "… on node2" one more value, "same on node3" a
variation, "no wait, redis" a replacement, "list users and groups" another capability with the
same verb.
"""

from dataclasses import replace

from orchestrator.domain.value import Parameters
from orchestrator.nlu.alike import (
    chosen,
    compares,
    is_alike,
    is_bracketed,
    is_last,
    last_list,
    left_number,
    numbers_left,
    one_more,
    parallel,
    realign,
)
from orchestrator.nlu.borders import ANDS
from orchestrator.nlu.candidate import MARGIN, Candidate
from orchestrator.nlu.changing import alternative, choose, extend, singled_out
from orchestrator.nlu.chunks import is_content
from orchestrator.nlu.clauses import ASKED_ONLY, Clause, Form
from orchestrator.nlu.completing import Completer
from orchestrator.nlu.drafts import Draft
from orchestrator.nlu.fill import Fill, Filler
from orchestrator.nlu.full_names import is_person
from orchestrator.nlu.index import CatalogIndex
from orchestrator.nlu.labelled import flag_in
from orchestrator.nlu.match import Matcher
from orchestrator.nlu.misfits import is_common_word, without_nobody
from orchestrator.nlu.placing import Placer
from orchestrator.nlu.profile import Profile
from orchestrator.nlu.references import References
from orchestrator.nlu.revising import Revision, apposed_to, corrected_value, inheriting
from orchestrator.nlu.shapes import SlotKind
from orchestrator.nlu.slots import Slot
from orchestrator.nlu.text import Token
from orchestrator.nlu.thread import Thread
from orchestrator.nlu.varying import Variation, is_one_more_aim

_ANOTHER = frozenset({"another", "autre", "otro", "otra"})


class Continuer:
    """Adds to the last step of a thread, or varies it."""

    def __init__(
        self,
        index: CatalogIndex,
        filler: Filler,
        matcher: Matcher,
        references: References,
        placer: Placer,
        thread: Thread,
    ) -> None:
        self._lexicon = index.lexicon
        self._filler = filler
        self._matcher = matcher
        self._references = references
        self._placer = placer
        self._thread = thread
        self.completer = Completer(index.lexicon, filler, references, thread)
        self._revision = Revision(index, filler, matcher, placer, thread)
        self._variation = Variation(index.lexicon, filler, thread)
        self._open_list: tuple[Draft | None, Slot | None] = None, None  # "…, groups dev and wiki"

    def may_continue(self, clause: Clause, *, turning: bool) -> bool:
        """Whether a clause may belong to the step before."""
        last = self._thread.last
        if last is None or last.profile is None:
            return False
        returned = self._variation.returns_to(clause, last) is not None
        if returned or clause.tokens[0].fold == "back":
            return returned  # "back in the office at 5" names no target
        if self._is_same(clause):
            return clause.form is Form.THING or clause.tokens[0].fold in self._lexicon.words("stop")
        again = (  # "is nginx up on web1, and is it on web2?"
            clause.form is Form.QUESTION
            and last.clause.form is Form.QUESTION
            and not clause.verbs
            and self._references.has_pronoun(clause)
        )
        if clause.form is not Form.THING and not is_asked_thing(clause) and not again:
            return False
        if last.earlier:
            return True
        same = last.sentence == self._thread.sentence and not clause.piece.strong
        joined = bool(clause.piece.lead & self._lexicon.words("coordinators"))
        asked = is_asked_thing(clause) and last.clause.form is Form.QUESTION
        return same or joined or turning or asked or clause.piece.listed

    def take(self, clause: Clause, previous: Draft, profile: Profile, *, turning: bool) -> None:
        """Read `clause` with the verb of the step before; what adds nothing is told back."""
        before = self._thread.state()
        self._take(clause, previous, profile, turning=turning)
        if clause.form is Form.THING and self._thread.state() == before:
            self._tell_new(clause, previous)

    def _tell_new(self, clause: Clause, previous: Draft) -> None:
        """Tell a thing back that nothing took: no item of a list is lost without a word."""
        heard = {token.fold for token in previous.clause.tokens}
        said = [t for t in clause.tokens if is_content(t, self._lexicon)]
        if not is_bracketed(clause, previous, None) and any(t.fold not in heard for t in said):
            self._thread.refuse(clause)

    def _take(self, clause: Clause, previous: Draft, profile: Profile, *, turning: bool) -> None:
        if self._is_short(clause, previous, profile, turning=turning):
            return
        inherited = inheriting(clause, previous)
        candidates = self._matcher.rank(inherited, profile)
        own = next((c for c in candidates if c.profile is profile), None)
        own = own or self._bare_target(clause, inherited, previous, profile)
        if own is not None and self._revision.is_other_kind(clause, profile):
            own, candidates = None, [c for c in candidates if c.profile is not profile]
            readings = [*candidates[:1], *self._matcher.rank(clause)[:1]]
            if not any(c.is_accepted and c.profile.reads == profile.reads for c in readings):
                self._tell_apart(clause, profile)
                return
        if is_bracketed(clause, previous, own):
            return
        varies = not turning and not previous.earlier
        if varies and self._varies(clause, inherited, previous, own, profile):
            return
        best = candidates[0] if candidates else None
        other = best is not None and best is not own and best.is_accepted
        target = clause.form is Form.THING and own is not None and _is_target(clause, own)
        alike = clause.form is Form.THING and is_alike(clause, previous, profile)
        if own is not None and (target or alike or self._is_same(clause)):
            other = False
        if own is not None and not (other and best and own.score <= best.score - MARGIN):
            self._more_of(previous, inherited, own, turning=turning)
        elif other and best is not None:
            self._thread.group += 1
            if not self._revision.explains(clause, previous, best):
                self._placer.add_other(clause, inherited, best)
        else:
            self._placer.place(clause, self._matcher.rank(clause))

    def _varies(
        self,
        clause: Clause,
        inherited: Clause,
        previous: Draft,
        own: Candidate | None,
        profile: Profile,
    ) -> bool:
        """Take "both on main", "102 on pve1", and what only looks like more of the step before."""
        if self._variation.spreads(clause, previous, profile):
            return True
        values = self._variation.numbered(clause, previous, profile)
        placed = values is None
        values = self._variation.placed(clause, previous, profile) if values is None else values
        if values is not None:
            fill = own.fill if own is not None and not placed else Fill()
            # "Port 22 from 10.0.0.1 and 443" opens neither to the world.
            keep = self._is_same(clause) or len(values) == 1
            self._another(previous, inherited, profile, fill, values, keep=keep)
            return True
        if is_one_more_aim(clause, previous, profile):
            self._thread.refuse(clause)
            return True
        new = own is not None and self._is_new(clause, own)
        if new:
            self._thread.group += 1
            self._placer.place(clause, self._matcher.rank(clause))
        return new

    def _tell_apart(self, clause: Clause, profile: Profile) -> None:
        """Tell "and the branch main" back, unless it is part of what the step acts on anyway."""
        if self._revision.is_part(clause, profile):
            self._thread.keep_silent(clause)
        else:
            self._thread.refuse(clause)

    def _bare_target(
        self, clause: Clause, inherited: Clause, previous: Draft, profile: Profile
    ) -> Candidate | None:
        """Return "mumble" in "status of ts3 and mumble", a word that alone tells nothing.

        Not so "is ts3 up and stable": what it goes on with was no name.
        """
        main, before = profile.main_slot, previous.clause.tokens
        named = (
            main is not None and before[-1:] and before[-1].value in previous.parameters.values()
        )
        joined = bool(clause.piece.lead & (ANDS if clause.piece.asked else ANDS | {","}))
        if not (named and joined) or len(clause.tokens) > 1 or clause.piece.strong:
            return None
        fill = self._filler.fill(profile, inherited)
        read = Candidate(profile, previous.confidence, fill, 1.0, 1.0)
        return read if clause.form is Form.THING and _is_target(clause, read) else None

    def _is_another_day(self, clause: Clause, previous: Draft, profile: Profile) -> bool:
        """Whether "and friday at 3pm" follows a step that has its day: which, is for a person."""
        said = [p for p, token in enumerate(clause.tokens) if is_content(token, self._lexicon)]
        dated = any(
            s.kind is SlotKind.DATE and s.name in previous.parameters for s in profile.slots
        )
        return dated and bool(said) and clause.moments >= {*said}

    def _is_short(
        self, clause: Clause, previous: Draft, profile: Profile, *, turning: bool
    ) -> bool:
        """Take "back to 3", "same on pve3" and "…, recursive"; tell "and friday at 3pm" back."""
        if self._is_another_day(clause, previous, profile):
            self._thread.refuse(clause)
            return True
        number = self._variation.returns_to(clause, previous)
        if number is not None:
            inherited = inheriting(clause, previous)  # "…, then back to 3, web too"
            self._another(previous, inherited, profile, Fill(), number, keep=True)
            return True
        if turning:
            right = corrected_value(previous, clause, profile)
            if right:
                self._thread.revive(previous, clause).parameters |= right
            return bool(right)
        if self.completer.is_called(previous, clause):
            return True
        flag = flag_in(clause, profile)
        if flag is not None:
            previous.parameters.setdefault(flag, True)
        return flag is not None or self._variation.repeats_run(clause, previous)

    def _is_new(self, clause: Clause, own: Candidate) -> bool:
        """Whether "but status only for mon-03", "then another speedtest" is a step of its own."""
        if clause.form is not Form.THING or self._is_same(clause) or len(clause.tokens) < 2:  # noqa: PLR2004
            return False
        nouns = self._filler.nouns_of(own.profile)
        left = [p for p in own.fill.content if p not in own.fill.used]
        stated = clause.tokens[0].fold in self._lexicon.words("state_nouns")
        if not stated and not any(clause.tokens[p].stem not in nouns for p in left):
            return False
        another = clause.tokens[0].fold in _ANOTHER
        best = next(iter(self._matcher.rank(clause)), None)
        if best is None or best.profile is own.profile or not best.is_accepted:
            return False
        sequence = self._lexicon.words("sequence") | {"but", "aber", "mais", "pero"}
        contrary = (clause.piece.lead | {clause.piece.tokens[0].fold}) & sequence
        only = {"only", "just"} & {t.fold for t in clause.piece.tokens}
        look = (
            (contrary or only) and best.profile.reads and not own.profile.reads and best.fill.values
        )
        return another or bool(look and not best.fill.spare)

    def _is_same(self, clause: Clause) -> bool:
        return self._variation.is_same(clause)

    def _more_of(self, previous: Draft, clause: Clause, own: Candidate, *, turning: bool) -> None:
        """Add a target, a missing value or a variation to the step before."""
        main = own.profile.main_slot
        own = own if turning else replace(own, fill=one_more(own.fill, previous, main))
        values = parallel(own.fill.parameters, previous, main)
        values |= self._variation.opening(clause, previous, own.profile, own.fill)
        target = main is not None and main.name in values
        draft, slot = self._open_list
        listed = slot if draft is previous else last_list(previous)
        if listed is not None and not turning and self._lengthens(previous, listed, clause):
            return
        if compares(previous, main, values, self._thread.words(clause)):
            return
        if not values or self._says_more(previous, clause, own, values):
            self._no_value(clause, own)
        elif turning:
            previous = self._thread.revive(previous, clause)
            previous.parameters.update(values)
            previous.doubts = [d for d in previous.doubts if d.parameter not in values]
        elif (open_slot := alternative(previous, clause, own.profile, values)) is not None:
            choose(previous, open_slot, values[open_slot.name])
        elif main is not None and target and main.many:
            extend(previous, main.name, values[main.name])
        elif not set(values) & set(previous.parameters):
            self._merge(previous, clause, own)
        elif self._is_aside(clause, own):
            self._thread.refuse(replace(clause, form=Form.THING, verbs=()))
        elif main is not None and target and self._is_headed(previous, clause, main):
            previous.parameters.update(values)
            previous.words = self._thread.between(previous.clause, clause)
            piece = replace(previous.clause.piece, listed=True)
            previous.clause = replace(previous.clause, piece=piece)
        else:
            keep = not target or self._is_same(clause) or is_last(clause, own, previous)
            self._another(previous, clause, own.profile, own.fill, values, keep=keep)

    def _says_more(
        self, previous: Draft, clause: Clause, own: Candidate, values: Parameters
    ) -> bool:
        """Whether a clause gives only what is known and leaves words over: nothing is repeated."""
        known = all(previous.parameters.get(name) == value for name, value in values.items())
        left = [place for place in own.fill.content if place not in own.fill.used]
        return known and bool(left) and not self._is_same(clause)

    def _is_headed(self, previous: Draft, clause: Clause, main: Slot) -> bool:
        """Whether "patch the Proxmox hosts" only opens the list of hosts that follows."""
        head = previous.clause
        alone = sum(draft.group == previous.group for draft in self._thread.drafts) == 1
        own = main.name in previous.fill.values
        if not clause.piece.listed or head.piece.listed or not alone or not own:
            return False
        kinds = self._lexicon.words("kinds")
        return any(
            determiner.fold in self._lexicon.words("english_determiners") | {"these", "those"}
            and any(_is_plural_of(token, kinds) for token in head.tokens[place + 1 : place + 4])
            for place, determiner in enumerate(head.tokens)
        )

    def _is_aside(self, clause: Clause, own: Candidate) -> bool:
        """Whether a comma begins a remark, no further target: "…, monday mood", "…, kids in bed".

        A target is a name, with nothing beside it; two plain words are none.
        """
        if (
            not clause.piece.lead <= {",", "but", "aber", "mais"}
            or not clause.piece.lead
            or clause.form is Form.QUESTION
            or self._is_same(clause)
            or _is_somebody(clause, own)
        ):
            return False
        nouns = self._filler.nouns_of(own.profile)
        names = [t for place, t in enumerate(clause.tokens) if place in own.fill.used]
        plain = [t for t in names if not t.is_name_like and t.stem not in nouns]
        plain = [t for t in plain if not self._is_value(own.profile, t)]
        others = [t for t in clause.piece.tokens if t not in names]
        small = ("prepositions", "determiners", "articles", "closing", "also_words", "indefinite")
        extra = [
            token
            for token in others
            if token.stem not in nouns
            and not any(token.fold in self._lexicon.words(name) for name in small)
        ]
        return bool(plain) and (bool(extra) or len(plain) > 1)

    @staticmethod
    def _is_value(profile: Profile, token: Token) -> bool:
        """Whether the catalogue knows the word as a value."""
        named = any(token.fold in slot.enum for slot in profile.slots)
        return named or any(token.fold in values for values in profile.known.values())

    def _lengthens(self, previous: Draft, slot: Slot, clause: Clause) -> bool:
        """Take "and vpn" for one more of "in the groups dev", where nothing else follows."""
        said = [t for t in clause.tokens if is_content(t, self._lexicon)]
        if len(said) != 1 or not slot.accepts(said[0].value):
            return False
        extend(previous, slot.name, said[0].value)
        previous.words = self._thread.between(previous.clause, clause)
        return True

    def _another(
        self,
        previous: Draft,
        clause: Clause,
        profile: Profile,
        fill: Fill,
        values: Parameters,
        *,
        keep: bool,
    ) -> None:
        """Add one more step like the one before, with what this clause says of it."""
        if apposed := apposed_to(previous, clause, profile):
            previous.parameters |= apposed
            return
        for listed in self._thread.drafts:
            if listed.group == previous.group and listed.profile is profile:
                realign(listed, fill)
        base = previous.parameters if keep else {}
        draft = self._thread.draft(clause, profile, fill, previous.confidence)
        draft.group = previous.group
        values = values | left_number(clause, profile, fill, values)
        needed = {slot.name for slot in profile.slots if slot.required} - set(values)
        if numbers_left(clause, fill, values):
            numbers = {slot.name for slot in profile.slots if slot.kind is SlotKind.NUMBER}
            needed -= numbers
            base = {n: v for n, v in base.items() if n not in numbers}
        if not fill.spare:  # "the security updates on web1, web2"
            needed |= {slot.name for slot in profile.slots if slot.kind is SlotKind.FLAG}
        shared = {n: v for n, v in previous.parameters.items() if n in needed}
        # "gitea in production and wiki in production" says it twice
        same = {n: v for n, v in fill.parameters.items() if previous.parameters.get(n) == v}
        draft.parameters = {**same, **shared, **base, **values, **chosen(previous, profile, fill)}
        self._thread.insert(draft)

    def _merge(self, previous: Draft, clause: Clause, own: Candidate) -> None:
        """Give the step before, and its list, what this clause adds to it."""
        values = without_nobody(own.profile, own.fill.parameters)
        previous = self._thread.revive(previous, clause)
        lists = [s for s in own.profile.slots if s.many and s.name in values]
        if lists and len(values) == 1:
            self._open_list = previous, lists[0]
        listed = [draft for draft in self._thread.drafts if draft.group == previous.group]
        meant = singled_out(listed, previous, clause, own)
        previous.alone |= meant != listed
        for draft in meant:
            for name, value in values.items():
                draft.parameters.setdefault(name, value)
        previous.words = self._thread.between(previous.clause, clause)
        previous.doubts = [d for d in previous.doubts if d.parameter not in values]

    def _no_value(self, clause: Clause, own: Candidate) -> None:
        """Handle a piece that gives the step before nothing: a question, or out of scope."""
        if self._matcher.unknown_value(own.profile, own.fill) or own.fill.unclear:
            draft = self._thread.draft(clause, own.profile, own.fill, own.confidence)
            draft.group = self._thread.drafts[-1].group
            self._placer.doubt_values(draft)
            self._thread.insert(draft)
        elif own.fill.content:
            thing = replace(clause, form=Form.THING, verbs=())
            self._placer.place(thing, self._matcher.rank(thing))


def _is_plural_of(token: Token, kinds: frozenset[str]) -> bool:
    return token.fold not in kinds and token.fold.removesuffix("s") in kinds


def _is_target(clause: Clause, own: Candidate) -> bool:
    """Whether "and tycho" is nothing but one more of what the step before acts on."""
    main = own.profile.main_slot
    found = own.fill.values.get(main.name) if main is not None else None
    joined = bool(clause.piece.lead & (ANDS | {","}))
    return found is not None and joined and not set(own.fill.content) - found.places


def _is_somebody(clause: Clause, own: Candidate) -> bool:
    """Whether "…, Ann Roe" is a person's name: one more of those that the step before acts on."""
    main, tokens = own.profile.main_slot, clause.piece.tokens
    called = all(token.text.isalpha() and token.text.istitle() for token in tokens)
    called = called and not any(is_common_word(token.text.lower()) for token in tokens)
    found = own.fill.values.get(main.name) if main is not None else None
    whole = found is not None and len(found.places) == len(tokens) > 1
    return main is not None and is_person(main) and called and whole


def is_asked_thing(clause: Clause) -> bool:
    """Whether only the question mark makes it a question: "and on node2?"."""
    return clause.form is Form.QUESTION and clause.asked_groups == ASKED_ONLY
