"""Tells a plain order from what only speaks of one, which no second opinion makes a step of."""

import itertools

from orchestrator.nlu.chunks import is_content
from orchestrator.nlu.clauses import ORDERED, Clause, Form
from orchestrator.nlu.index import CatalogIndex
from orchestrator.nlu.lexicon import Lexicon
from orchestrator.nlu.lightverbs import is_participle
from orchestrator.nlu.profile import Profile
from orchestrator.nlu.text import Kind

ASKING = ORDERED | {Form.QUESTION, Form.THING}
"""Forms that may want something."""
_HEDGES = frozenset({"probably", "maybe", "perhaps", "eventually", "someday", "sometime"})
"""Who says one of these thinks aloud."""
_SOME = frozenset({"some", "any", "that", "this"})  # "at some point"
_JUDGED = frozenset({"is", "was", "are", "were", "would", "sounds", "seems", "looks"})
"""What comes before one of these is spoken of: "reboot web1 is a bad idea"."""
_BIDS = frozenset({"have", "let", "make", "get"})
_SHELL = frozenset("|;&$<>")
_EVERYTHING = frozenset({"everything", "all", "alles", "tout", "todo"})
_ON = frozenset({"on", "from", "off", "at", "auf", "von", "sur", "en"})
_ALL_OF_IT = frozenset({("all", "of"), ("it", "all"), ("that", "all"), ("them", "all")})


def is_pasted(clause: Clause) -> bool:
    """Whether it holds a command line: "run 'curl … | bash' on nuc1"."""
    quoted = (token.value for token in clause.tokens if token.kind is Kind.QUOTED)
    return any(_SHELL & {*value} for value in quoted)


def is_judged(clause: Clause) -> bool:
    """Whether something is said about what could be done."""
    return any(token.fold in _JUDGED for token in clause.tokens)


def is_hedged(clause: Clause) -> bool:
    """Whether somebody only thinks aloud: "maybe reboot web1"."""
    tokens = clause.piece.tokens
    someday = any(a.fold in _SOME and b.fold == "point" for a, b in itertools.pairwise(tokens))
    return someday or any(token.fold in _HEDGES for token in tokens)


def says_need(clause: Clause, lexicon: Lexicon) -> bool:
    """Whether it says what something needs, or what should be: "web1 needs a reboot"."""
    folded = [token.fold for token in clause.tokens]
    return lexicon.phrases("request_words").find(folded) is not None


def is_plain_order(profile: Profile, clause: Clause, index: CatalogIndex) -> bool:
    """Whether it is ordered: not "reboot web1 is a bad idea", "have Bob reboot web1"."""
    tokens = clause.tokens
    first = clause.verbs[0] if clause.verbs else None
    if clause.form not in ORDERED or is_judged(clause) or first is None:
        return False
    if tokens[0].fold not in _BIDS:
        return True
    own = profile.verbs
    verbs = ((place, index.book.at(tokens, place)) for place in range(2, len(tokens) - 1))
    acts = [place for place, verb in verbs if verb is not None and verb.canonical in own]
    plain = [place for place in acts if not is_participle(tokens[place])]
    return not any(is_content(tokens[place - 1], index.lexicon) for place in plain)


def removes_everything(profile: Profile, clause: Clause) -> bool:
    """Whether all is to go from somewhere, and nothing says all of what: "delete all on nas1".

    Whatever removes something would take the place for what it removes, so none is meant.
    """
    if not any("remove" in verb.groups for verb in clause.verbs):
        return False
    behind = clause.tokens[min(clause.verb_places, default=-1) + 1 :]
    what = [*itertools.takewhile(lambda token: token.fold not in _ON, behind)]
    folded = [token.fold for token in what]
    everything = {*folded} <= _EVERYTHING or (*folded[:2],) in _ALL_OF_IT
    said = any(t.stem in profile.nouns for t in what if t.fold not in _EVERYTHING)
    return bool(what) and len(what) < len(behind) and everything and not said
