"""Reads true or false for a parameter of type boolean."""

from collections.abc import Sequence

from orchestrator.nlu.lexicon import Lexicon
from orchestrator.nlu.slots import Slot
from orchestrator.nlu.text import Token, stem, words

_REACH = 3
_DRY_RUN = frozenset({"dryrun", "preview", "simulate", "simulation", "checkmode"})
_KEEPS = frozenset({"keep", "keeping", "without", "no", "not", "preserve", "dont", "leave", "ohne"})
_DROPS = frozenset({"delet", "remov", "wipe", "purg", "eras", "drop", "destroy", "losch"})
_GIVES = frozenset({"with", "including", "include", "plus", "mit", "avec", "con", "all"})


def read_flag(
    slot: Slot, tokens: Sequence[Token], excluded: Sequence[Token], lexicon: Lexicon
) -> tuple[bool, frozenset[int]] | None:
    """Return the flag's value and the places it was read from; None when not spoken of.

    "delete its data" and "with data" set `delete_data`, "keep the data" and "without data"
    clear it; for `keep_data` it is the other way round. "Dry run" and "only show what would go"
    set `dry_run`.
    """
    noun = stem(words(slot.name)[-1])
    keeps = bool(_KEEPS & {*words(slot.name)})
    if any(token.stem == noun for token in excluded):
        return keeps, frozenset()
    return _by_name(slot, tokens, lexicon) or _by_noun(slot, tokens, keeps=keeps)


def _by_name(
    slot: Slot, tokens: Sequence[Token], lexicon: Lexicon
) -> tuple[bool, frozenset[int]] | None:
    """Read a flag that is called by its whole name, or in other words for a dry run."""
    parts = words(slot.name)
    joined = "".join(parts)
    said = lexicon.phrases("dry_run").find([token.fold for token in tokens])
    if joined in _DRY_RUN and said:
        return True, frozenset(range(said[0], said[0] + said[1]))
    for place, token in enumerate(tokens):
        if len(parts) > 1 and token.fold.replace("-", "").replace("_", "") == joined:
            return not _kept(tokens, place), frozenset({place})
        rest = [part for part in parts if part != "only"]
        alone = len(rest) == 1 < len(parts) and token.stem == stem(rest[0])
        ends = parts[-1] == "only" and place == len(tokens) - 1
        if alone and not ends and not _kept(tokens, place):
            return True, frozenset({place})  # "the security updates", "errors of nginx"
        denied = place > 0 and tokens[place - 1].fold in {"not", "non"}
        if denied and rest == [f"un{token.fold}"]:
            return True, frozenset({place})  # "pods that are not healthy"
    return None


def _by_noun(
    slot: Slot, tokens: Sequence[Token], *, keeps: bool
) -> tuple[bool, frozenset[int]] | None:
    """Read a flag by its last word: "keep the data", "with data", "delete its data"."""
    parts = [stem(word) for word in words(slot.name)]
    stems = [token.stem for token in tokens]
    if parts[-1] not in stems:
        return None
    place = stems.index(parts[-1])
    if len(tokens) == 1 and tokens[0].fold.endswith("ed"):
        return True, frozenset({place})  # "…, compressed"
    if _kept(tokens, place):
        return keeps, frozenset({place})
    if keeps:
        near = {token.stem for token in tokens[:place]}
        return (False, frozenset({place})) if near & _DROPS else None
    if all(part in stems for part in parts) and (len(parts) > 1 or place > 0):
        return True, frozenset(i for i, one in enumerate(stems) if one in parts and i > 0)
    near = {token.fold for token in tokens[max(0, place - _REACH) : place]}
    return (True, frozenset({place})) if len(parts) > 1 and near & _GIVES else None


def _kept(tokens: Sequence[Token], place: int) -> bool:
    return bool({t.fold for t in tokens[max(0, place - _REACH) : place]} & _KEEPS)
