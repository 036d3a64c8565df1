"""Which words of a clause say where something goes or comes from, not what is acted on."""

from orchestrator.nlu.chunks import is_content
from orchestrator.nlu.clauses import Clause
from orchestrator.nlu.lexicon import Lexicon
from orchestrator.nlu.prepositions import PERSONS, is_called_by
from orchestrator.nlu.profile import Profile
from orchestrator.nlu.slots import Slot

AIMS = frozenset(
    {"to", "into", "with", "zu", "zum", "zur", "mit", "avec", "con", "au", "aux", "al"}
)
"""What follows one of these behind an object is where that goes, or with what."""
_CLITICS = frozenset({"la", "le", "les", "lo", "los", "las"})  # "ajoute-la au groupe"
_SOURCES = frozenset({"from", "out", "von", "aus", "depuis", "desde"})
_INTO = frozenset({"in", "on", "onto", "of", "auf", "ins", "dans", "en"})
"""Behind these, too, no person is named who is pointed at: "put her in admins"."""


def aimed_at(
    profile: Profile, clause: Clause, lexicon: Lexicon, *, settled: bool = False
) -> frozenset[int]:
    """Return the places that cannot be what the capability acts on.

    "Add gitea to kuma", "kill it with fire": another object was named before. Behind a noun
    only where the verb is not the capability's own, which may well act on where things go.
    Where it is `settled` that the capability is meant, only who is pointed at counts as named.
    """
    slot = profile.main_slot
    if slot is None:
        return frozenset()
    begin = min(clause.verb_places, default=-1) + 1
    while begin in clause.verb_places:
        begin += 1
    tokens, aims = clause.tokens, range(begin + 1, len(clause.tokens))
    first = tokens[begin].fold if begin < len(tokens) else ""
    second = tokens[begin + 1].fold if begin + 1 < len(tokens) else ""
    person = first in lexicon.words("personal_pronouns") or (first in _CLITICS and second in AIMS)
    person = person and bool(slot.nouns & PERSONS)
    if settled and not person:
        return frozenset()
    borders = AIMS | _SOURCES | _INTO if person else _borders(profile, slot, first, lexicon)
    aim = next((place for place in aims if tokens[place].fold in borders), None)
    particle = max(clause.verb_places, default=-1)
    if person and particle > begin:
        aim = particle  # "take her off grafana"
    if not clause.verbs or aim is None or begin >= len(tokens):
        return frozenset()
    objects = tokens[begin:aim]
    alone = first in lexicon.words("pronouns") and len(objects) == 1
    pointed = alone or person or first in lexicon.words("personal_pronouns")
    named = any(is_content(token, lexicon) for token in objects)
    own = any(verb.canonical in profile.own_verbs for verb in clause.verbs)
    if not pointed and (own or not named):
        return frozenset()
    places = lexicon.words("prepositions") - AIMS
    end = (p for p in range(aim + 1, len(tokens)) if tokens[p].fold in places)
    return frozenset(range(aim, next(end, len(tokens))))


def _borders(profile: Profile, slot: Slot, first: str, lexicon: Lexicon) -> frozenset[str]:
    """Return the words behind which `slot` is not named, `first` being the first one acted on."""
    shown = profile.prepositions.get(slot.name, set())
    borders = frozenset() if is_called_by(slot, "to") or shown & AIMS else AIMS
    if first in lexicon.words("pronouns"):
        borders |= _SOURCES  # "restore it from dump-7"
    return borders
