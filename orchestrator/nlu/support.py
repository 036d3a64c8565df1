"""Takes off words around the verb that say nothing: "create" a snapshot, a "hard" reset."""

from dataclasses import replace

from orchestrator.nlu.clauses import Clause
from orchestrator.nlu.index import CatalogIndex
from orchestrator.nlu.profile import Profile
from orchestrator.nlu.verbs import Verb


def by_noun(clause: Clause, index: CatalogIndex) -> Clause:
    """Return the clause without the verb that only supports its noun.

    "Create" says nothing of what "create a snapshot" means where some capability snapshots
    and none creates snapshots; it would speak for all those that create.
    """
    if len(clause.verbs) != 2 or not clause.verbs[0].places >= clause.verbs[1].places:  # noqa: PLR2004
        return clause
    noun, support = clause.verbs
    does = any(_says(profile, noun) for profile in index.profiles)
    makes = any(
        _says(profile, support) and noun.canonical in profile.nouns for profile in index.profiles
    )
    return replace(clause, verbs=(noun,)) if does and not makes else clause


def without_manner(clause: Clause, index: CatalogIndex) -> Clause:
    """Return the clause without "rolling" before "restart", unless the catalogue knows the word."""
    if len(clause.verbs) != 1 or min(clause.verb_places) != 1 or len(clause.tokens) < 2:  # noqa: PLR2004
        return clause
    how, verb = clause.tokens[0], clause.verbs[0]
    told = how.fold in index.lexicon.words("adjectives_of_manner")
    if not told or index.is_said(how):
        return clause
    places = frozenset(place - 1 for place in verb.places)
    return replace(clause, tokens=clause.tokens[1:], verbs=(replace(verb, places=places),))


def _says(profile: Profile, verb: Verb) -> bool:
    return verb.canonical in profile.own_verbs | profile.example_verbs
