"""Verbs that say nothing by themselves: "do a restart of", "give it a kick", "get it restarted"."""

from collections.abc import Sequence
from dataclasses import replace

from orchestrator.nlu.lexicon import Lexicon
from orchestrator.nlu.text import Kind, Token
from orchestrator.nlu.verbs import Verb, VerbBook

NOMINATIVE = frozenset({"i", "we", "they", "he", "she", "wir", "ich", "nous", "je"})
_MAKING = frozenset({"create", "make", "take", "do", "run", "perform", "trigger", "add", "execute"})
_CAUSATIVE = frozenset({"get", "have", "need", "make"})
_ASKING = frozenset({"do", "have"})
_DOING = frozenset({"do", "doing", "perform", "performing", "run", "make", "making"})
_BEGINNING = frozenset({("kick", "off"), ("carry", "out"), ("set", "off")})
_REACH = 6
_NOUN_WORDS = 3  # from the article to the noun


class LightVerbs:
    """Knows the words; built once per catalogue."""

    def __init__(self, lexicon: Lexicon, book: VerbBook) -> None:
        self._lexicon = lexicon
        self._book = book

    def action(self, tokens: Sequence[Token]) -> Verb | None:
        """Return the action of "do a restart of", "give it a kick", "get it restarted"."""
        if tokens[0].fold not in self._lexicon.words("light_verbs"):
            return self._begun(tokens)
        if tokens[0].fold in _ASKING and tokens[1:] and tokens[1].fold in NOMINATIVE | {"you"}:
            return None  # "do we have a backup of it"
        articles = self._lexicon.words("articles") | {"one"}
        articles |= {"the"} if tokens[0].fold in _DOING else frozenset()
        for place in range(1, min(len(tokens), _REACH + 1)):
            verb = self._book.at(tokens, place)
            if verb is None:
                continue
            named = (tokens[0].stem, tokens[place].stem) in self._book.acts
            if named and self._book.at(tokens, 0) is not None:
                break  # "create a branch", where that is a capability's name
            near = self.noun_phrase(tokens, place)
            done = is_participle(tokens[place])
            bare = place == 1 and not done and len(tokens) > max(verb.places) + 1
            if bare and self.ends_noun(tokens, verb) and tokens[0].fold in _MAKING:
                return replace(verb, places=verb.places | {0})  # "create backup of orders"
            fresh = tokens[place].fold == "new" and bool(near & articles)
            if fresh:  # "get a new certificate"
                return replace(verb, places=verb.places | {0})
            wished = done and place > 1 and tokens[0].fold in _CAUSATIVE
            if wished or (near & articles and not done and self.ends_noun(tokens, verb)):
                return replace(verb, places=verb.places | {0})
        return None

    def _begun(self, tokens: Sequence[Token]) -> Verb | None:
        """Return the action of "kick off patching of db1", "carry out the restart of nginx"."""
        if tuple(token.fold for token in tokens[:2]) not in _BEGINNING:
            return None
        articles = self._lexicon.words("articles") | {"the"}
        place = 3 if {token.fold for token in tokens[2:3]} & articles else 2
        verb = self._book.at(tokens, place) if place < len(tokens) else None
        if verb is None or is_participle(tokens[place]) or not self.ends_noun(tokens, verb):
            return None
        acts = place > 2 or tokens[place].fold.endswith("ing")  # noqa: PLR2004
        return replace(verb, places=verb.places | {0, 1}) if acts else None

    def noun_phrase(self, tokens: Sequence[Token], place: int, begin: int = 1) -> frozenset[str]:
        """Return the words before a noun that may be its article: "a (manual cache) purge"."""
        near = [token.fold for token in tokens[max(begin, place - _NOUN_WORDS) : place]]
        closed = self._lexicon.words("prepositions")
        begin = next((p for p in range(len(near), 0, -1) if near[p - 1] in closed), 0)
        return frozenset(near[begin:])

    def opens(self, tokens: Sequence[Token]) -> bool:
        """Whether "take a backup of it", "doing the deploy of nginx" begins here."""
        folded = [token.fold for token in tokens[:3]]
        if len(tokens) < 3 or folded[0] not in self._lexicon.words("light_verbs"):  # noqa: PLR2004
            return False
        articles = self._lexicon.words("articles") | {"the"}
        return folded[1] in articles and self._book.at(tokens, 2) is not None

    def ends_noun(self, tokens: Sequence[Token], verb: Verb) -> bool:
        """Whether the verb is the noun itself ("a backup of …"), not a part of one."""
        place = max(verb.places) + 1
        following = tokens[place].fold if place < len(tokens) else ""
        if place < len(tokens) and tokens[place].kind is Kind.QUOTED:
            return True  # "create a snapshot 'before' of …"
        closed = self._lexicon.words("stop") | self._lexicon.words("prepositions")
        return not following or following in closed | self._lexicon.words("fillers")


def is_participle(token: Token) -> bool:
    """Whether a word ends as "restarted" does."""
    return token.fold.endswith("ed") and token.stem != token.fold


def is_doing_or_done(token: Token) -> bool:
    """Whether a word ends as "restarted" or "restarting" does."""
    return is_participle(token) or (token.fold.endswith("ing") and token.stem != token.fold)
