"""Finds the verb of an order where it does not open the clause, and where a purpose begins."""

from collections.abc import Sequence
from dataclasses import replace

from orchestrator.nlu.lexicon import Lexicon
from orchestrator.nlu.manners import PLEASE
from orchestrator.nlu.moments import moments
from orchestrator.nlu.text import Kind, Token, word_token
from orchestrator.nlu.verbs import Verb, VerbBook

MADE = frozenset({"taken", "made", "done"})
_PUSHED = frozenset({"force", "hard", "soft"})
"""Say how, whatever follows the verb: "force stop VM 105"."""
_CLITICS = frozenset({"le", "la", "les", "lui", "leur", "me", "nous", "y", "en", "moi", "l"})
_PLACES = frozenset({"auf", "in", "im", "von", "vom", "bei", "fur", "mit"})
PLACES = frozenset({"on", "at", "auf", "bei", "sur", "en"})
"""What says where, ahead of an order."""
_PLACED = 3  # words of "on web1 restart"
_ABOUT = frozenset({"for", "regarding", "concerning", "re", "wegen", "pour"})
_TELLING = ("auxiliaries", "troubles", "outcomes", "state_words")
"""Words of reports: "on web1 deploy failure", "on web1 backup complete"."""
_LIGHT_ENDS = frozenset({"machen", "durchfuhren", "ziehen", "fahren"})
_A = frozenset({"ein", "eine", "einen"})
_INTO = frozenset({"in", "into", "to"})
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
_BEFORE = frozenset({"before", "bevor", "avant", "antes"})
_BEFORE_THAT = 4  # words of "before you do that"
_THAT = frozenset({"that", "this", "so", "it", "doing", "do", "you", "we"})
_THAT |= frozenset({"du", "das", "machst", "tust"})
_INFINITIVES = {"pour": ("er", "ir", "re"), "para": ("ar", "er", "ir")}
_ROMANCE_ARTICLES = frozenset(
    {"le", "la", "les", "un", "une", "des", "du", "el", "los", "las", "una", "su", "sa", "son"}
)
_ASKED_FOR = frozenset(
    {"want", "need", "like", "love", "able", "sure", "remember", "try", "going", "ready", "how"}
    | {"what", "where", "when", "which", "time", "way", "about", "supposed", "used", "have", "has"}
    | {"ought", "forget", "possible", "me", "us", "you", "him", "her", "them", "it", "not", "up"}
)
"""Before "to", what follows is wished, asked or done by another: no reason."""
_SO_MANY = frozenset(
    {"much", "many", "far", "long", "on", "please", "could", "can", "would"}
    | {"now", "then", "also"}
)
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
        self._staged = frozenset(word for group in lexicon.same_values for word in group)

    def inside(self, tokens: Sequence[Token]) -> Verb | None:
        """Return the verb of an order that opens with how, when, where or what about."""
        return (
            self.behind_manner(tokens)
            or self.behind_time(tokens)
            or self.behind_place(tokens)
            or self.behind_please(tokens)
        )

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
        if how in _PUSHED:
            return replace(verb, places=verb.places | {0})  # "force" names nothing
        return verb if not told or self._is_noun_of(tokens, verb) else None

    def behind_time(self, tokens: Sequence[Token]) -> Verb | None:
        """Return the verb of "tomorrow at 5pm reboot db1"; "monday report" names a report."""
        said = moments(tokens, self._lexicon)
        closed = self._lexicon.words("prepositions")
        begin = next((p for p, t in enumerate(tokens) if p not in said and t.fold not in closed), 0)
        if not begin or not said & {*range(begin)} or len(tokens) < begin + 2:
            return None
        if tokens[begin].fold.endswith(("ed", "ing", "s")):
            return None
        verb = self._book.at(tokens, begin)
        behind = tokens[max(verb.places) + 1 :] if verb is not None else ()
        told = self._lexicon.words("auxiliaries") & {token.fold for token in behind}
        named = bool(behind) and behind[0].fold not in closed
        return verb if verb is not None and verb.groups and named and not told else None

    def behind_place(self, tokens: Sequence[Token]) -> Verb | None:
        """Return the verb of "on web1 restart nginx"; "on db1 the backup failed" has none."""
        named = len(tokens) > _PLACED and tokens[0].fold in PLACES and tokens[1].is_name_like
        verb = self._book.at(tokens, 2) if named else None
        behind = tokens[max(verb.places) + 1 :] if verb is not None else ()
        lone = len(behind) == 1 and behind[0].fold not in self._lexicon.all_words
        return verb if verb is not None and lone and self._bids(tokens, verb) else None

    def behind_please(self, tokens: Sequence[Token]) -> Verb | None:
        """Return the verb of "for the CUDA problem please drain gpu-1-12"."""
        if tokens[0].fold not in _ABOUT:
            return None  # "the user typed please delete …", "note to self please …"
        asked = (p for p, t in enumerate(tokens[:-2]) if p and t.fold in PLEASE)
        found = (self._book.at(tokens, place + 1) for place in asked)
        return next((verb for verb in found if verb is not None and self._bids(tokens, verb)), None)

    def _bids(self, tokens: Sequence[Token], verb: Verb) -> bool:
        """Whether a verb inside a clause bids: it tells nothing and something follows it."""
        behind = tokens[max(verb.places) + 1 :]
        told = frozenset[str]().union(*map(self._lexicon.words, _TELLING))
        tells = any(told & {t.fold, t.stem} or t.fold.endswith("ed") for t in behind)
        past = tokens[min(verb.places)].fold.endswith("ed")
        return bool(verb.groups and behind) and not (tells or past)

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
        if placed := self._before_place(tokens):
            return placed
        last = tokens[-1].fold
        if not last.endswith(("en", "ern", "eln")) or not (follows_german or folded & _GERMAN):
            return None
        for place in (len(tokens) - 2, len(tokens) - 1):
            verb = self._book.at(tokens, place)
            if verb is not None and max(verb.places) == len(tokens) - 1:
                return verb
        return None

    def light_end(self, tokens: Sequence[Token]) -> Verb | None:
        """Return the action of "ein Backup von paperless machen"."""
        framed = len(tokens) > 2 and tokens[-1].fold in _LIGHT_ENDS  # noqa: PLR2004
        if not framed or tokens[0].fold not in _A:
            return None
        verb = self._book.at(tokens, 1)
        if verb is None or not verb.groups:
            return None
        return replace(verb, places=verb.places | {0, len(tokens) - 1})

    def ahead(
        self, lead: frozenset[str], tokens: tuple[Token, ...]
    ) -> tuple[tuple[Token, ...], bool]:
        """Return whether a clause goes before what was said: "… first", "but first …".

        "Before you do that" at its end says no more, and is left out of the tokens.
        """
        words = self._lexicon.words("ahead")
        folded = [token.fold for token in tokens]
        if end := _before_that(folded):
            return tokens[:end], True
        ends = len(folded) > 1 and folded[-1] in words and folded[-2] != "the"  # "the first"
        contrary = lead | {*folded[:1]}
        opens = bool(words & {*folded[:2]}) and bool(contrary & {"but", "aber", "mais", "pero"})
        return tokens, ends or opens or {"before", "that"} <= lead

    @staticmethod
    def put_back(tokens: tuple[Token, ...]) -> tuple[Token, ...]:
        """Return "put back in the pool" for "back in the pool" among other orders."""
        folded = [token.fold for token in tokens[:3]]
        if len(folded) < 3 or folded[0] != "back" or folded[1] not in _INTO:  # noqa: PLR2004
            return tokens
        if folded[2].isdigit():
            return tokens  # "scale api to 1, then back to 3"
        return (word_token("put", tokens[0].start), *tokens)

    def _before_place(self, tokens: Sequence[Token]) -> Verb | None:
        """Return the verb of "Redis mal leeren auf staging", where a place follows it."""
        for place in range(1, len(tokens) - 1):
            ends = tokens[place].fold.endswith(("en", "ern", "eln"))
            if ends and tokens[place + 1].fold in _PLACES:
                verb = self._book.at(tokens, place - 1) or self._book.at(tokens, place)
                verb = verb if verb and max(verb.places) == place else self._book.at(tokens, place)
                spoken = {token.fold for token in tokens[:place]} & (_GERMAN | {"mal", "bitte"})
                if verb is not None and max(verb.places) == place and spoken:
                    return verb
        return None

    def behind_pronoun(self, tokens: Sequence[Token]) -> Verb | None:
        """Return the verb of "(merci de) le renouveler", to be put before its pronoun."""
        if len(tokens) < 2 or tokens[0].fold not in _CLITICS:  # noqa: PLR2004
            return None
        infinitive = tokens[1].fold.endswith(("er", "ir", "re"))
        verb = self._book.at(tokens, 1) if infinitive else None
        return replace(verb, places=frozenset({0})) if verb and len(verb.places) == 1 else None

    def purpose(self, tokens: Sequence[Token]) -> tuple[int, int] | None:
        """Return where "restart nginx to apply the changes" says what for, and to where."""
        if tokens and (end := self._um_zu(tokens, 0)):
            return 0, end
        verb = self._head(tokens)
        if verb is not None and (begin := self._so(tokens, max(verb.places))):
            return begin, len(tokens)
        if verb is None or not verb.groups & _DONE_FOR:
            return None
        last = max(verb.places)  # "I need nginx restarted to …", "starte nginx neu um …"
        whole = tokens[last].fold.endswith("ed") or last - min(verb.places) >= len(verb.places)
        for place in range(last + (1 if whole else 2), len(tokens) - 2):
            ways = (self._um_zu(tokens, place), self._is_pour(tokens, place))
            if any(ways) or self._is_to(tokens, place):
                return place, len(tokens)
        return None

    def _so(self, tokens: Sequence[Token], verb: int) -> int:
        """Return where "so nothing new lands on it" begins behind an order; 0 where none does."""
        for place in range(verb + 2, len(tokens) - 2):
            whose = tokens[place + 1]
            opens = tokens[place].fold == "so" and whose.fold not in _SO_MANY
            staged = any(token.fold in self._staged for token in tokens[place:])
            if opens and not staged and self._book.at(tokens, place + 1) is None:
                return place
        return 0

    def _is_to(self, tokens: Sequence[Token], place: int) -> bool:
        before, what = tokens[place - 1].fold, tokens[place + 1].fold
        closed = self._lexicon.words("prepositions") - {"for", "with", "about"}
        opens = tokens[place].fold == "to" and what in self._lexicon.words("purposes")
        return opens and before not in _ASKED_FOR and tokens[place + 2].fold not in closed

    def _is_pour(self, tokens: Sequence[Token], place: int) -> bool:
        """Whether "pour appliquer la config", "para aplicar los cambios" begins at `place`."""
        endings = _INFINITIVES.get(tokens[place].fold)
        if endings is None or not tokens[place + 1].fold.endswith(endings):
            return False
        acts = self._book.at(tokens, place + 1) is not None
        return acts or tokens[place + 2].fold in _ROMANCE_ARTICLES

    @staticmethod
    def _um_zu(tokens: Sequence[Token], place: int) -> int:
        """Return where "um die Konfiguration zu laden" at `place` ends; 0 where none begins."""
        if tokens[place].fold != "um":
            return 0
        for end in range(place + 3, len(tokens) + 1):
            if tokens[end - 2].fold == "zu" and tokens[end - 1].fold.endswith("en"):
                return end
        return 0

    def _head(self, tokens: Sequence[Token]) -> Verb | None:
        """Return the first verb, within a few words of politeness."""
        found = (self._book.at(tokens, place) for place in range(min(len(tokens), 6)))
        return next((verb for verb in found if verb is not None and verb.groups), None)


def made(tokens: tuple[Token, ...]) -> tuple[Token, ...]:
    """Return "make a backup" for "(once you have) made a backup"."""
    done = bool(tokens) and tokens[0].fold in MADE
    return (replace(tokens[0], fold="make", stem="make"), *tokens[1:]) if done else tokens


def _before_that(folded: Sequence[str]) -> int:
    """Return where "… before you do that" begins at the end of a clause; 0 without it."""
    begins = range(max(1, len(folded) - _BEFORE_THAT), len(folded) - 1)
    found = next((place for place in begins if folded[place] in _BEFORE), 0)
    return found if found and {*folded[found + 1 :]} <= _THAT else 0
