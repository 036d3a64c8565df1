"""A second opinion where rules and meaning leave a clause open: whose texts it resembles.

Rules know who does what to whom, and fail on words they have not met; a bag of words knows only
what is spoken of. So it never overrules them: it chooses where they ask, and it reads what they
would tell back. What could spoil something still needs a verb of the capability's.
"""

from collections.abc import Sequence

from orchestrator.nlu.candidate import NEEDED, Candidate
from orchestrator.nlu.clauses import Clause, Form
from orchestrator.nlu.evidence import OWN_WORD
from orchestrator.nlu.fill import Filler
from orchestrator.nlu.index import CatalogIndex
from orchestrator.nlu.plainness import ASKING, is_hedged, is_pasted, is_plain_order
from orchestrator.nlu.profile import Profile
from orchestrator.nlu.similar import Similarity

_RESEMBLING = 0.16  # of what is this alike, nine in ten are meant so
_CHOSEN = 0.1  # the same, where rules have narrowed it down
_STANDS_OUT = 0.05
_PLAINLY = 0.25  # so alike, what spoils nothing needs no verb: "invoice.odt as a pdf"
_APART = 0.1
_NEARLY = 0.15  # as far below what its risk asks for, a risky reading may still be confirmed
_TRUSTED = 0.8
_OF = frozenset({"of", "von", "de", "du"})
_BROAD = frozenset({"create", "set", "import"})


class Resemblance:
    """Confirms or finds a reading by the likeness of texts; built once per catalogue."""

    def __init__(self, index: CatalogIndex, filler: Filler, similarity: Similarity) -> None:
        self._index = index
        self._filler = filler
        self._similarity = similarity

    def among(self, clause: Clause, read: Sequence[Candidate]) -> Candidate | None:
        """Return the one of the readings left open that the clause resembles, if it stands out.

        Or another capability's that stands out more, where the clause says all that it needs.
        """
        profile, alike, lead = self._nearest(clause)
        if profile is None:
            return None
        looks = profile.reads
        by_rules = next((c for c in read if c.profile is profile), None)
        enough = _CHOSEN if looks else _RESEMBLING
        if alike < enough or lead < (_STANDS_OUT if looks else 2 * _STANDS_OUT):
            return None
        dares = by_rules is not None and by_rules.dares(read)
        unordered = profile.is_risky and not is_plain_order(profile, clause, self._index)
        if dares or unordered or not self._may_be(profile, clause, by_rules):
            return None
        if by_rules is None:
            found = self._read(profile, clause)
            sure = not (profile.is_risky and any(candidate.is_accepted for candidate in read))
            return found if found.is_whole and sure else None
        sure = by_rules.is_whole or (by_rules.verb >= OWN_WORD and not is_hedged(clause))
        return by_rules if sure or not profile.is_risky else None

    def instead(self, clause: Clause, read: Sequence[Candidate]) -> Candidate | None:
        """Return what a clause resembles that rules would tell back; None where none stands out.

        Args:
            clause: what to read.
            read: the readings that rules gave it and found too weak.
        """
        profile, alike, lead = self._nearest(clause)
        if profile is None or alike < _RESEMBLING or lead < _STANDS_OUT:
            return None
        by_rules = next((c for c in read if c.profile is profile), None)
        if profile.is_risky and not is_plain_order(profile, clause, self._index):
            return None
        if self._may_be(profile, clause, by_rules):
            return self._read(profile, clause)
        # A question is answered with a look only, an order with something to do.
        fits = not profile.is_risky and profile.reads == (clause.form is Form.QUESTION)
        plain = fits and alike >= _PLAINLY and lead >= _APART
        if not plain or self._says_another(profile, clause):
            return None
        found = self._read(profile, clause)
        return found if found.is_whole else None

    def _nearest(self, clause: Clause) -> tuple[Profile | None, float, float]:
        """Return the most alike capability, how alike it is, and how far ahead of the next."""
        light = clause.tokens[0].fold in self._index.lexicon.words("light_verbs")
        # "Do whatever it says", but "take a screenshot".
        alien = any(not verb.canonical for verb in clause.verbs) and not light
        if alien or is_pasted(clause) or clause.form not in ASKING:
            return None, 0.0, 0.0
        alike = self._similarity.of(clause.tokens)
        ranked = sorted(alike, key=lambda name: -alike[name])[:2]
        if not ranked:
            return None, 0.0, 0.0
        best, second = alike[ranked[0]], alike[ranked[1]] if len(ranked) > 1 else 0.0
        return self._index.by_name[ranked[0]], best, best - second

    def _read(self, profile: Profile, clause: Clause) -> Candidate:
        fill = self._filler.fill(profile, clause, settled=True)
        score = max(NEEDED[profile.capability.risk], _TRUSTED)
        return Candidate(profile, score, fill, 1.0, OWN_WORD)

    def _may_be(self, profile: Profile, clause: Clause, by_rules: Candidate | None) -> bool:
        """Whether form and verb of the clause allow the capability at all."""
        if profile.reads:
            return self._is_look(profile, clause)
        if clause.form is Form.QUESTION or not self._says_verb(profile, clause):
            return False
        if clause.form is Form.THING and profile.is_risky:
            return False  # "the phrase delete vm build7 appears in the manual"
        if by_rules is None:
            return True
        needed = NEEDED[profile.capability.risk]
        # Not "set it to 22", which fits whatever can be set; nor "restart my career", whose verb
        # is right and nothing else.
        return by_rules.is_worded and not (profile.is_risky and by_rules.score < needed - _NEARLY)

    def _is_look(self, profile: Profile, clause: Clause) -> bool:
        """Whether nothing but a look is asked for, and at something that `profile` speaks of."""
        noun = any(token.fold in _OF for token in clause.tokens[1:2])  # "load of db1"
        verb = clause.verbs[0] if clause.verbs and not noun else None
        looks = verb is None or verb.groups & self._index.lexicon.reading_groups
        own = verb is not None and (
            verb.canonical in profile.verbs or self._index.lexicon.is_light(verb.canonical)
        )
        places = set(range(len(clause.tokens))) - (verb.places if verb else frozenset())
        said = (self._index.keys(clause.tokens[place].stem) for place in places)
        named = any(key in profile.nouns for keys in said for key in keys)
        return bool(looks or own) and named

    def _says_another(self, profile: Profile, clause: Clause) -> bool:
        """Whether a verb is said that is not the capability's and does something."""
        groups = profile.groups | self._index.lexicon.reading_groups
        own = profile.verbs
        return any(
            verb.canonical
            and not (verb.canonical in own or verb.groups & groups)
            and not self._index.lexicon.is_light(verb.canonical)
            for verb in clause.verbs
        )

    def _says_verb(self, profile: Profile, clause: Clause) -> bool:
        """Whether a verb of `profile` is said, and no other one that has a meaning of its own."""
        said = [*clause.verbs, *self._index.book.within(clause.tokens)]
        verbs, groups = profile.verbs, profile.groups - self._index.lexicon.reading_groups
        fits = [verb.canonical in verbs or bool(verb.groups & groups) for verb in said]
        first = clause.verbs[0] if clause.verbs else None
        light = first is None or self._index.lexicon.is_light(first.canonical)
        broad = first is not None and bool(first.groups) and first.groups <= _BROAD
        told = not (light or broad or fits[0])  # "delete the record" is no "create a record"
        return any(fits) and not told
