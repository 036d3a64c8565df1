"""Takes out steps that are none: what is said twice, and remarks beside what is meant.

"Whats the damage on the cloud bill, split by team" is one report; "ups did its job" is no look.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from orchestrator.nlu.borders import ANDS
from orchestrator.nlu.clauses import Form
from orchestrator.nlu.drafts import Draft
from orchestrator.nlu.lexicon import Lexicon
from orchestrator.nlu.meaning import Meaning
from orchestrator.nlu.plainness import says_need
from orchestrator.nlu.references import Mention
from orchestrator.nlu.thread import says_again

_UNLIKELY, _LIKELY = 0.2, 0.5
_WANTS = frozenset({"want", "need", "wanted", "mochte", "voudrais", "quiero"})
_OPENING = 4
_TOLD = frozenset({Form.THING, Form.STATEMENT})
_ADDED = frozenset({Form.THING, Form.STATEMENT, Form.QUESTION})


class Sieve:
    """Knows what each step is about; built once per request."""

    def __init__(self, lexicon: Lexicon, meaning: Meaning) -> None:
        self._lexicon = lexicon
        self._looked_at = lexicon.words("looked_at")
        self._quantified = lexicon.words("quantifiers") | {"everyone", "everybody"}
        self._meaning = meaning

    def sift(self, drafts: Sequence[Draft]) -> list[Draft]:
        """Return the steps that are meant."""
        kept: list[Draft] = []
        for draft in drafts:
            if kept and _says_more(kept[-1], draft):
                kept[-1].parameters.update(draft.parameters)
            elif kept and _is_prelude(kept[-1], draft, self._quantified):
                kept[-1] = draft
            else:
                kept = [one for one in kept if not self._is_said_first(one, draft)]
                kept.append(draft)
        chances = [self._chance(draft) for draft in kept]
        if not any(chance >= _LIKELY for chance in chances):
            return kept
        meant: list[Draft] = []
        for draft, chance in zip(kept, chances, strict=True):
            # "… of web1, web2 and web3": the words before a list are said for all of it.
            listed = any(draft.profile is other.profile for other in meant)
            if listed or chance > _UNLIKELY or not self._is_told(draft):
                meant.append(draft)
        return meant

    def _is_said_first(self, earlier: Draft, later: Draft) -> bool:
        """Whether a need or a title says what an order behind it orders: "web1 needs a reboot".

        "Mute it for an hour, then reboot it"; "Decommission vm7:", and a list ends so.
        """
        profile = later.profile
        if profile is None or profile is not earlier.profile or earlier.earlier or profile.reads:
            return False
        if says_again(later.clause) or later.clause.form is not Form.ORDER:
            return False
        same = earlier.parameters.items() <= later.parameters.items()
        titled = later.clause.piece.listed and not earlier.clause.piece.listed
        needed = self._wants(earlier) and not self._wants(later)
        return same and bool(earlier.parameters) and (titled or needed)

    def _wants(self, draft: Draft) -> bool:
        """Whether a step is only wished for: "I want to recover it", "web1 needs a reboot"."""
        said = {token.fold for token in draft.clause.piece.tokens[:_OPENING]}
        return says_need(draft.clause, self._lexicon) or bool(said & _WANTS)

    def astray(self, drafts: Sequence[Draft], said: Sequence[Mention]) -> list[Draft]:
        """Return the step of "could you turn it off?" where nothing of the catalogue is meant.

        Nothing but a verb speaks for it, and the whole request is about something else.
        """
        told = [token for m in said if m.context is not None for token in m.context.tokens]
        lone = drafts[0] if len(drafts) == 1 and told else None
        profile = lone.profile if lone is not None else None
        main = profile.main_slot if profile is not None else None
        if lone is None or profile is None or main is None or not profile.is_risky:
            return []
        own = any(verb.canonical in profile.own_verbs for verb in lone.clause.verbs)
        open_one = main.required and main.name not in lone.parameters
        if own or not open_one or lone.fill.content:
            return []
        near = self._meaning.chance(profile, [*told, *lone.clause.tokens])
        return [lone] if near < _UNLIKELY else []

    def _chance(self, draft: Draft) -> float:
        tokens = draft.clause.tokens
        return self._meaning.chance(draft.profile, tokens) if draft.profile and tokens else 0.0

    def _is_told(self, draft: Draft) -> bool:
        """Whether a look is made of what is no order and no question, and names no "status"."""
        if any(token.fold in self._looked_at for token in draft.clause.tokens):
            return False
        looks = draft.profile is not None and draft.profile.reads
        asked = draft.clause.piece.asked or bool(draft.clause.verbs)
        return looks and draft.clause.form in _TOLD and not asked


def _is_prelude(earlier: Draft, later: Draft, quantified: AbstractSet[str]) -> bool:
    """Whether a step is only how the next one is said: "pull the images and redeploy it".

    Also "she forgot her password, can you reset it?": a remark that was read as the step.
    """
    profile = later.profile
    if profile is None or profile is not earlier.profile or earlier.parameters or earlier.earlier:
        return False
    joined = later.clause.piece.strong or later.clause.piece.lead <= ANDS | {","}
    if says_again(later.clause) or later.clause.form is not Form.ORDER or not joined:
        return False
    tokens, spare = earlier.clause.tokens, earlier.fill.spare
    words = [tokens[place] for chunk in spare for place in chunk.places]
    if any(token.stem not in profile.nouns for token in words) or quantified & {
        token.fold for token in tokens
    }:
        return False  # "lock the accounts of all interns and disable kim"
    if earlier.clause.form in _TOLD:
        return True
    verbs, more = ({verb.canonical for verb in d.clause.verbs} for d in (earlier, later))
    own = profile.own_verbs
    return bool(verbs & own and more & own) and not verbs & more and not later.clause.piece.strong


def _says_more(earlier: Draft, later: Draft) -> bool:
    """Whether a step only says more of the one before, or asks the same again."""
    profile = later.profile
    if profile is None or profile is not earlier.profile:
        return False
    open_ones = earlier.doubts or later.doubts or later.fill.spare
    told = earlier.clause.form in _ADDED and later.clause.form is Form.ORDER  # "…, rerun it"
    if says_again(later.clause) and not told:
        return False
    lead = later.clause.piece.lead
    same = bool(later.parameters) and later.parameters == earlier.parameters and lead == {","}
    same = same and not later.clause.piece.strong  # "upgrade web2, everything"
    if earlier.earlier or (open_ones and not same):
        return False
    if not (told or same or later.clause.form in _ADDED):
        return False
    if later.alone or later.last or later.concurrent:
        return False
    main = profile.main_slot
    new = {n for n, v in later.parameters.items() if earlier.parameters.get(n, v) != v}
    names_another = main is not None and main.name in later.parameters.keys() - earlier.parameters
    return not new and not names_another
