"""Who speaks, and whose things are meant: "I am georg.h here", "my login", "my boss is kim"."""

import itertools
from collections.abc import Sequence

from orchestrator.catalog.models import Risk
from orchestrator.nlu.drafts import Draft
from orchestrator.nlu.full_names import is_person
from orchestrator.nlu.profile import Profile
from orchestrator.nlu.slots import Slot
from orchestrator.nlu.text import Token

PERSONS = frozenset(
    {"user", "usernam", "person", "employe", "login", "account", "player", "member"}
)
"""Stems of words for whoever has an account."""
_ME = frozenset({"me", "i", "mine", "mir"})
_MY = frozenset({"my", "mein", "meine", "meinen", "mon", "ma", "mi"})
_OWNERS = _MY | {"his", "her", "our", "their"}
_RELATIONS = frozenset(
    {"boss", "manager", "supervisor", "colleague", "coworker", "intern", "student", "trainee"}
    | {"assistant", "deputy", "friend", "wife", "husband", "sister", "brother", "successor", "chef"}
)
_I_AM = {
    ("my", "name", "is"),
    ("mein", "name", "ist"),
    ("im",),
    ("i", "am"),
    ("ich", "bin"),
    ("je", "suis"),
    ("soy",),
    ("yo", "soy"),
}
HERE = frozenset({"here", "on", "from", "by", "hier", "ici", "aqui"})
_FEW = 1  # words behind a name


def presents(tokens: Sequence[Token]) -> bool:
    """Whether it only says who speaks: "I am j.bauer here"; "him" behind it is somebody else."""
    opened = _opening([token.fold for token in tokens])
    called, behind = tokens[opened : opened + 1], tokens[opened + 1 :]
    named = bool(called) and not called[0].fold.endswith(("ing", "ed", "'s"))
    return bool(opened) and named and len(behind) <= _FEW and all(t.fold in HERE for t in behind)


def relates(tokens: Sequence[Token]) -> bool:
    """Whether it says who somebody is to the speaker: "my boss is oskar"."""
    folded = [token.fold for token in tokens]
    return bool({*folded[:1]} & _OWNERS) and bool({*folded[1:2]} & _RELATIONS) and "is" in folded


def _opening(folded: Sequence[str]) -> int:
    return next((n for n in (3, 2, 1) if tuple(folded[:n]) in _I_AM), 0)


def after_i_am(tokens: Sequence[Token]) -> int:
    """Return where a name stands behind "I am", "my login is"; 0 where nothing of it is said."""
    folded = [token.fold for token in tokens]
    opened = _opening(folded)
    own = folded[:1] == ["my"] and folded[2:3] == ["is"]
    if not opened and own and not _RELATIONS & {*folded[1:2]}:
        opened = 3
    return opened if len(tokens) > opened else 0


def is_own(draft: Draft) -> bool:
    """Whether it is for who speaks: "give me", "my login"; not "my intern"."""
    tokens, profile = draft.clause.piece.tokens, draft.profile
    nouns = profile.nouns if profile is not None else {}
    mine = [place for place, token in enumerate(tokens) if token.fold in _MY]
    mans = _nouns_of_persons(profile) - PERSONS
    owned = [
        token.stem in PERSONS or (token.stem in nouns and token.stem not in mans)
        for place in mine
        for token in tokens[place + 1 : place + 3]
    ]
    return any(owned) if mine else any(token.fold in _ME for token in tokens)


def is_of_another_thing(draft: Draft, slot: Slot) -> bool:
    """Whether what could be lost is asked of a thing nobody can lose: "close the window"."""
    profile, tokens = draft.profile, draft.clause.tokens
    if profile is None or profile.capability.risk is not Risk.HIGH or not is_person(slot):
        return False
    known = {*profile.nouns} | profile.objects | slot.nouns | PERSONS
    pairs = itertools.pairwise(tokens)
    return any(one.fold == "the" and two.stem not in known for one, two in pairs)


def _nouns_of_persons(profile: Profile | None) -> frozenset[str]:
    slots = profile.slots if profile is not None else ()
    return frozenset().union(*(slot.nouns for slot in slots if is_person(slot)))
