"""Takes off words around the verb that say nothing: "create" a snapshot, a "hard" reset."""

from collections.abc import Sequence
from dataclasses import replace

from orchestrator.nlu.clauses import Clause, Form
from orchestrator.nlu.index import CatalogIndex
from orchestrator.nlu.profile import Profile
from orchestrator.nlu.text import Token, words
from orchestrator.nlu.verbs import Verb

_THANKS = 3  # words behind an order that say no more than thanks


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


def as_noun(clause: Clause, index: CatalogIndex) -> Clause:
    """Return "load on web1" as the thing that it names, where no capability loads anything."""
    if clause.form is not Form.ORDER or clause.negated or [*clause.verb_places] != [0]:
        return clause
    first = clause.piece.tokens[0] is clause.tokens[0]  # not "(but) to test"
    thing = first and names_thing(clause.tokens, index)
    return replace(clause, form=Form.THING, verbs=()) if thing else clause


def names_thing(tokens: Sequence[Token], index: CatalogIndex) -> bool:
    """Whether "load", "disk on web1" begin with a noun of the catalogue's that is no verb there."""
    word, rest = tokens[0], tokens[1:]
    placed = not rest or rest[0].fold in index.lexicon.words("prepositions")
    noun = word.stem in index.lexicon.noun_groups and not word.fold.endswith(("ing", "ed"))
    noun = noun and index.is_said(word)
    verb = index.book.at(tokens, 0)
    acts = verb is not None and any(_says(profile, verb) for profile in index.profiles)
    return placed and noun and not acts


def _says(profile: Profile, verb: Verb) -> bool:
    return verb.canonical in profile.verbs


def needed(clause: Clause, index: CatalogIndex, text: str) -> Clause | None:
    """Return "it needs a restart", "it needs restarting" as the order that it is.

    Not where somebody else is to do it, or where it is asked.
    """
    tokens, folded = clause.tokens, [token.fold for token in clause.tokens]
    opens = folded[:1] in (["it"], ["this"], ["that"]) and folded[1:2] == ["needs"]
    rest = text[clause.piece.tokens[-1].end :]
    goes_on = "?" in rest or len(rest.split()) > _THANKS  # "…, right?", "… He will do it."
    told = index.lexicon.words("report_words") & {*words(text)}
    if not opens or goes_on or told or "by" in folded:
        return None
    named = folded[2:3] in (["a"], ["another"])
    place = 3 if named else 2
    verb = index.book.at(tokens, place) if len(tokens) > place else None
    if verb is None or not (named or folded[2].endswith("ing")):
        return None
    verbs = (replace(verb, places=verb.places | set(range(1, place))),)
    return replace(clause, form=Form.ORDER, verbs=verbs)
