"""Manners of speech around an order: negation, politeness, greeting, asking how."""

import re
from collections.abc import Sequence

from orchestrator.nlu.lexicon import Lexicon
from orchestrator.nlu.text import Kind, Token, stem

PLEASE = frozenset({"please", "pls", "plz", "bitte", "stp", "svp"})
"""What only an order, or a wish, is said with."""
_POLITE_WORDS = 6
_GREETING_WORDS = 4
_THANKS = frozenset(
    {"thanks", "thank", "thx", "sorry", "cheers", "danke", "merci", "gracias", "dear"}
)
_OLDER = frozenset(
    {"version", "release", "previous", "last", "older", "earlier", "before", "yesterday"}
    | {"snapshot", "backup", "dump", "checkpoint"}
)
_FOR = frozenset({"for", "to", "about", "that", "if", "you", "fur", "dass", "pour", "por", "de"})
_FOUND = frozenset({"report", "complain", "notic", "confirm", "discov", "found", "see", "saw"})
_NEEDS_NO = frozenset({("needs", "no"), ("need", "no"), ("needs", "not"), ("requires", "no")})
_TOLD = frozenset({"ca", "cest", "tout", "it", "its", "that", "everything", "das", "alles", "todo"})
_VERSION_RE = re.compile(r"v?\d+(?:\.\d+)+|v\d+")
_NO_THING = frozenset({"it", "this", "that", "i", "we", "you", "he", "she", "they", "there", "be"})
_IRREGULAR = frozenset({"set", "reset", "put", "shut", "sent", "made", "given", "taken", "run"})
_HOW = frozenset({"without", "safely", "somehow", "remotely", "at", "by", "if", "ever", "even"})
_FRENCH_INFINITIVES = ("er", "ir", "re")
OPENING = 4
"""Words at the head of a piece in which "said" or "not" governs the whole."""


class Manners:
    """Knows the words; built once per catalogue."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon

    def is_negated(self, folded: Sequence[str]) -> bool:
        """Whether a piece says that something is not to be done."""
        if not folded or self._lexicon.phrases("not_negations").at(folded, 0):
            return False
        if self._lexicon.phrases("negations").at(folded, 0):
            return folded[0] not in {"leave", "skip", "avoid"} or self._is_left_alone(folded)
        if tuple(folded[-3:-1]) in _NEEDS_NO and stem(folded[-1]) in self._lexicon.actions:
            return True  # "web2 needs no restart"
        subject = folded[0] in self._lexicon.words("subjects")
        if subject and self._lexicon.phrases("negations").find(folded[:OPENING], 1):
            return True
        return bool(set(folded) & self._lexicon.words("negators_anywhere"))

    def _is_left_alone(self, folded: Sequence[str]) -> bool:
        return folded[0] != "leave" or bool(
            self._lexicon.words("leave_ends") & set(folded) or not folded[2:]
        )

    def strip(self, tokens: tuple[Token, ...]) -> tuple[tuple[Token, ...], bool]:
        """Return the tokens without greeting and politeness; whether a wish was spoken."""
        wished = False
        while tokens:
            folded = [token.fold for token in tokens]
            if self._lexicon.phrases("not_negations").at(folded, 0) == 0 and self.is_negated(
                folded
            ):
                break
            if length := self._lexicon.phrases("polite").at(folded, 0):
                wished = True
                tokens = tokens[length:]
            elif _is_passive_wish(folded):
                wished = True
                tokens = tokens[1:]
            elif folded[:2] == ["go", "back"] and _is_older(folded[2:]):
                break
            elif folded[0] in _THANKS and folded[1:2] and folded[1] in _TOLD:
                tokens = tokens[1:]  # "merci ca marche"
            elif length := self._lexicon.phrases("as_said").at(folded, 0):
                tokens = tokens[length:]
            elif folded[0] in self._lexicon.words("fillers") or folded[0].startswith("@"):
                tokens = tokens[1:]
            else:
                break
        kept = self._without_praise(tokens)
        return self._strip_end(kept), wished or len(kept) < len(tokens)

    def _without_praise(self, tokens: tuple[Token, ...]) -> tuple[Token, ...]:
        """Return the tokens without what wishes at the end: "a restart … would be great"."""
        folded = [token.fold for token in tokens]
        praise = self._lexicon.phrases("praises")
        if folded[:1] and folded[0] in self._lexicon.words("subjects"):
            return tokens  # "I doubt a restart would be great"
        counted = folded[:1] and folded[0][:1].isdigit()  # "2h should do"
        for place in range(1 if counted else 2, len(folded) - 1):
            if praise.at(folded, place) == len(folded) - place:
                return tokens[:place]
        return tokens

    def _strip_end(self, tokens: tuple[Token, ...]) -> tuple[Token, ...]:
        while tokens:
            asked = len(tokens) > 1 and tokens[-1].fold in self._lexicon.words("state_words")
            if asked and self._lexicon.questions["check"].at([tokens[0].fold], 0):
                break  # "is it ok"
            if tokens[-1].fold in self._lexicon.words("closing"):
                tokens = tokens[:-1]
            elif length := self._polite_end([token.fold for token in tokens]):
                tokens = tokens[:-length]
            else:
                break
        return tokens

    def _polite_end(self, folded: Sequence[str]) -> int:
        """Return how many words at the end are politeness ("s'il te plaît")."""
        polite = self._lexicon.phrases("polite")
        lengths = range(min(_POLITE_WORDS, len(folded) - 1), 0, -1)
        return next((n for n in lengths if polite.at(folded, len(folded) - n) == n), 0)

    def is_small_talk(self, tokens: Sequence[Token]) -> bool:
        """Whether a piece is nothing but greeting, thanks or chatter."""
        folded = [token.fold for token in tokens if token.kind is Kind.WORD]
        if self._is_thanks(folded) or self.is_pleading(folded) or self._is_as_said(folded):
            return True
        place = 0
        while place < len(folded):
            length = self._lexicon.phrases("small_talk").at(folded, place)
            if not length and folded[place] not in self._lexicon.words("chatter"):
                return False
            place += length or 1
        return len(folded) == len(tokens)

    def _is_as_said(self, folded: Sequence[str]) -> bool:
        """Whether a piece only says where it was spoken of: "as discussed in the meeting"."""
        length = self._lexicon.phrases("as_said").at(folded, 0) if folded else 0
        rest = folded[length:]
        placed = bool(rest) and rest[0] in self._lexicon.words("prepositions")
        return length > 0 and placed and len(rest) <= _GREETING_WORDS and not {*rest} & PLEASE

    def hedge(self, tokens: Sequence[Token]) -> int:
        """Return how many words at the head only say how sure it is: "users report that …"."""
        folded = [token.fold for token in tokens]
        if length := self._lexicon.phrases("hedges").at(folded, 0):
            return length
        for place in range(1, min(len(tokens), OPENING + 1)):
            if folded[place] == "that" and tokens[place - 1].stem in _FOUND:
                return place + 1
        return 0

    def is_pleading(self, folded: Sequence[str]) -> bool:
        """Whether a piece begs for patience or pardon: "please forgive me", "bear with me"."""
        pleading = self._lexicon.phrases("pleading")
        begins = self._lexicon.phrases("polite").at(folded, 0) if folded else 0
        if begins >= len(folded):
            return False
        return pleading.at(folded, 0) > 0 or pleading.at(folded, begins) > 0

    @staticmethod
    def _is_thanks(folded: Sequence[str]) -> bool:
        """Whether a piece gives thanks or asks pardon for something: "thanks for the help"."""
        begins = next((i for i, word in enumerate(folded[:2]) if word in _THANKS), None)
        if begins is None or len(folded) < 2:  # noqa: PLR2004
            return False
        if (PLEASE | {"need", "needs"}) & {*folded}:
            return False
        asked = [*folded[begins : begins + 2]] == ["merci", "de"]
        if asked and any(word.endswith(_FRENCH_INFINITIVES) for word in folded[2:4]):
            return False  # "merci de le renouveler"
        greets = folded[0] == "dear" and len(folded) <= _GREETING_WORDS
        return greets or bool({*folded[begins + 1 : begins + 2]} & _FOR)

    @staticmethod
    def goes_back(tokens: Sequence[Token]) -> bool:
        """Whether "back to v1.2" orders; "back to work", "back to PR 12" and "back to 3" do not."""
        folded = [token.fold for token in tokens]
        dated = any(_VERSION_RE.fullmatch(word) or word in _OLDER for word in folded[2:6])
        return folded[:2] == ["back", "to"] and dated

    def is_howto(self, folded: Sequence[str]) -> bool:
        """Whether a piece asks how, or whether, something should be done."""
        place = 0
        while place < len(folded) and folded[place] in self._lexicon.words("fillers"):
            place += 1
        if place == len(folded):
            return False
        asked = self._lexicon.phrases("howto").at(folded, place)
        return asked > self._lexicon.phrases("polite").at(folded, place)  # "would it be possible"


def _is_older(folded: Sequence[str]) -> bool:
    """Whether "go back to …" names a state before, and not work or bed."""
    return any(word in _OLDER or any(map(str.isdigit, word)) for word in folded)


def _is_passive_wish(folded: Sequence[str]) -> bool:
    """Whether "can my quota be set to 10 GB" wishes; "can it be done safely" only asks."""
    be = folded.index("be") if "be" in folded else 0
    if folded[:1] != ["can"] or not 1 < be < len(folded) - 1 or folded[1] in _NO_THING:
        return False
    done = folded[be + 1].endswith("ed") or folded[be + 1] in _IRREGULAR
    return done and not _HOW & {*folded[be:]}
