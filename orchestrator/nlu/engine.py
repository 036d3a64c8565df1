"""The embedded engine: reads a request clause by clause and keeps the thread.

The stages, one file each: `text` and `guard` → `pieces` → `clauses` → `match` with `fill` →
`references`. Everything it knows comes from the catalogue and the generic lexicon.
"""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from orchestrator.domain.request import DecomposedRequest, Subtask
from orchestrator.nlu.calls import Call, calls_in
from orchestrator.nlu.clauses import Clause, Form
from orchestrator.nlu.drafts import Draft
from orchestrator.nlu.fill import Fill, Filler
from orchestrator.nlu.forms import Forms
from orchestrator.nlu.gist import Gist
from orchestrator.nlu.guard import guarded_tokens, is_guarded
from orchestrator.nlu.index import CatalogIndex
from orchestrator.nlu.judging import Judge
from orchestrator.nlu.learning import learn_examples
from orchestrator.nlu.letters import Letter
from orchestrator.nlu.match import Matcher
from orchestrator.nlu.particles import spread_particles
from orchestrator.nlu.pieces import Piece
from orchestrator.nlu.predicates import Predicates
from orchestrator.nlu.profile import Profile
from orchestrator.nlu.reading import Reading
from orchestrator.nlu.references import doubt_missing
from orchestrator.nlu.settling import Settler
from orchestrator.nlu.support import as_noun, by_noun, without_manner
from orchestrator.nlu.templates import Templates
from orchestrator.nlu.text import Kind, Token, normalise, words
from orchestrator.nlu.understanding import Understanding
from orchestrator.nlu.verbs import Verb
from orchestrator.nlu.whole import Whole

MAX_PIECES = 150
"""A request of more pieces is not read further; the rest is out of scope."""
MAX_WORDS = 120
"""A longer piece is pasted prose, not an order; it is not read."""

_REMEMBERED = 0.95  # a person said what these very words mean


@dataclass(frozen=True, slots=True)
class _Said:
    """A request, split: its clauses, what is pasted or injected, where what is too long begins."""

    text: str
    clauses: list[Clause]
    guarded: list[Token]
    rest: int | None
    earlier: DecomposedRequest | None


class Engine:
    """Understands requests over one catalogue."""

    def __init__(self, index: CatalogIndex) -> None:
        self.index = index
        self.filler = Filler(index)
        learn_examples(index, self.filler)
        index.know({})
        self.matcher = Matcher(index, self.filler)
        self.templates = Templates(index, self.filler)
        self._letter = Letter(index)
        self._predicates = Predicates(index)
        self._whole = Whole(index, self.matcher)
        self._gist = Gist(index, self.filler, self.matcher)
        self.judge = Judge(index, self.matcher, self._gist)
        self._forms = Forms(index, self.matcher)
        self.settler = Settler(index, self.matcher.meaning)

    def know(self, names: Mapping[str, Iterable[str]]) -> None:
        """Take these for names of what there is, by parameter, beside those of the examples."""
        self.index.know(names)

    def understand(self, text: str, earlier: DecomposedRequest | None = None) -> Understanding:
        """Return what `text` asks for; `earlier` is what was asked before it in the thread."""
        original = unicodedata.normalize("NFC", text)
        self.matcher.begin()
        if calls := calls_in(original, self.index.by_name):
            return self._called(original, calls)
        if remembered := self._remembered(original):
            return remembered
        clauses, found = self.read(original, earlier)
        if earlier is None:  # whose names stand in another text
            found = self.judge.judge(original, clauses, found)
            self.settler.settle(original, clauses, found)
        return found

    def read(
        self, original: str, earlier: DecomposedRequest | None = None
    ) -> tuple[list[Clause], Understanding]:
        """Return what rules make of a request, behind the clauses that values may stand in."""
        form = self._forms.read(normalise(original))
        plain = form.rest if form is not None else normalise(original)
        tokens = self.index.speller.read(guarded_tokens(plain))
        split = self._predicates.spread(self.index.splitter.split(tokens))
        pieces = self.index.denials.spread(spread_particles(split, self.index.book))
        said = _Said(
            original,
            [self._read(piece) for piece in pieces[:MAX_PIECES]],
            [token for token in tokens if token.kind is Kind.GUARDED],
            pieces[MAX_PIECES].tokens[0].start if len(pieces) > MAX_PIECES else None,
            earlier,
        )
        found = self._take(said, lenient=False)
        if form is not None:  # whose fields say the values
            return [], self._forms.complete(form, said.clauses, found)
        told = [*self._letter.unframed(said.clauses)]
        if said.guarded:
            return told, self._gist.read(original, said.clauses, found, looks=True)
        found = self._whole.read(original, said.clauses, found)
        return told, found if found.says_something else self._once_more(said, found)

    def _once_more(self, said: _Said, found: Understanding) -> Understanding:
        """Return what a request means of which rules understood nothing."""
        cries = self.index.lexicon.words("interjections")
        if any(token.fold in cries for clause in said.clauses for token in clause.piece.tokens):
            return found  # "wow, another reboot of web1"
        again = self._take(said, lenient=True)
        self._whole.take_back(said.clauses, again)
        if again.says_something:
            return again
        return self._gist.read(said.text, said.clauses, found)

    def _take(self, said: _Said, *, lenient: bool) -> Understanding:
        """Return what the clauses of a request mean, one after the other."""
        reading = Reading(
            self.index, self.filler, self.matcher, self.templates, said.text, lenient=lenient
        )
        for subtask in said.earlier.subtasks if said.earlier is not None else ():
            if subtask.intent in self.index.by_name:
                reading.remember(self._earlier(subtask))
        for token in said.guarded:
            reading.note_guarded(token)
        for clause in self._letter.unframed(said.clauses):
            if len(clause.piece.tokens) > MAX_WORDS:
                reading.refuse_piece(clause.piece)
            else:
                reading.take(clause)
        if said.rest is not None:
            reading.refuse_rest(said.rest)
        return reading.finish()

    def _read(self, piece: Piece) -> Clause:
        if len(piece.tokens) > MAX_WORDS:
            return Clause(piece, (), Form.STATEMENT)
        clause = self.index.reader.read(piece)
        return as_noun(without_manner(by_noun(clause, self.index), self.index), self.index)

    def _remembered(self, text: str) -> Understanding | None:
        """Return the step of a request that is, word for word, a phrase somebody remembered."""
        profile = self.index.remembered.get(tuple(words(normalise(text))))
        if profile is None or is_guarded(text):
            return None
        draft = self.reread(text, profile)
        draft.sentence, draft.confidence = 0, _REMEMBERED
        doubt_missing(draft, unclear=False)
        return Understanding([draft], [])

    def _called(self, text: str, calls: Sequence[Call]) -> Understanding:
        """Return the steps of a request that calls capabilities by their names."""
        drafts: list[Draft] = []
        for number, call in enumerate(calls):
            draft = self.reread(text[call.start : call.end], call.profile)
            draft.sentence = draft.group = number
            draft.parameters, draft.doubts = call.parameters, call.doubts
            doubt_missing(draft, unclear=False)
            drafts.append(draft)
        unknown = sorted(entry for call in calls for entry in call.unknown)
        return Understanding(drafts, [words for _, words in unknown])

    def _earlier(self, subtask: Subtask) -> Draft:
        """Return a step of the request before, to be referred to."""
        profile = self.index.by_name[subtask.intent]
        draft = self.reread(subtask.source_words, profile)
        if not draft.clause.verbs:
            verbs = tuple(Verb(v, profile.own_groups, frozenset()) for v in profile.own_verbs)
            draft.clause = replace(draft.clause, form=Form.ORDER, verbs=verbs[:1])
        draft.parameters = dict(subtask.parameters)
        draft.earlier = True
        return draft

    def reread(self, words: str, profile: Profile) -> Draft:
        """Return the step that `words` give when they are known to mean `profile`."""
        plain = normalise(words)
        read = self.index.speller.read(guarded_tokens(plain))
        tokens = [token for token in read if token.kind is not Kind.GUARDED]
        clause = self.index.reader.read(Piece(tuple(tokens), strong=True))
        fill = self.filler.fill(profile, clause, settled=True) if clause.tokens else Fill()
        return Draft(clause, words, profile, 0, 0, dict(fill.parameters), 1.0, fill)
