"""Finds the verb of an order where it does not open the clause, and where a purpose begins."""

from collections.abc import Sequence

from orchestrator.nlu.lexicon import Lexicon
from orchestrator.nlu.text import Kind, Token
from orchestrator.nlu.verbs import Verb, VerbBook

_PUSHED = frozenset({"force", "hard", "soft"})
"""Say how, whatever follows the verb: "force stop VM 105"."""
_CLITICS = frozenset({"le", "la", "les", "lui", "leur", "me", "nous", "y", "en", "moi"})
_NO_ORDER = frozenset({"beim", "wahrend", "nach", "vor", "zum", "um", "ohne", "statt", "anstatt"})
_GERMAN = frozenset(
    {"die", "der", "das", "den", "dem", "ein", "eine", "einen", "alle", "auf", "von", "vom", "im"}
    | {"mit", "fur", "bei", "aus", "mir", "uns", "dann", "danach", "neu", "und", "auch", "noch"}
)
_MODALS = frozenset(
    {"werden", "wird", "werde", "wurde", "wurden", "wollte", "wollten", "will", "wollen", "konnte"}
    | {"konnten", "kann", "konnen", "sollte", "sollten", "soll", "sollen", "muss", "mussen"}
    | {"musste", "mussten", "darf", "durfen", "mochte", "mochten", "haben", "hat", "hatte", "habe"}
    | {"lassen", "lasst", "liess", "zu", "ich", "er", "man", "wir", "wer", "warum", "wie", "wann"}
)
_ASKED_FOR = frozenset(
    {"want", "need", "like", "love", "able", "sure", "remember", "try", "going", "ready", "how"}
    | {"what", "where", "when", "which", "time", "way", "about", "supposed", "used", "have", "has"}
    | {"ought", "forget", "possible", "me", "us", "you", "him", "her", "them", "it", "not", "up"}
)
"""Before "to", what follows is wished, asked or done by another: no reason."""
_DONE_FOR = frozenset(
    {"restart", "start", "stop", "scale", "update", "clean", "remove", "renew", "rotate", "deploy"}
    | {"restore", "expand", "backup", "block", "silence", "drain", "pause", "disable", "raise"}
    | {"lower", "optimize", "repair", "enable"}
)
"""Groups of verbs that take no order behind "to": what they are done for follows."""


class WordOrder:
    """Knows the words; built once per catalogue."""

    def __init__(self, lexicon: Lexicon, book: VerbBook) -> None:
        self._lexicon = lexicon
        self._book = book

    def behind_manner(self, tokens: Sequence[Token]) -> Verb | None:
        """Return the verb of "force stop VM 105", "gracefully shut down nginx"."""
        if len(tokens) < 2 or tokens[0].kind is not Kind.WORD:  # noqa: PLR2004
            return None
        how = tokens[0].fold
        adverb = how in self._lexicon.words("adverbs") or how.endswith("ly")
        told = how in self._lexicon.words("adjectives_of_manner")
        verb = self._book.at(tokens, 1) if adverb or told or how in _PUSHED else None
        if verb is None or not verb.groups or tokens[1].fold.endswith(("ed", "ing")):
            return None
        return verb if not told or how in _PUSHED or self._is_noun_of(tokens, verb) else None

    def _is_noun_of(self, tokens: Sequence[Token], verb: Verb) -> bool:
        """Whether what follows "full backup" is what it acts on: not "full backup status"."""
        rest = tokens[max(verb.places) + 1 :]
        if not rest or rest[0].kind is not Kind.WORD or rest[0].is_name_like:
            return True
        closed = self._lexicon.words("prepositions") | self._lexicon.words("english_determiners")
        return rest[0].fold in closed

    def at_end(self, tokens: Sequence[Token], *, follows_german: bool) -> Verb | None:
        """Return the verb of "die letzten 100 Zeilen vom Log zeigen": German orders end so."""
        folded = {token.fold for token in tokens}
        if len(tokens) < 3 or folded & _MODALS or tokens[0].fold in _NO_ORDER:  # noqa: PLR2004
            return None
        last = tokens[-1].fold
        if not last.endswith(("en", "ern", "eln")) or not (follows_german or folded & _GERMAN):
            return None
        for place in (len(tokens) - 2, len(tokens) - 1):
            verb = self._book.at(tokens, place)
            if verb is not None and max(verb.places) == len(tokens) - 1:
                return verb
        return None

    def behind_pronoun(self, tokens: Sequence[Token]) -> Verb | None:
        """Return the verb of "(merci de) le renouveler"."""
        if len(tokens) < 2 or tokens[0].fold not in _CLITICS:  # noqa: PLR2004
            return None
        infinitive = tokens[1].fold.endswith(("er", "ir", "re"))
        return self._book.at(tokens, 1) if infinitive else None

    def purpose(self, tokens: Sequence[Token]) -> int | None:
        """Return where "restart nginx to apply the changes" begins to say what for."""
        verb = self._head(tokens)
        if verb is None or not verb.groups & _DONE_FOR:
            return None
        for place in range(max(verb.places) + 2, len(tokens) - 2):
            what = tokens[place + 1].fold
            before = tokens[place - 1].fold
            if tokens[place].fold != "to" or what not in self._lexicon.words("purposes"):
                continue
            closed = self._lexicon.words("prepositions") - {"for", "with", "about"}
            if before not in _ASKED_FOR and tokens[place + 2].fold not in closed:
                return place
        return None

    def _head(self, tokens: Sequence[Token]) -> Verb | None:
        """Return the first verb, within a few words of politeness."""
        found = (self._book.at(tokens, place) for place in range(min(len(tokens), 6)))
        return next((verb for verb in found if verb is not None and verb.groups), None)
