"""Finds the step that "run it again" repeats."""

from collections.abc import Sequence

from orchestrator.nlu.chunks import is_content
from orchestrator.nlu.clauses import Clause, Form
from orchestrator.nlu.coerce import split_number
from orchestrator.nlu.drafts import Draft
from orchestrator.nlu.lexicon import Lexicon

_REPEATS = frozenset({"repeat", "redo"})
_DOES = frozenset({"do", "repeat", "redo", "mach", "mache", "fais", "refais", "haz", "repite"})


def repeated(clause: Clause, drafts: Sequence[Draft], lexicon: Lexicon) -> Draft | None:
    """Return the last step of the same verb; of "do it again", the last one."""
    spoken = {Form.ORDER, Form.QUESTION, Form.SMALL_TALK}  # "resolve it again"
    if clause.form not in spoken or clause.negated or not clause.tokens:
        return None
    again = lexicon.words("again")
    said = {token.fold for token in clause.piece.tokens}
    if (look := _look_again(clause, drafts, lexicon)) is not None:
        return look
    does = clause.tokens[0].fold in _DOES
    done = [draft for draft in drafts if draft.profile is not None]
    opening = clause.tokens[0].stem  # "run a speed test, …, then run it again"
    opened = [d for d in done if any(token.stem == opening for token in d.clause.tokens)]
    places = clause.verb_places | ({0} if does or opened else set())
    rest = [t for place, t in enumerate(clause.tokens) if place not in places]
    more = any(is_content(t, lexicon) and t.fold not in again for t in rest)
    pointed = said & lexicon.words("pronouns")
    if more or not pointed or not (said & again or clause.tokens[0].fold in _REPEATS):
        return None
    verbs = {verb.canonical for verb in clause.verbs}
    same = [d for d in done if does or verbs & {verb.canonical for verb in d.clause.verbs}]
    same = same or opened
    one = not pointed & lexicon.words("plural_pronouns") or len(same) == 1
    return same[-1] if same and one else None


def _look_again(clause: Clause, drafts: Sequence[Draft], lexicon: Lexicon) -> Draft | None:
    """Return the last look, of "check again after five minutes"."""
    again = lexicon.words("again")
    looks = [draft for draft in drafts if draft.profile is not None and draft.profile.reads]
    groups = frozenset[str]().union(*(verb.groups for verb in clause.verbs))
    rest = [token for place, token in enumerate(clause.tokens) if place not in clause.verb_places]
    bare = all(
        token.fold in again or not is_content(token, lexicon) or split_number(token.fold)
        for token in rest
    )
    said = {token.fold for token in clause.piece.tokens}
    if not looks or not (said & again and bare and groups & lexicon.reading_groups):
        return None
    pointed = said & lexicon.words("pronouns")
    verbs = {verb.canonical for verb in clause.verbs}
    alike = any(verb.canonical in verbs for verb in looks[-1].clause.verbs)
    if not pointed or alike or drafts[-1] is looks[-1]:
        return looks[-1]
    return next((look for look in reversed(looks) if _shares(look, drafts[-1])), None)


def _shares(look: Draft, step: Draft) -> bool:
    """Whether both act on one thing: "is web up? restart it, then check it again"."""
    return any(value in step.parameters.values() for value in look.parameters.values())
