"""Whether a clause may mean a capability at all, however near it is by meaning.

It may be denied, doubted, reported, judged, asked about, or go the other way.
"""

import itertools
from collections.abc import Sequence

from orchestrator.nlu.clauses import Clause, Form
from orchestrator.nlu.index import CatalogIndex
from orchestrator.nlu.lightverbs import is_participle
from orchestrator.nlu.meaning import Nearest
from orchestrator.nlu.plainness import is_hedged, is_judged, is_plain_order, removes_everything
from orchestrator.nlu.profile import Profile
from orchestrator.nlu.text import Token

_SHUTS = frozenset({"block", "lock", "disable", "pause", "close"})
_BIDS = frozenset({"get", "have", "make", "let", "ask", "tell", "do"})
_OUTCOMES = frozenset(
    {"pending", "approved", "cancelled", "canceled", "rejected", "aborted", "done", "failed"}
    | {"passed", "completed", "postponed", "progress", "upset"}
)
_BROAD = frozenset({"create", "set", "send"})
_OUT_OF = frozenset({("out", "of"), ("off", "of"), ("rid", "of")})
_NO_THINGS = frozenset({"in", "into", "away", "by", "to", "from", "out", "off", "rid", "you", "it"})
_WISHES = (frozenset({"can", "could", "may"}), frozenset({"i", "we"}), frozenset({"get", "have"}))


class Allowed:
    """Knows the words; built once per catalogue."""

    def __init__(self, index: CatalogIndex) -> None:
        self._index = index

    def allows(self, nearest: Nearest, clause: Clause, *, lenient: bool = False) -> bool:
        """Whether form and verb of a clause allow the capability at all.

        `lenient`: a verb that nobody knows may be one of its own: "fire the cert-sync job".
        """
        profile, sure = nearest.profile, nearest.is_sure
        alien = self._says_alien(profile, clause) and not (lenient and not profile.reads)
        if alien or _has_come_to(clause) or removes_everything(profile, clause):
            return False
        if profile.reads:
            return True
        if self.is_another_act(profile, clause) or self.doubts(clause):
            return False
        if not self._is_bid(profile, clause, sure=sure):
            return False
        opposes = self._opposes(profile, clause, sure=sure)
        if not profile.is_risky:
            removes = any("remove" in verb.groups for verb in clause.verbs)
            return not opposes or (sure and not removes)
        ordered = is_plain_order(profile, clause, self._index)
        if not clause.verbs:
            ordered = not self._turns(profile, clause)
        able = any(token.fold == "can" for token in clause.tokens)  # "anybody can revoke it"
        return ordered and not (able or opposes or is_judged(clause) or is_hedged(clause))

    def _is_bid(self, profile: Profile, clause: Clause, *, sure: bool) -> bool:
        """Whether the form of a clause may ask for a change: not "and the backup?"."""
        if clause.form is Form.THING:
            return not clause.piece.asked and self.may_end(profile, [clause])
        asks = clause.form is Form.QUESTION
        return not asks or is_wish(clause) or (sure and not clause.piece.asked)

    def doubts(self, clause: Clause) -> bool:
        """Whether it denies, doubts, reports or supposes: "punch no holes", "web1 might need …"."""
        words = self._index.lexicon.words("doubt_words")
        return any(token.fold in words for token in clause.tokens)

    def may_end(self, profile: Profile, clauses: Sequence[Clause]) -> bool:
        """Whether it is said that something ends, where a capability ends it.

        "Asmith still needs his login" is about accounts, and deletes none.
        """
        return not self.ends(profile) or any(self.does(profile, clause) for clause in clauses)

    def ends(self, profile: Profile) -> bool:
        """Whether a capability ends things, and does nothing else: not "add or remove a peer"."""
        endings = self._index.lexicon.words("endings")
        own = profile.own_groups or profile.groups
        return bool(own & endings) and not own & _beginnings(self._index)

    def turns_away(self, profile: Profile, clauses: Sequence[Clause]) -> bool:
        """Whether a verb says the opposite of what a capability does: block for unblock."""
        own = profile.verbs, profile.groups
        ways = self._index.lexicon.directions
        its = {number for number, way in enumerate(ways) if way & own[1]}
        verbs = [verb for clause in clauses for verb in self._index.book.within(clause.tokens)]
        if any(verb.canonical in own[0] or verb.groups & own[1] for verb in verbs):
            return False
        said = {n for n, way in enumerate(ways) if any(way & verb.groups for verb in verbs)}
        return bool(said) and not said & its

    def turns_back(self, profile: Profile, clauses: Sequence[Clause]) -> bool:
        """Whether verbs begin what a capability ends, or end what it begins: unblock for block."""
        verbs = [verb for clause in clauses for verb in self._index.book.within(clause.tokens)]
        said = frozenset().union(*(verb.groups for verb in verbs))
        endings = self._index.lexicon.words("endings")
        begins = _beginnings(self._index)
        own = profile.groups
        if said & own or any(verb.canonical in profile.verbs for verb in verbs):
            return False
        ends = bool(own & endings) and not own & begins
        return bool(said & begins) if ends else bool(said & endings)

    def _turns(self, profile: Profile, clause: Clause) -> bool:
        """Whether words beside a verb go the other way: "he should keep it", "get it back".

        An act that is only spoken of goes nowhere: "the dangers of opening port 80".
        """
        own = profile.groups
        words = self._index.lexicon.words("turning_words")
        pairs = itertools.pairwise(token.fold for token in clause.tokens)
        turned = any(token.fold in words for token in clause.tokens) and "restore" not in own
        turned = turned or any(pair in _OUT_OF for pair in pairs)
        states = self._index.lexicon.words("state_words")
        turned = turned or any(token.fold in states for token in clause.tokens[1:])
        return turned or self.is_spoken_of(clause)

    def is_another_act(self, profile: Profile, clause: Clause) -> bool:
        """Whether it opens with a verb of another trade: "order 20 GB", "get Bob to reboot it"."""
        first = clause.tokens[0]
        others = self._index.lexicon.words("other_acts")
        alien = first.fold in others and first.stem not in profile.verbs
        return alien or self._is_bidden(clause)

    def _is_bidden(self, clause: Clause) -> bool:
        """Whether somebody else is to do it: not "get access to codefresh"."""
        folded = [token.fold for token in clause.tokens]
        if folded[0] not in _BIDS or "to" not in folded[:-1]:
            return False
        to = folded.index("to")
        named = any(token.is_name_like for token in clause.tokens[1:to])
        return not named and self._index.book.at(clause.tokens, to + 1) is not None

    def is_done(self, profile: Profile, clause: Clause) -> bool:
        """Whether it tells that a capability's act is over: "staging3 deleted by mistake"."""
        own, groups = profile.verbs, profile.groups - _BROAD
        for place, token in enumerate(clause.tokens):
            verb = self._index.book.at(clause.tokens, place) if is_participle(token) else None
            if verb is not None and (verb.canonical in own or verb.groups & groups):
                return True
        return False

    def is_spoken_of(self, clause: Clause) -> bool:
        """Whether an act is only spoken of: "the dangers of opening port 80"."""
        return any(
            token.fold.endswith("ing") and self._index.book.at(clause.tokens, place) is not None
            for place, token in enumerate(clause.tokens)
        )

    def does(self, profile: Profile, clause: Clause) -> bool:
        """Whether a verb of the capability's is said somewhere."""
        own, groups = profile.verbs, profile.groups - _BROAD
        verbs = self._index.book.within(clause.tokens)
        return any(verb.canonical in own or verb.groups & groups for verb in verbs)

    def _says_alien(self, profile: Profile, clause: Clause) -> bool:
        """Whether a verb is said that no catalogue means: "imagine someone says …"."""
        own = profile.verbs
        return any(not verb.groups and verb.canonical not in own for verb in clause.verbs)

    def _opposes(self, profile: Profile, clause: Clause, *, sure: bool) -> bool:
        """Whether the verb goes another way: "delete the snapshot" is not to take one."""
        names, own = profile.verbs, profile.groups
        verbs = clause.verbs or self._index.book.within(clause.tokens)
        if not verbs or any(verb.canonical in names or verb.groups & own for verb in verbs):
            return False
        if "remove" in own and any(verb.groups & _SHUTS for verb in verbs):
            return True  # who blocks an account keeps it
        ways = self._index.lexicon.directions
        said = {n for n, way in enumerate(ways) if any(way & verb.groups for verb in verbs)}
        its = {number for number, way in enumerate(ways) if way & own}
        ends = any(verb.groups & self._index.lexicon.words("endings") for verb in verbs)
        if said:
            return not said & its and (bool(its) or ends)
        light = any(self._index.lexicon.is_light(verb.canonical) for verb in verbs)
        loose = _BROAD | self._index.lexicon.reading_groups | {"update"}
        broad = any(not verb.groups or verb.groups & loose for verb in verbs)
        # "Port 80 needs a review"; but "park it in vlan 999" is surely about nothing else.
        sure = sure and 0 in clause.verb_places
        return profile.is_risky and not (light or broad or sure)


def _beginnings(index: CatalogIndex) -> frozenset[str]:
    """Return the groups of verbs that end nothing: "start", "grant", "restart"."""
    return frozenset().union(*index.lexicon.directions) - index.lexicon.words("endings")


def _has_come_to(clause: Clause) -> bool:
    """Whether it tells what came of an act: "deletion of staging3 approved"."""
    folded = [token.fold for token in clause.piece.tokens]
    acts = folded[1:2] == ["of"] or folded[2:3] == ["of"]
    return acts and bool(_OUTCOMES & {*folded[3:]})


def is_wish(clause: Clause) -> bool:
    """Whether "can we have 20 GB more?" asks for a thing, and no question."""
    opening = [token.fold for token in clause.piece.tokens[: len(_WISHES)]]
    said = zip(opening, _WISHES, strict=False)
    wished = len(opening) == len(_WISHES) and all(word in words for word, words in said)
    following = clause.piece.tokens[len(_WISHES) : len(_WISHES) + 1]
    return wished and not any(map(_is_no_thing, following))


def _is_no_thing(token: Token) -> bool:
    """Whether "can I get …" goes on as a question: "… fined for it", "… in trouble", "a look"."""
    return token.fold in _NO_THINGS or token.fold.endswith(("ed", "ing", "en"))
