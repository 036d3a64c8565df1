"""Tells whether a clause says that something is to begin later than now."""

from orchestrator.nlu.chunks import is_content
from orchestrator.nlu.clauses import Clause, Form
from orchestrator.nlu.lexicon import Lexicon
from orchestrator.nlu.lightverbs import is_participle
from orchestrator.nlu.moments import takes_moment
from orchestrator.nlu.pieces import Role
from orchestrator.nlu.profile import Profile

_NOT_A_START = frozenset(
    {"by", "until", "till", "before", "since", "from", "of", "for", "to", "bis", "seit", "von"}
    | {"vom", "fur", "avant", "depuis", "pour", "du", "antes", "desde", "hasta", "para"}
)
"""What stands before a time that says something else than when to begin."""
_DO_IT = (["do", "it"], ["do", "that"], ["do", "this"], ["do", "them"])
_REPEATED = frozenset({"daily", "weekly", "hourly", "nightly", "monthly"})
_HAPPENED = frozenset(
    {"was", "were", "is", "made", "taken", "died", "began", "broke", "went", "came"}
)
_HAPPENED_IN = frozenset({"on", "at", "in", "last", "am", "um", "le", "el"})


def waits(clause: Clause, lexicon: Lexicon, *, told: bool = False) -> frozenset[int]:
    """Return the places in the clause that say when it is to begin; none for "by friday".

    `told`: also of what is told, where that is what is wished for.
    """
    spans = clause.piece.role in {Role.CONDITION, Role.REASON}  # "until tomorrow"
    folded = [token.fold for token in clause.tokens[:2]]
    ordered = clause.form in {Form.ORDER, Form.TERSE, Form.THING} or folded in _DO_IT
    ordered = ordered or (told and clause.form is Form.STATEMENT)
    if spans or clause.negated or not ordered:  # "now, not tomorrow"
        return frozenset()
    closed = lexicon.words("prepositions") | _NOT_A_START
    tokens = clause.tokens
    return frozenset(
        place
        for place in clause.moments
        if tokens[place].fold not in closed
        and not (place and tokens[place - 1].fold in _NOT_A_START)
        and not (tokens[place].fold in _REPEATED and place + 1 < len(tokens))
        and not _describes(clause, place, lexicon)
    )


def may_wait(profile: Profile | None) -> bool:
    """Whether being early would spoil something; a meeting has its time for a value."""
    if profile is None:
        return True
    return not (profile.reads or any(map(takes_moment, profile.slots)))


def _describes(clause: Clause, place: int, lexicon: Lexicon) -> bool:
    """Whether a time tells which thing is meant: "the friday backup", "the one made on friday"."""
    tokens, moments = clause.tokens, clause.moments
    begin = end = place
    while begin - 1 in moments:
        begin -= 1
    while end + 1 in moments:
        end += 1
    while begin and tokens[begin - 1].fold in _HAPPENED_IN:
        begin -= 1
    behind = tokens[end + 1 :][:1]
    before = tokens[begin - 1] if begin else None
    named = any(is_content(token, lexicon) for token in behind)
    if named and before is not None and before.fold in lexicon.words("determiners"):
        return True
    if before is None or begin - 1 in clause.verb_places:
        return False
    ends = is_participle(before) or before.fold.endswith("ing")
    return before.fold in _HAPPENED or (ends and begin - 1 > max(clause.verb_places, default=-1))
