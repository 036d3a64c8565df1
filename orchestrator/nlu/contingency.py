"""Tells what waits for a step to fail: a plan holds no such branch."""

from orchestrator.nlu.chunks import is_content
from orchestrator.nlu.clauses import Clause
from orchestrator.nlu.drafts import Draft
from orchestrator.nlu.lexicon import Lexicon
from orchestrator.nlu.pieces import Role

_FAILING = frozenset(
    {"fail", "failur", "wrong", "break", "broken", "crash", "error", "fehlschlagt"}
)


def hangs_on_failure(clause: Clause, last: Draft | None, lexicon: Lexicon) -> bool:
    """Whether a condition waits for the step before it to fail: "should it fail, roll back"."""
    said = clause.piece.tokens
    fails = any(token.stem in _FAILING for token in said)
    denied = {token.fold for token in said} & {"without", "no", "not", "never", "ohne"}
    if last is None or last.earlier or not fails or denied:
        return False
    known = {str(value) for value in last.parameters.values()}
    others = [token for token in said if is_content(token, lexicon)]
    others = [t for t in others if t.stem not in _FAILING and t.value not in known]
    return clause.piece.role is Role.CONDITION and not others
