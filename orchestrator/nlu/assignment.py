"""Which words go to which parameter, where several want the same ones."""

from collections.abc import Callable, Sequence

from orchestrator.nlu.chunks import Chunk
from orchestrator.nlu.clauses import Clause
from orchestrator.nlu.profile import Profile
from orchestrator.nlu.slots import Slot
from orchestrator.nlu.text import Token

Pair = tuple[float, int, Slot, Chunk]
"""How well they fit, the negative place of the chunk among others, parameter and chunk."""

IsCommon = Callable[[Profile, Slot, Chunk, Sequence[Token]], bool]

_COMMON = 1.0
_MOST = 4  # of each; with more, the best pair comes first
_CLEARLY = 0.75


def in_best_order(pairs: Sequence[Pair]) -> list[Pair]:
    """Return pairs, best first, with those in front that fit best together.

    In "restore shop to staging" both parameters would rather have "staging"; only one of them
    may as well be the shop.
    """
    greedy = _first_come(pairs)
    slots = list(dict.fromkeys(pair[2] for pair in pairs))
    chunks = {pair[1] for pair in pairs}
    if not 1 < len(slots) <= _MOST or not 1 < len(chunks) <= _MOST:
        return [*pairs]
    best = _best(slots, pairs, frozenset())
    if _total(best) < _total(greedy) + _CLEARLY:
        return [*pairs]
    return [*best, *(pair for pair in pairs if pair not in best)]


def names_first(
    profile: Profile, pairs: Sequence[Pair], clause: Clause, is_common: IsCommon
) -> list[Pair]:
    """Return pairs, words that everybody uses put behind what looks like a name.

    Not the first word, nor what the verb acts on: "restart redis cache-2".
    """
    tokens, verb = clause.tokens, clause.verb_places
    if not any(tokens[p].is_name_like for *_, chunk in pairs for p in chunk.places):
        return [*pairs]

    def is_behind(slot: Slot, chunk: Chunk) -> bool:
        first = chunk.places[0]
        return first > 0 and first - 1 not in verb and is_common(profile, slot, chunk, tokens)

    return [
        (score - _COMMON * is_behind(slot, chunk), place, slot, chunk)
        for score, place, slot, chunk in pairs
    ]


def _first_come(pairs: Sequence[Pair]) -> list[Pair]:
    chosen: list[Pair] = []
    for pair in pairs:
        if not any(pair[1] == other[1] or pair[2] is other[2] for other in chosen):
            chosen.append(pair)
    return chosen


def _best(slots: Sequence[Slot], pairs: Sequence[Pair], taken: frozenset[int]) -> list[Pair]:
    if not slots:
        return []
    free = [pair for pair in pairs if pair[2] is slots[0] and pair[1] not in taken]
    options = ([pair, *_best(slots[1:], pairs, taken | {pair[1]})] for pair in free)
    return max((_best(slots[1:], pairs, taken), *options), key=_total)


def _total(pairs: Sequence[Pair]) -> float:
    return sum(pair[0] for pair in pairs)
