"""Steps taken back and things left out: "not web2", "all but web2", "don't reboot it"."""

import re
from dataclasses import replace

from orchestrator.catalog.models import Risk
from orchestrator.nlu.clauses import Clause, Form
from orchestrator.nlu.drafts import Draft
from orchestrator.nlu.fill import Filler
from orchestrator.nlu.lexicon import Lexicon
from orchestrator.nlu.references import References
from orchestrator.nlu.text import Kind
from orchestrator.nlu.thread import Thread

_IGNORING = frozenset({"ignore", "disregard", "ignoriere", "ignorez", "ignora"})
_KEEPING = frozenset({"keep", "spare", "behalte", "behaltet", "garde", "gardez", "conserva"})
_WELL = frozenset({"fine", "ok", "okay", "good", "healthy", "works", "needed"})
_COPULAS = frozenset({"is", "are", "seems", "looks"})
_BESIDE = frozenset({"actually", "rather", "please", "but", "though", "too", "then", "and"})
_AS_IT_IS_RE = re.compile(r"\s+as (?:it |they )?(?:is|are)\b", re.IGNORECASE)
_AS_IT_IS = frozenset({"as", "it", "is", "alone", "untouched", "out", "in", "peace"})
_DENYING = frozenset({"not", "no", "never", "longer", "isnt", "arent"})
_NOBODY = frozenset({"you", "now", "yet", "me", "today"})


class Withdrawal:
    """Drops what a denial names; one for each request."""

    def __init__(
        self, lexicon: Lexicon, filler: Filler, references: References, thread: Thread
    ) -> None:
        self._lexicon = lexicon
        self._phrases = lexicon.phrases("withdraw_final")
        self._filler = filler
        self._references = references
        self._thread = thread

    def is_final(self, clause: Clause) -> bool:
        """Whether "scratch that", "nope" takes back what was said, nothing behind it."""
        folded = [token.fold for token in clause.piece.tokens]
        whole = self._phrases.at(folded, 0) == len(folded)
        return whole and not clause.piece.asked

    @staticmethod
    def limits(clause: Clause) -> bool:
        """Whether "but not today" says when, or "not you" by whom: no plan can hold either."""
        others = [t for p, t in enumerate(clause.tokens) if p not in clause.moments]
        return not clause.verbs and all(token.fold in _NOBODY for token in others)

    @staticmethod
    def is_of_words(clause: Clause, told: Clause | None) -> bool:
        """Whether "ignore that" is said of what somebody wrote, quoted right before it."""
        if told is None or told.form is not Form.STATEMENT or clause.tokens or clause.piece.strong:
            return False
        if not _IGNORING & {token.fold for token in clause.piece.tokens}:
            return False  # "…, cancel that"
        return any(token.kind is Kind.QUOTED for token in told.tokens)

    def spares(self, clause: Clause, *, turning: bool) -> bool:
        """Drop the steps on what is to be kept: "actually keep joe", "no wait, grafana is fine".

        Args:
            clause: nothing but what is kept, or how well it is.
            turning: what was said before is being taken back.

        Returns:
            Whether there was any.
        """
        said = [token for token in clause.piece.tokens if token.fold not in _BESIDE]
        keeps, left = bool(said) and said[0].fold in _KEEPING, 0
        folded = {token.fold for token in clause.piece.tokens}
        well = turning and clause.form is Form.STATEMENT and clause.tokens[-1].fold in _WELL
        well = well and not clause.negated and not folded & _DENYING
        if not keeps and not well:
            return False
        while keeps and said[-1].fold in _AS_IT_IS:  # "… as it is", "… out"
            said, left = said[:-1], left + 1
        text = self._thread.text[clause.piece.tokens[-1].end :]
        left += bool(_AS_IT_IS_RE.match(text))
        rest = said[1:] if keeps else [t for t in clause.tokens[:-1] if t.fold not in _COPULAS]
        bare = replace(clause, tokens=tuple(rest), verbs=(), form=Form.ORDER, negated=True)
        named = [
            draft
            for draft in self._thread.drafts
            if rest and self._names_all(bare, draft) and (well or left or _ends(draft))
        ]
        self._thread.drafts = [draft for draft in self._thread.drafts if draft not in named]
        return bool(named)

    def _names_all(self, clause: Clause, draft: Draft) -> bool:
        """Whether a clause names what a step acts on, and hardly anything else."""
        main = draft.profile.main_slot if draft.profile is not None else None
        if draft.profile is None or main is None or draft.earlier:
            return False
        fill = self._filler.fill(draft.profile, clause)
        found = fill.values.get(main.name)
        if found is None:
            return False
        small = (
            self._lexicon.words("articles") | self._lexicon.words("english_determiners") | {"of"}
        )
        nouns = self._filler.nouns_of(draft.profile)
        others = [t for place, t in enumerate(clause.tokens) if place not in found.places]
        alone = all(t.fold in small or t.stem in nouns for t in others)
        return alone and draft.parameters.get(main.name) == found.value

    def note(self, clause: Clause) -> None:
        """Keep "except web2" to be left out at the end: of the step that is for all, if one is."""
        last = self._thread.last
        group = last.group if last is not None and self._is_spread(last) else 0
        self._thread.exceptions.append((clause, group))

    def drop(self, clause: Clause) -> None:
        """Drop the steps of this sentence and the one before that a denial names."""
        last, recent = self._thread.last, self._thread.sentence - 1
        spread = last is not None and self._is_spread(last) and not clause.verbs
        if spread:  # "reboot all but web2: web1, web2 and web3"
            self.note(clause)
        self._thread.drafts = [
            draft
            for draft in self._thread.drafts
            if draft.sentence < recent
            or not self._names(clause, draft)
            or (spread and draft is not last)
        ]

    def leave_out(self) -> None:
        """Drop the steps on what was excepted, once all steps are known."""
        self._thread.drafts = [
            draft
            for draft in self._thread.drafts
            if not any(
                draft.group >= group and self._names(clause, draft)
                for clause, group in self._thread.exceptions
            )
        ]

    def _is_spread(self, last: Draft) -> bool:
        """Whether a step is for all of a kind, so that what is left out is left out of it."""
        main = last.profile.main_slot if last.profile is not None else None
        lacking = main is not None and main.name not in last.parameters
        return lacking and self._references.is_quantified(last.clause)

    def _names(self, clause: Clause, draft: Draft) -> bool:
        """Whether a negated clause speaks of `draft`."""
        if draft.profile is None:
            return False
        main = draft.profile.main_slot
        fill = self._filler.fill(draft.profile, clause)
        found = fill.values.get(main.name) if main else None
        verbs = {verb.canonical for verb in draft.clause.verbs}
        same_verb = not clause.verbs or any(verb.canonical in verbs for verb in clause.verbs)
        if found is not None and main is not None:
            others = [v for n, v in draft.parameters.items() if n != main.name]
            listed = found.value in others  # "… on web1, web2 and web3, but leave web3 alone"
            return (same_verb and draft.parameters.get(main.name) == found.value) or (
                listed and not (set(fill.values) - {main.name})
            )
        said = {n: f.value for n, f in fill.values.items() if not isinstance(f.value, bool)}
        if said and not (clause.verbs or fill.spare):  # "… but leave web3 alone"
            return said.items() <= draft.parameters.items()
        pointed = self._references.has_pronoun(clause)
        return bool(clause.verbs) and same_verb and (pointed or not fill.content)


def _ends(draft: Draft) -> bool:
    """Whether what a step acts on is lost by it: "keep grafana running" goes with a restart."""
    return draft.profile is not None and draft.profile.capability.risk is Risk.HIGH
