"""One request being read: takes clause after clause and keeps the thread."""

import itertools
from dataclasses import replace

from orchestrator.domain.value import Parameters
from orchestrator.nlu.bare_names import BareNames, is_only_a_name
from orchestrator.nlu.candidate import MARGIN
from orchestrator.nlu.choosing import next_of_kin
from orchestrator.nlu.clauses import Clause, Form
from orchestrator.nlu.coerce import split_number
from orchestrator.nlu.contingency import hangs_on_failure
from orchestrator.nlu.continuing import Continuer
from orchestrator.nlu.deferring import Deferral
from orchestrator.nlu.drafts import Draft
from orchestrator.nlu.fill import Fill, Filler
from orchestrator.nlu.gleaning import Gleaner
from orchestrator.nlu.guard import COMMAND, INJECTED
from orchestrator.nlu.headings import Headings
from orchestrator.nlu.index import CatalogIndex
from orchestrator.nlu.joined_names import JoinedNames
from orchestrator.nlu.labels import Labels
from orchestrator.nlu.lightverbs import is_doing_or_done
from orchestrator.nlu.match import Matcher
from orchestrator.nlu.pieces import Piece, Role
from orchestrator.nlu.places_ahead import PlacesAhead
from orchestrator.nlu.placing import Placer
from orchestrator.nlu.references import (
    Mention,
    References,
    doubt_missing,
    share_back,
    share_forward,
)
from orchestrator.nlu.remarks import Remarks
from orchestrator.nlu.repeating import repeated
from orchestrator.nlu.sifting import Sieve
from orchestrator.nlu.speakers import presents
from orchestrator.nlu.spoken_text import (
    TextParameter,
    ends_text,
    labelled_text,
    take_noted,
    take_pasted,
    text_behind,
)
from orchestrator.nlu.templates import Templates
from orchestrator.nlu.text import Kind, Token, words
from orchestrator.nlu.thread import Thread
from orchestrator.nlu.turns import Turn
from orchestrator.nlu.understanding import Understanding
from orchestrator.nlu.varying import corrected
from orchestrator.nlu.withdrawing import Withdrawal

_WITH = frozenset({"with", "mit", "avec", "con"})  # "it is down (again) with a 502 error"
_REMAINING = frozenset({"other", "others", "rest", "remaining", "anderen", "autres", "otros"})
_CONTRARY = frozenset({"but", "rather", "sondern", "mais", "sino"})


class Reading:
    """The reading of one request; `take` clauses in the order of the text, then `finish`."""

    def __init__(
        self,
        index: CatalogIndex,
        filler: Filler,
        matcher: Matcher,
        templates: Templates,
        text: str,
        *,
        lenient: bool = False,
    ) -> None:
        """Read `text`; `lenient`: what it is plainly about is meant, though no rule finds it."""
        self._lenient = lenient
        self._index = index
        self._filler = filler
        self._matcher = matcher
        self._templates = templates
        self._references = References(index.lexicon, filler, matcher.meaning)
        self._labels = Labels(index, self._references)
        self._bare_names = BareNames(index, filler)
        self._thread = Thread(text, Remarks(index))
        self._placer = Placer(
            index, filler, matcher, self._references, self._thread, lenient=lenient
        )
        self._continuer = Continuer(
            index, filler, matcher, self._references, self._placer, self._thread
        )
        self._withdrawal = Withdrawal(index.lexicon, filler, self._references, self._thread)
        self._headings = Headings(index, self._thread)
        self._ahead = PlacesAhead(index, self._thread)
        self._deferral = Deferral(index.lexicon, self._thread)
        self._gleaner = Gleaner(index, matcher.meaning, self._references, self._thread)
        self._turning = False  # the next order replaces the last one
        self._final = False  # "scratch that", and nothing behind it
        self._contingent = False  # "if that fails, …": no plan can hold it
        self._text: TextParameter | None = None  # what follows "post to #ops:"
        self._label = False  # a speaker's name stands before this line's words
        self._heard: Clause | None = None
        self._others = False  # somebody else orders something in it
        self._pasted: list[tuple[int, str]] = []  # place in the text, words
        self._guarded: list[int] = []  # where something pasted or injected begins
        self._denied: Clause | None = None  # "don't reboot node1", perhaps "but node2"
        self._nearby: Clause | None = None  # the clause before
        self._current: Clause | None = None
        self._tentative: int | None = None  # the group of what "take a look" may have meant
        self._excepted = -1  # the sentence that last said what is not to be done
        self._chatting = False  # the clause before told something
        self._reporting = False  # … what somebody said
        self._greeting = False  # the clause before was "best" or "thanks"
        self._before = -1  # where the clause before this one starts
        self._joined = JoinedNames(filler, self._thread, self._continuer)

    def remember(self, draft: Draft) -> None:
        """Keep a step of the request before, so that this one may refer to it."""
        draft.sentence, draft.group = self._thread.sentence - 1, -1
        last = self._thread.last
        if last is not None and last.profile is not draft.profile:
            draft.group = last.group - 1
        self._thread.drafts.append(draft)
        self._thread.said.append(Mention(draft=draft))

    def note_guarded(self, token: Token) -> None:
        """Keep a guarded span: a command is told, what is injected where nothing is understood.

        What is pasted is told where nothing else is.
        """
        place = (token.start, self._thread.text[token.start : token.end].strip())
        self._guarded.append(token.start)
        told = {COMMAND: self._thread.refused, INJECTED: self._thread.asides}
        told.get(token.stem, self._thread.silent).append(place)
        if token.stem not in told:
            self._pasted.append(place)

    def refuse_rest(self, start: int) -> None:
        """Put the text from `start` on out of scope."""
        self._thread.refused.append((start, self._thread.text[start:]))

    def refuse_piece(self, piece: Piece) -> None:
        """Put a piece out of scope unread."""
        first, last = piece.tokens[0], piece.tokens[-1]
        self._thread.refused.append((first.start, self._thread.text[first.start : last.end]))

    def take(self, clause: Clause) -> None:
        """Add one clause."""
        known = [*self._thread.drafts]
        before = len(known)
        self._take(clause)
        self._deferral.note(clause, [d for d in self._thread.drafts if d not in known])
        self._gleaner.note(clause)
        self._joined.note(clause, before)

    def _take(self, clause: Clause) -> None:
        self._nearby, self._current = self._current, clause
        self._final = False
        if clause.piece.strong:
            self._thread.sentence += 1
            self._chatting = False
        if self._is_chatter(clause):
            self._thread.keep_silent(clause)
            return
        self._chatting = clause.form is Form.STATEMENT and clause.piece.role is Role.MAIN
        speech = self._index.lexicon.words("speech")
        said = any(token.fold in speech for token in clause.piece.tokens)
        self._reporting = self._chatting and said
        self._greeting = clause.form is Form.SMALL_TALK
        if clause.turn is Turn.ALL and not self._withdrawal.is_of_words(clause, self._nearby):
            self._thread.drafts.clear()
        turning = self._turning or self._labels.turns(self._nearby, clause)
        turning = turning and not self._adds(clause)
        text = labelled_text(self._thread, self._nearby, clause)
        if text is not None:
            self._text = text
            return
        if self._headings.takes_field(self._nearby, clause):
            self._note(clause)
            return
        if self._labels.excludes(self._nearby, clause, self._thread) or self._put_aside(clause):
            return
        self._headings.drop(None if self._ahead.heads(clause) else self._nearby, clause)
        if self._repeats_example(clause, turning=turning):
            return
        spared = self._withdrawal.spares(clause, turning=turning)
        if spared or clause.negated:
            self._turning = False  # "no, leave web2 alone" has said what is taken back
            take = self._note if spared else self._deny
            take(clause)
            return
        self._turning = turning and not clause.tokens
        self._final = self._turning and self._withdrawal.is_final(clause)
        if clause.tokens:
            self._positive(clause, turning=turning)

    def _deny(self, clause: Clause) -> None:
        if not clause.tokens:
            self._thread.drop_last(one="(" in clause.piece.lead)  # "reboot web1; wait, no, don't"
        elif self._withdrawal.limits(clause):
            self._thread.refuse(replace(clause, negated=False), always=True)
        elif not self._continuer.completer.denies_flag(clause):
            self._withdraw(clause)

    def _is_chatter(self, clause: Clause) -> bool:
        """Whether a thing goes on with what was told ("… cats and dogs") or signs: "best, Tom"."""
        told = self._thread.remarks.does_nothing(clause) or any(
            map(is_doing_or_done, clause.tokens[:1])
        )
        # "I checked it and notice that it expired"; "Tom said we should stop web1 and reboot db1".
        goes_on = (self._chatting and told) or (self._reporting and not clause.piece.strong)
        if (goes_on and clause.piece.lead == {"and"}) or self._thread.remarks.is_idle(clause):
            return True
        goes_with = clause.piece.tokens[0].fold in _WITH and not clause.piece.strong
        goes_with = goes_with and clause.form in {Form.THING, Form.TERSE}
        if clause.form is not Form.THING and not goes_with:
            return False
        if self._chatting and (goes_with or clause.piece.lead == {"("}):
            return True
        signs = self._greeting and clause.piece.lead == {","} and bool(self._thread.drafts)
        named = len(clause.tokens) == 1 and clause.tokens[0].text[:1].isupper()
        sighs = clause.piece.lead == {","} and len(clause.tokens) == 1 and not clause.piece.strong
        sighs = sighs and not clause.tokens[0].is_name_like  # "…, embarrassing"
        goes_on = self._chatting and (clause.piece.lead == {"and"} or sighs)
        if goes_on and any(c.is_askable for c in self._matcher.rank(clause)):
            return False  # "the site is slow, and the status of nginx please"
        return goes_on or (signs and named)

    def _put_aside(self, clause: Clause) -> bool:
        """Take a clause that asks for nothing here: another's, a text, a heading, a condition."""
        anothers = self._is_anothers(clause)
        if not anothers and self._is_text(clause):
            return True
        if clause.piece.strong or {",", "and"} <= clause.piece.lead:
            self._contingent = False
        told = clause.piece.role in {Role.CONDITION, Role.REASON} or self._is_told_after(clause)
        contingent = self._contingent and not told
        if anothers and self._labels.is_dialogue(self._thread.text):
            self._thread.keep_silent(clause)  # beside the person's own request it changes nothing
        elif (
            anothers
            or contingent
            or self._labels.is_other_side(self._nearby, clause)
            or self._deferral.opens(clause)
        ):
            self._thread.refuse(clause)
        elif self._is_heading(clause):
            self._thread.keep_silent(clause)
        elif told:
            self._contingent |= hangs_on_failure(clause, self._thread.last, self._index.lexicon)
            self._note(clause)
        else:
            return False
        return True

    def _is_told_after(self, clause: Clause) -> bool:
        """Whether "… after changing it" ends what is told, and not an order."""
        told, last = self._nearby, self._thread.last
        if clause.piece.role is not Role.AFTER or told is None or clause.piece.strong:
            return False
        idle = told.form in {Form.STATEMENT, Form.THING}
        return idle and (last is None or last.clause.piece is not told.piece)

    def _is_anothers(self, clause: Clause) -> bool:
        """Whether "omar: reboot node1" says it: what Omar said is no order of the person's."""
        if clause.piece.strong:
            self._label = False
        if clause.piece.colon:
            self._label = self._labels.is_speaker(self._heard, clause, self._thread.text)
            self._thread.announce(self._before)
        heads = self._joined.names or [head for head in (self._heard,) if head is not None]
        self._ahead.note(clause, () if self._label else heads)
        self._heard = clause
        self._before = clause.piece.tokens[0].start
        self._others |= self._label
        return self._label and clause.form in {Form.ORDER, Form.TERSE, Form.THING}

    def _is_heading(self, clause: Clause) -> bool:
        """Whether a thing only announces pasted text: "log output:" and then the log."""
        end = clause.piece.tokens[-1].end
        pasted = (start for start in self._guarded if start >= end)
        between = self._thread.text[end : min(pasted, default=end)].strip()
        return clause.form is Form.THING and between == ":"

    def _is_text(self, clause: Clause) -> bool:
        """Take what follows a colon as the text that the step before still lacks."""
        last = self._thread.last
        if clause.piece.colon and last is not None and last.sentence == self._thread.sentence:
            self._text = text_behind(last, clause, self._filler)
        elif self._text and (clause.piece.strong or ends_text(clause, self._matcher)):
            self._text = None
        return self._text is not None and self._text.extend(self._thread, clause)

    def _positive(self, clause: Clause, *, turning: bool) -> None:
        last = self._thread.last
        clause = self._bare_names.as_thing(clause, last) if last is not None else clause
        denied, self._denied = self._denied, None
        if denied is not None and clause.form is Form.THING and clause.piece.lead & _CONTRARY:
            verbs = tuple(replace(verb, places=frozenset()) for verb in denied.verbs)
            self._new(replace(clause, form=Form.ORDER, verbs=verbs))
        elif self._asks_nothing_new(clause, last):
            pass
        elif last and last.profile and self._continuer.may_continue(clause, turning=turning):
            self._continuer.take(clause, last, last.profile, turning=turning)
        elif all(token.kind is Kind.QUOTED for token in clause.tokens):
            self._thread.keep_silent(clause)
        else:
            if turning and last is not None and last.profile is None and not last.earlier:
                clause = corrected(clause, last, self._index.lexicon) or clause
            if (turning and not self._is_another(clause, last)) or self._was_topic(clause):
                self._thread.drop_last()
            self._new(clause)
        if clause.excluded and clause.form is not Form.STATEMENT:  # "all is fine except the disk"
            excepted = replace(clause, tokens=clause.excluded, verbs=(), moments=frozenset())
            self._withdrawal.note(excepted)

    def _adds(self, clause: Clause) -> bool:
        """Whether "no, also unlock ben" orders one more thing beside what was said."""
        begin = self._nearby.piece.tokens[-1].end if self._nearby is not None else 0
        said = words(self._thread.text[begin : clause.piece.tokens[-1].end])
        return self._index.lexicon.phrases("also_words").find(said) is not None

    def _is_another(self, clause: Clause, last: Draft | None) -> bool:
        """Whether "… off the list. Instead, add ben" orders one more thing, and corrects none."""
        said = self._nearby.piece.tokens if self._nearby is not None else ()
        groups = frozenset().union(*(verb.groups for verb in clause.verbs))
        done = last.profile.groups if last is not None and last.profile is not None else groups
        return [token.fold for token in said] == ["instead"] and not groups & done

    def _asks_nothing_new(self, clause: Clause, last: Draft | None) -> bool:
        """Take what is told, small talk, a question of how, and what repeats what was said."""
        ended = last is not None and not last.earlier and self._thread.remarks.asks_outcome(clause)
        if clause.form is Form.STATEMENT:
            wished = not self._label and self._placer.take_wish(clause)
            if not (self._placer.take_asked(clause) or wished):
                self._note(clause)
        elif (again := repeated(clause, self._thread.drafts, self._index.lexicon)) is not None:
            self._repeat(again, clause)
        elif clause.form is Form.SMALL_TALK or self._is_said(clause, last) or ended:
            self._thread.keep_silent(clause)
        elif clause.form is Form.HOWTO:
            self._thread.refuse(clause)
        else:
            return self._looks_into(clause)
        return True

    def _looks_into(self, clause: Clause) -> bool:
        """Look at what the remark before says, for "the disk of web1 is full, take a look"."""
        told = self._nearby
        new = not any(not draft.earlier for draft in self._thread.drafts)
        if not new or told is None or told.form is not Form.STATEMENT or told.negated:
            return False
        if clause.form is not Form.ORDER or not self._thread.remarks.is_look(clause):
            return False
        asked = replace(told, form=Form.QUESTION)
        best = next(iter(self._matcher.rank(asked)), None)
        if best is None or not best.is_accepted or not best.profile.reads:
            return False
        self._thread.group += 1
        self._tentative = self._thread.group
        before = len(self._thread.drafts)
        self._placer.add(asked, best)
        for mention in [m for m in self._thread.said if m.context is told]:
            self._joined.share(mention.together, asked, before)  # "a.test and b.test are down, …"
        return True

    def _repeat(self, draft: Draft, clause: Clause) -> None:
        """Add a step once more: "run it again"."""
        self._thread.group += 1
        copy = self._thread.draft(clause, draft.profile, Fill(), draft.confidence)
        copy.parameters = dict(draft.parameters)
        self._thread.insert(copy)
        for before, token in itertools.pairwise(clause.piece.tokens):
            if any((split_number(token.fold) or (0.0, ""))[1:]):  # "again after five minutes"
                self._thread.refused.append((before.start, f"{before.text} {token.text}"))

    def _is_said(self, clause: Clause, last: Draft | None) -> bool:
        """Whether an order says what was said: "is it full? please check", "the other two"."""
        if last is None or last.earlier or last.profile is None:
            return False
        asked = last.clause.form in {Form.QUESTION, Form.THING} and last.profile.reads
        if asked and self._thread.remarks.is_vague(clause):
            return True
        said = {verb.canonical for verb in last.clause.verbs}
        same = any(verb.canonical in said for verb in clause.verbs)
        rest = {token.fold for token in clause.tokens} & _REMAINING
        return same and bool(rest) and self._excepted == self._thread.sentence

    def _new(self, clause: Clause) -> None:
        """Read a clause that stands for itself."""
        if self._thread.remarks.is_nothing(clause):
            self._thread.refuse(clause)
            return
        self._thread.group += 1
        self._thread.recall(clause, self._index.lexicon)
        candidates = self._matcher.rank(clause)
        if self._continuer.completer.adds_to(clause, candidates):
            return
        kept = any("keep" in verb.groups for verb in clause.verbs)
        if kept and not any(candidate.is_askable for candidate in candidates):
            self._withdraw(clause)  # "delete lab1, keep lab2"
        elif is_only_a_name(clause, self._thread.text):
            self._thread.refuse(clause)
        else:
            self._placer.place(clause, candidates)

    def _repeats_example(self, clause: Clause, *, turning: bool) -> bool:
        """Take a clause that says an example again, unless it would be read so anyway."""
        repeated = self._templates.match(clause)
        if repeated is None:
            return False
        read, candidate = repeated
        if clause.form in {Form.ORDER, Form.TERSE, Form.QUESTION} and not clause.negated:
            ranked = self._matcher.rank(clause)
            alike = [c for c in ranked[:1] if c.profile is candidate.profile and c.is_accepted]
            sure = len(ranked) < 2 or ranked[0].rank - ranked[1].rank >= MARGIN  # noqa: PLR2004
            same = [c for c in alike if _holds(c.fill.parameters, candidate.fill.parameters)]
            other = next_of_kin(candidate, ranked)  # "reboot CM-20417", a modem
            if (sure and same) or other is not candidate:
                return False
        if turning and not self._is_another(read, self._thread.last):
            self._thread.drop_last()
        self._turning = self._turning and not turning
        self._thread.group += 1
        self._placer.add(read, candidate)
        return True

    def _was_topic(self, clause: Clause) -> bool:
        """Whether the step before was only what "DNS:" announces."""
        last = self._thread.last
        return clause.piece.colon and last is not None and last.clause.form is Form.THING

    def _note(self, clause: Clause) -> None:
        """Keep a clause as context: a pronoun may refer to it."""
        if not self._references.only_points(
            clause
        ):  # "when that has gone through, reboot it" speaks of nothing new
            together = self._joined.before(clause)
            for thing in together:
                self._thread.pardon(thing)
            if not presents(clause.piece.tokens):
                self._thread.said.append(Mention(context=clause, together=together))
        self._thread.keep_silent(clause)

    def _withdraw(self, clause: Clause) -> None:
        """Drop steps that a negated clause names; without any it adds nothing.

        "Do not open it for the world" says how, and takes nothing back.
        """
        self._denied = clause if clause.verbs else None
        self._excepted = self._thread.sentence
        self._note(clause)
        last = self._thread.last
        known = {str(value) for value in last.parameters.values()} if last is not None else set()
        if self._references.is_narrowed(clause, known):
            return
        self._withdrawal.drop(clause)

    def finish(self) -> Understanding:
        """Return the steps in the order they are to run, and what is out of scope."""
        thread = self._thread
        thread.forget_earlier()
        if self._final:
            thread.drop_last()
        thread.drafts = [
            draft
            for draft in thread.drafts
            if not thread.remarks.is_passing(draft, thread.drafts, self._tentative)
        ]
        sieve = Sieve(self._index.lexicon, self._matcher.meaning)
        thread.drafts = sieve.sift(thread.drafts)
        for draft in sieve.astray(thread.drafts, thread.said):
            thread.drafts.remove(draft)
            thread.refuse(draft.clause)
        for draft in thread.drafts:
            take_pasted(draft, thread.text, self._pasted)
        take_noted(thread, self._pasted)
        share_forward(thread.drafts, self._index.lexicon.words("quantifiers"))
        share_back(thread.drafts)
        self._withdrawal.leave_out()
        self._deferral.leave_out()
        self._ahead.spread()
        for draft in thread.drafts:
            self._references.drop_described(draft)
            self._headings.fill_in(draft)
            self._gleaner.fill_in(draft)
            draft.doubts = [d for d in draft.doubts if d.parameter not in draft.parameters]
            doubt_missing(draft, unclear=self._references.is_unclear(draft.clause))
        ordered = sorted(thread.drafts, key=lambda draft: (draft.sentence, draft.last))
        refused = sorted(thread.refused if ordered else thread.refused + thread.asides)
        if not ordered and not refused:
            refused = sorted(thread.silent) or [(0, thread.text)]
        told = [words for _, words in refused]
        return Understanding(ordered, told, self._deferral.told, self._others)


def _holds(values: Parameters, wanted: Parameters) -> bool:
    return all(name in values and values[name] == value for name, value in wanted.items())
