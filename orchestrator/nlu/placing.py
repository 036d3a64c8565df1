"""Makes a step of a clause that stands for itself: picks the reading, fills what it refers to."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace

from pydantic import JsonValue

from orchestrator.catalog.models import Risk
from orchestrator.domain.request import AmbiguityKind
from orchestrator.nlu.candidate import MARGIN, Candidate
from orchestrator.nlu.carrying import carry_place, take_named, wanting
from orchestrator.nlu.choosing import (
    acts_again,
    choose,
    is_named,
    is_of_family,
    is_open,
    next_of_kin,
    timely,
)
from orchestrator.nlu.chunks import is_content, is_number
from orchestrator.nlu.clauses import Clause, Form
from orchestrator.nlu.drafts import Doubt, Draft
from orchestrator.nlu.fill import Fill, Filler
from orchestrator.nlu.index import CatalogIndex
from orchestrator.nlu.inquiry import Inquiry, asks_otherwise
from orchestrator.nlu.later import may_wait, waits
from orchestrator.nlu.match import Matcher
from orchestrator.nlu.moments import moment_values
from orchestrator.nlu.plainness import says_need
from orchestrator.nlu.prepositions import PLACE_WORDS, is_called_by
from orchestrator.nlu.profile import Profile
from orchestrator.nlu.references import References
from orchestrator.nlu.shapes import SlotKind
from orchestrator.nlu.slots import Slot
from orchestrator.nlu.support import needed
from orchestrator.nlu.text import Token, stem
from orchestrator.nlu.thread import Thread

_NEARLY = 0.1  # short of a rival where nothing but a pronoun is said
_FEW = 2  # words that tell too little
_SUPPOSING = frozenset({"there", "who", "what", "it", "think", "guess", "suppose", "if", "when"})
_NO_WISH = frozenset({"you", "not", "never", "no", "nobody", "someone", "somebody", "that"})
_VERBLESS = 0.5  # nobody says what is to be done
_SYNONYM = 0.7  # a verb less near to the capability's own
_ASKED = 0.6  # below, a question that another kind of capability answers
_SHORT_OF = 0.12
_MAX_READINGS = _PAIR = 2
_VAGUE_WORDS = ("vague", "vague_looks")
_VAGUE = 3  # readings offered where nobody said what to do
_POINTED = 0.12  # with a pronoun, what it stands for tells more than so small a difference
_PLURAL = frozenset({"both", "them", "these", "those"})
_POSSESSIVES = frozenset({"its", "their", "his", "her"})
_DEFINITE = frozenset({"the", "this", "that", "der", "die", "das", "den", "le", "la", "el"})
_THERE = frozenset({"there", "dort", "darauf", "dessus", "alli", "ahi"})
_POINTERS = frozenset({"it", "that", "there", "this"}) | _PLURAL


class Placer:
    """Adds steps to a thread."""

    def __init__(
        self,
        index: CatalogIndex,
        filler: Filler,
        matcher: Matcher,
        references: References,
        thread: Thread,
        *,
        lenient: bool = False,
    ) -> None:
        self._lenient = lenient
        self._index = index
        self._filler = filler
        self._matcher = matcher
        self._references = references
        self._thread = thread
        self._inquiry = Inquiry(index, filler, references)

    def place(self, clause: Clause, candidates: Sequence[Candidate]) -> None:
        """Add the best reading as a step; two close ones, or a weak one, as a question."""
        best = candidates[0] if candidates else None
        if best is None or self._is_none(clause, best):
            self._refuse(clause, candidates)
            return
        if best.verb < _ASKED and (topic := self._inquiry.asked_why(clause)) is not None:
            self.add(clause, topic)
            return
        best = timely(clause, candidates) or self._complete(clause, candidates) or best
        best = next_of_kin(best, candidates)
        close = [c for c in candidates if c.is_askable and best.rank - c.rank < MARGIN]
        unnamed = not best.is_accepted and not best.focus  # "make popcorn"
        if unnamed or (len(close) > _MAX_READINGS and not any(c.focus for c in close)):
            self._refuse(clause, candidates)  # a word such as "show" alone fits anything
            return
        pronoun = self._references.has_pronoun(clause)
        margin = _POINTED if pronoun else MARGIN
        others = [c for c in candidates[:4] if c is not best]
        rivals = [c for c in others if c.is_askable and best.rank - c.rank < margin]
        rivals = [c for c in rivals if c.is_accepted or not best.is_accepted]
        rivals, best = self._by_context(clause, rivals, best)
        # "Restart it", of which nothing was said: a machine, a service?
        bare = pronoun and not (best.fill.content or self._thread.said)
        rivals = [c for c in rivals if abs(best.rank - c.rank) < (_NEARLY if bare else MARGIN)][:2]
        best, rivals = choose(clause, best, rivals, pronoun=pronoun)
        chosen = self._sure_of(clause, best, rivals)
        if chosen is best and self._is_doubtful(clause, best):
            self._refuse(clause, candidates)
            return
        if chosen is not None:
            self.add(clause, chosen)
            return
        if not rivals and self._is_far_fetched(clause, best):
            self._thread.refuse(clause)
            return
        options = tuple(c.profile.name for c in (best, *rivals))
        content = Fill(content=best.fill.content)
        draft = self._thread.draft(clause, None, content, best.confidence)
        draft.doubts.append(Doubt(AmbiguityKind.WHICH_CAPABILITY, options=options))
        self._thread.insert(draft)

    def _is_none(self, clause: Clause, best: Candidate) -> bool:
        """Whether the best reading is none: "ups did its job" is no look at one."""
        if self._is_empty(clause, best) or not best.is_askable:
            return True
        return best.verb < _VERBLESS and self._matcher.opinion.is_unlikely(clause, best)

    def _sure_of(
        self, clause: Clause, best: Candidate, rivals: Sequence[Candidate]
    ) -> Candidate | None:
        """Return the reading that is meant, where rules, texts or meaning tell it."""
        opinion = self._matcher.opinion
        if rivals or not best.is_accepted:
            return opinion.among(clause, (best, *rivals)) or self._matcher.resemblance.among(
                clause, (best, *rivals)
            )
        return opinion.rather(clause, best) or best

    def _is_doubtful(self, clause: Clause, reading: Candidate) -> bool:
        """Whether a reading lacks something, and the words are about something else."""
        opinion, points = self._matcher.opinion, self._references.has_pronoun(clause)
        vague = reading.profile.is_risky and reading.verb < _SYNONYM
        said = reading.fill.values or points or opinion.names_thing(reading.profile, clause)
        if vague and not said and reading.fill.content:
            return True  # "I need a replacement"
        if (reading.is_whole and not vague) or len(clause.tokens) <= _FEW:
            return False
        if opinion.is_elsewhere(clause, reading, points=points):
            return True
        lacks = reading.profile.is_risky and not (points or reading.is_whole)
        return lacks and opinion.is_unlikely(clause, reading)

    def add_other(self, clause: Clause, inherited: Clause, reading: Candidate) -> None:
        """Add the step of another kind that `clause` with the verb of the one before may be.

        A lone common word is no risky step: "create the list and make it private".
        """
        word = clause.tokens[0]
        common = word.text.isdigit() or self._matcher.meaning.knows(word)
        common = common or is_number(word, self._index.lexicon)
        if reading.profile.is_risky and len(clause.tokens) == 1 and common:
            self._thread.refuse(clause)
        else:
            self.add(inherited, reading)

    def _is_far_fetched(self, clause: Clause, reading: Candidate) -> bool:
        """Whether nothing but a broad verb speaks for it: "add ann to the team" as a DNS record."""
        said = bool(reading.fill.content) and not self._references.is_unclear(clause)
        return said and not self._matcher.is_named(reading.profile, clause, reading.fill)

    def _refuse(self, clause: Clause, read: Sequence[Candidate]) -> None:
        """Tell the clause back, unless meaning or texts tell what it is about."""
        meant = self._matcher.opinion.instead(clause, lenient=self._lenient)
        meant = meant or self._matcher.resemblance.instead(clause, read)
        if meant is not None:
            self.add(clause, meant)
        elif (topic := self._inquiry.into(clause)) is not None:
            self.add(clause, topic)
        elif asks_otherwise(clause, self._thread.last):
            self._thread.keep_silent(clause)
        elif not self._asks_vaguely(clause):
            self._thread.refuse(clause)

    def take_asked(self, clause: Clause) -> bool:
        """Add the look that a question wants which reads as told, if it is one."""
        asked = self._matcher.opinion.asked(clause)
        if asked is not None:
            self._thread.group += 1
            self.add(clause, asked)
        return asked is not None

    def take_wish(self, clause: Clause) -> bool:
        """Add the step that a statement wishes for: "docs-site could use a branch named x"."""
        lexicon, thing = self._index.lexicon, replace(clause, form=Form.THING)
        order = needed(clause, self._index, self._thread.text) if self._lenient else None
        read = self._matcher.rank(order) if order is not None else []
        if order is not None and read and read[0].is_accepted:
            self._thread.group += 1
            self.place(order, read)
            return True
        folded = [token.fold for token in clause.piece.tokens]
        told = (lexicon.words("report_words") | _NO_WISH) & {*folded} or folded[0] in _SUPPOSING
        if not (self._lenient and says_need(clause, lexicon)) or told or waits(thing, lexicon):
            return False  # "Omar wants you to …", "I guess …", "web1 could use it tomorrow"
        meant = self._matcher.opinion.instead(thing, lenient=True)
        if meant is not None:
            self._thread.group += 1
            self.add(clause, meant)
        return meant is not None

    def _complete(self, clause: Clause, candidates: Sequence[Candidate]) -> Candidate | None:
        """Return the reading that lacks nothing, if the best one would have to ask."""
        best = candidates[0]
        if best.is_whole or self._thread.said or self._references.has_pronoun(clause):
            return None
        near = (
            c
            for c in candidates[1:]
            if best.rank - c.rank < _SHORT_OF and c.profile.reads == best.profile.reads
        )
        return next(
            (
                c
                for c in near
                if c.is_accepted
                and c.is_whole
                and c.verb >= best.verb
                and not c.dares(candidates)
                and c.profile.capability.risk is not Risk.HIGH
            ),
            None,
        )

    def _asks_vaguely(self, clause: Clause) -> bool:
        """Ask what is to be done to "mx1" in "sort out mx1", where nothing else was said."""
        folded = [token.fold for token in clause.tokens]
        phrases = self._index.lexicon.phrases
        length = max((phrases(name).at(folded, 0) for name in _VAGUE_WORDS if folded), default=0)
        if not length or any(not draft.earlier for draft in self._thread.drafts):
            return False
        rest = [t for t in clause.tokens[length:] if is_content(t, self._index.lexicon)]
        kinds = self._index.lexicon.words("kinds")
        if not rest and not phrases("vague").at(folded, 0):
            return False  # "can someone take a look?"
        described = bool(rest) and all(t.fold in kinds for t in rest)  # "fix the server"
        if not described and not all(t.is_name_like or self._index.is_known(t) for t in rest):
            return False
        fitting = [
            profile.name
            for profile in self._index.profiles
            if profile.reads
            and (slot := profile.main_slot) is not None
            and all(slot.accepts(token.value) for token in rest)
            and (not described or any(self._is_sort_of(t, slot) for t in rest))
        ]
        if fitting:
            draft = self._thread.draft(clause, None, Fill(), 0.0)
            options = tuple(fitting[:_VAGUE])
            draft.doubts.append(Doubt(AmbiguityKind.WHICH_CAPABILITY, options=options))
            self._thread.insert(draft)
        return bool(fitting)

    def _is_sort_of(self, token: Token, slot: Slot) -> bool:
        """Whether a noun is another word for what `slot` takes: "server" for a machine."""
        return bool(self._index.expand(slot.nouns) & self._index.keys(token.stem))

    def _is_empty(self, clause: Clause, best: Candidate) -> bool:
        """Whether "look into it" says no more than to look, at nothing that was named before."""
        profile = best.profile
        own = any(verb.canonical in profile.own_verbs for verb in clause.verbs)
        lacking = any(slot.required for slot in profile.slots) and not best.fill.values
        stated = any(t.fold in self._index.lexicon.words("state_words") for t in clause.tokens)
        vague = profile.reads and not own and not stated and not best.fill.content
        if not vague or not lacking or profile.main_slot is None:
            return False
        return not self._references.values(profile, profile.main_slot, self._thread.said)[0]

    def add(self, clause: Clause, reading: Candidate) -> None:
        """Add the step, once for each thing that a plural pronoun stands for."""
        if clause.form is Form.ORDER:
            self._matcher.opinion.choose(reading.profile, clause, reading.fill)
        draft = self._thread.draft(clause, reading.profile, reading.fill, reading.confidence)
        self.doubt_values(draft)
        self._note_moments(draft, self._take_moments(draft, reading.profile))
        places = self._places_of_pronoun(draft, reading.profile)
        places += take_named(self._thread, self._references, draft, reading.profile)
        slot = wanting(draft, reading.profile)
        values = self._referred(draft, reading.profile, slot) if slot is not None else []
        if slot is None or not values:
            self._insert_all(draft, [{}, *places])
            return
        for value in values:
            copy = self._thread.draft(clause, reading.profile, reading.fill, reading.confidence)
            copy.parameters = {**draft.parameters, slot.name: value}
            carry_place(self._thread, self._filler, copy, slot, value)
            copy.doubts = [d for d in draft.doubts if d.parameter != slot.name]
            self._insert_all(copy, [{}, *places])

    def _insert_all(self, draft: Draft, variations: Sequence[Mapping[str, JsonValue]]) -> None:
        """Add the step once for each variation of its parameters."""
        for changes in variations:
            self._thread.insert(replace(draft, parameters={**draft.parameters, **changes}))

    def doubt_values(self, draft: Draft) -> None:
        """Ask about named values that are unknown or fit several."""
        if draft.profile is None:
            return
        kind = AmbiguityKind.MISSING_PARAMETER
        tokens = draft.clause.tokens
        for name, hit in draft.fill.unclear.items():
            said = " ".join(tokens[place].text for place in sorted(hit.places))
            draft.doubts.append(Doubt(kind, name, tuple(hit.values), said))
        if name := self._matcher.unknown_value(draft.profile, draft.fill):
            said = draft.fill.spare[0].text(tokens)
            near = draft.profile.enums[name].nearest(said)
            draft.doubts.append(Doubt(kind, name, near, said, unknown=True))

    def _by_context(
        self, clause: Clause, rivals: list[Candidate], best: Candidate
    ) -> tuple[list[Candidate], Candidate]:
        """Let "list them" mean what was spoken of last, where the words leave it open."""
        if rivals and not best.fill.content and self._thread.said:
            pool = [best, *rivals]
            for mention in reversed(self._thread.said):
                keys = self._index.expand(frozenset(token.stem for token in mention.tokens))
                fitting = [c for c in pool if self._index.expand(c.profile.objects) & keys]
                if len(fitting) == 1:
                    return [], fitting[0]
                if fitting:
                    break
        again = [c for c in (best, *rivals) if rivals and acts_again(c, self._thread.drafts)]
        if len(again) == 1:
            return [], again[0]
        if rivals and self._points_back(clause):
            kin = [c for c in (best, *rivals) if self._is_kin(c)]
            if len(kin) == 1:
                return [], kin[0]
            pool = [c for c in (best, *rivals) if is_open(c)] or [best, *rivals]
            pool = [c for c in pool if self._refers(c)] or pool
            pool = [c for c in pool if is_named(clause, c)] or pool
            pool = [c for c in pool if self._says_so(clause, c)] or pool
            pool = [c for c in pool if self._acts_alike(c)] or pool
            best, rivals = pool[0], [*pool[1:]]
        return rivals, best

    def _is_kin(self, candidate: Candidate) -> bool:
        """Whether what was spoken of is called as the capability's things are: "wms-app-02"."""
        profile, slot = candidate.profile, candidate.profile.main_slot
        if slot is None:
            return False
        values, _ = self._references.values(profile, slot, self._thread.said)
        return bool(values) and is_of_family(profile, slot, values[-1])

    def _acts_alike(self, candidate: Candidate) -> bool:
        """Whether it acts on what the step before does, by its name."""
        last = self._thread.last
        before = last.profile if last is not None else None
        own, other = candidate.profile.main_slot, before and before.main_slot
        return own is not None and other is not None and own.name == other.name

    def _says_so(self, clause: Clause, candidate: Candidate) -> bool:
        """Whether the capability's own words hold the state that is asked for: "running"."""
        states = self._index.lexicon.words("state_words")
        asked = {token.stem for token in clause.tokens if token.fold in states}
        said = frozenset(candidate.profile.nouns).union(*candidate.profile.masked)
        return bool(asked & said)

    def _points_back(self, clause: Clause) -> bool:
        """Whether a pronoun stands for what was said before; "there" is only where it is."""
        there = any(token.fold in _THERE for token in clause.tokens)
        return bool(self._thread.said) and not there and self._references.has_pronoun(clause)

    def _refers(self, candidate: Candidate) -> bool:
        """Whether the last thing said has a value for what the capability acts on, by its name."""
        slot = candidate.profile.main_slot
        mention = self._thread.said[-1]
        draft = mention.draft
        if slot is not None and mention.context is not None:
            return self._references.is_spoken_of(candidate.profile, slot, mention.context)
        if slot is None or draft is None or draft.profile is None:
            return False
        return any(
            other.name in draft.parameters and (other.name == slot.name or other.nouns & slot.nouns)
            for other in draft.profile.slots
        )

    def _take_moments(self, draft: Draft, profile: Profile) -> frozenset[int]:
        """Set the day of a meeting to "tomorrow"; return the places of such words."""
        open_slots = [slot for slot in profile.slots if slot.name not in draft.parameters]
        closed = self._index.lexicon.words("prepositions")
        places = draft.clause.moments - draft.fill.used
        found = moment_values(open_slots, draft.clause.tokens, places, closed)
        draft.parameters |= {name: text for name, (text, _) in found.items()}
        return frozenset[int]().union(*(taken for _, taken in found.values()))

    def _note_moments(self, draft: Draft, taken: frozenset[int]) -> None:
        """Tell that "tomorrow" cannot be kept: a step runs once its plan is approved."""
        if draft.fill.used & draft.clause.moments or draft.clause.form is Form.QUESTION:
            return  # "nightly … at 01:15" sets it; "who is on call tonight" runs now
        if may_wait(draft.profile) and waits(draft.clause, self._index.lexicon):
            return  # nothing of it is done
        places = sorted(draft.clause.moments - draft.fill.used - taken)
        closed = self._index.lexicon.words("prepositions")
        if any(draft.clause.tokens[place].fold not in closed for place in places):
            tokens = [draft.clause.tokens[place] for place in places]
            words = self._thread.text[tokens[0].start : tokens[-1].end]
            self._thread.refused.append((tokens[0].start, words))

    def _places_of_pronoun(self, draft: Draft, profile: Profile) -> list[dict[str, JsonValue]]:
        """Let "check nginx on it" take the host spoken of; return the further ones of "both"."""
        tokens = draft.clause.tokens
        pointers = [
            token.fold
            for before, token in itertools.pairwise(tokens)
            if before.fold in PLACE_WORDS and token.fold in _POINTERS
        ]
        pointers += ["there" for token in tokens if token.fold in _THERE]
        places = [s for s in profile.slots if s.kind is SlotKind.HOST or is_called_by(s, "in")]
        slot = next((s for s in places if s.name not in draft.parameters), None)
        if not pointers or slot is None:
            return []
        values = self._look_back(profile, slot)
        if pointers[0] not in _PLURAL:
            values = values[-1:]
        for value in values[:1]:
            draft.parameters[slot.name] = value
        return [{slot.name: value} for value in values[1:]]

    def _referred(self, draft: Draft, profile: Profile, slot: Slot) -> list[JsonValue]:
        """Return what the step's pronoun, or its silence, stands for."""
        clause = draft.clause
        pronoun = self._references.has_pronoun(clause) or self._is_owned(clause, slot)
        vague = self._references.is_quantified(clause) and not pronoun
        if vague or self._references.is_unclear(clause):
            return []
        ordinal = self._references.ordinal(clause)
        if ordinal is not None:  # "patch web1 and web2 and reboot the former"
            two = self._look_back(profile, slot)
            return two[ordinal : ordinal + 1] if len(two) == _PAIR else []
        implied = slot.required and not draft.fill.spare and self._follows(draft, profile)
        implied = implied or self._is_definite(clause, slot)
        if not pronoun and not implied:
            told = slot.required and not draft.fill.spare
            return self._told(profile, slot) if told else []
        values = self._look_back(profile, slot, by_name=not pronoun)
        return values if self._references.is_plural(clause) else values[-1:]

    def _is_definite(self, clause: Clause, slot: Slot) -> bool:
        """Whether "the machine" stands for the one spoken of: "bump the container to 2.14"."""
        keys = self._index.expand(slot.nouns | {stem(slot.name)})  # "the list", "the name" too
        closed = self._index.lexicon.words("prepositions")
        tokens = [t for p, t in enumerate(clause.tokens) if p not in clause.verb_places]
        for place, (the, noun) in enumerate(itertools.pairwise(tokens)):
            whole = all(after.fold in closed for after in tokens[place + 2 : place + 3])
            named = noun.stem not in slot.enum and bool(self._index.keys(noun.stem) & keys)
            if the.fold in _DEFINITE and whole and named:
                return True
        return False

    @staticmethod
    def _is_owned(clause: Clause, slot: Slot) -> bool:
        """Whether "its container" names the kind of thing that `slot` asks for."""
        return any(
            before.fold in _POSSESSIVES and token.stem in slot.nouns
            for before, token in itertools.pairwise(clause.tokens)
        )

    def _told(self, profile: Profile, slot: Slot) -> list[JsonValue]:
        """Return what a remark named for it: "her login should be zoe. Create the account"."""
        found: list[JsonValue] = []
        for remark in self._thread.said:
            if remark.context is not None and self._references.is_plain_remark(remark.context):
                named = self._references.named_in(profile, slot, remark.context)
                found = found if named is None else [named]
        return found

    def _look_back(self, profile: Profile, slot: Slot, *, by_name: bool = False) -> list[JsonValue]:
        said = self._thread.said
        if by_name:  # nobody points: what was denied or reported is not what is meant
            plain = self._references.is_plain_remark
            said = [m for m in said if m.context is None or plain(m.context)]
        values, context = self._references.values(profile, slot, said, by_name=by_name)
        if context is not None:
            self._thread.pardon(context)
        return values

    def _follows(self, draft: Draft, profile: Profile) -> bool:
        """Whether a step without a target may take the one before's, unsaid."""
        if not self._thread.drafts:
            return draft.is_verb_only and bool(self._thread.said)
        if draft.is_verb_only or not profile.is_risky:
            return True
        near = self._thread.said[-1].draft if self._thread.said else None
        spoken = near is not None and near.sentence == draft.sentence and not near.earlier
        return spoken and profile.capability.risk is Risk.MEDIUM
