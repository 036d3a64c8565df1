"""Tells what was from what is to be done: "restarting nginx fixed it", "the cert expired today"."""

import itertools
from collections.abc import Sequence

from orchestrator.nlu.lexicon import Lexicon
from orchestrator.nlu.lightverbs import NOMINATIVE, is_participle
from orchestrator.nlu.pieces import Piece
from orchestrator.nlu.text import Token
from orchestrator.nlu.verbs import VerbBook

_FEW = 4
_HAPPENED = frozenset(
    {
        "done",
        "finished",
        "fertig",
        "hang",
        "misbehave",
        "freeze",
        "lag",
        "erledigt",
        "hung",
        "froze",
        "died",
        "spinnt",
        "streikt",
        "bricht",
        "deconne",
    }
)
_WAITING = frozenset({"wait", "warte", "warten", "attends", "attendre", "espera", "esperar"})
_FOR_WHAT = frozenset({"for", "until", "till", "bis", "que", "jusqua", "hasta", "a"})
_SOMEBODY = frozenset({"my", "our", "your", "his", "her", "me", "us", "you", "someone", "somebody"})
_CONSENT = frozenset(
    {"ok", "okay", "go", "go-ahead", "approval", "approve", "approves", "confirm", "confirms"}
    | {"confirmation", "permission", "signal", "answer", "reply", "consent", "blessing", "says"}
)
_WORDING = frozenset({"phrase", "sentence", "wording", "string", "quote", "satz", "expression"})
_HELPERS = frozenset({"does", "did", "is", "are", "was", "were", "has", "have"})
_ABOUT = frozenset({"about", "regarding", "concerning", "re", "wegen", "betreff", "concernant"})
_HOLDING = frozenset({"contains", "mentions", "enthalt", "contient", "contiene"})
_RELATIVE = frozenset({"that", "which", "who"})
_NEARLY = frozenset({"almost", "nearly", "totally", "completely", "fast", "presque", "casi"})
_HAVE = frozenset({"a", "ont", "est", "sont", "ha", "han", "esta", "estan"})
_PARTICIPLES = ("\u00e9", "\u00e9e", "\u00e9s", "\u00e9es", "ado", "ido", "ada", "\u00eddo")
_ENDED = ("\u00e9", "\u00e9e", "\u00e9s", "\u00e9es")
_DONE = dict.fromkeys(("ha", "han", "esta", "estan"), ("ado", "ido", "\u00eddo", "ada"))
"""How a participle ends behind an auxiliary: French, Spanish."""
_GONE = frozenset(
    {"abgelaufen", "ausgefallen", "abgesturzt", "eingefroren", "vollgelaufen", "gestorben"}
    | {"stehengeblieben", "kaputt", "kaputtgegangen", "crashed", "vorbei", "caduque", "caducado"}
)
_DAYS_PAST = frozenset({"yesterday", "gestern", "ayer"})
_UNMEANT = frozenset(
    {"accidentally", "unintentionally", "inadvertently", "mistakenly", "versehentlich"}
    | {"accidentellement", "accidentalmente"}
)
_GOES_ON = frozenset({"finish", "complete", "end", "drain", "settle", "expire", "continue", "be"})
_HELPED = frozenset({"fixes", "helps", "solves", "worked", "works", "fails", "breaks", "takes"})
_WENT = frozenset(
    {"broke", "lost", "took", "made", "went", "left", "brought", "cost", "hurt", "gave", "kept"}
    | {"woke", "threw", "led", "blew", "ate", "got", "came", "froze", "hung", "did", "fell", "ran"}
    | {"sent", "cut", "shook", "meant", "undid", "tore", "drove", "became"}
)
"""Past of what a deed did: "rebooting web1 broke it"; all others end in -ed."""
_HERE = frozenset({"here", "hier", "ici", "aqui"})
_WHENCE = frozenset({"from", "home"})
_OF = 6  # words of "backup of the orders db is"
_IS = frozenset({"is", "are", "was", "were", "isnt", "wasnt", "arent", "werent", "has", "had"})
_SEEMING = frozenset({"appear", "seem", "look"})
_DENYING = frozenset({"doesnt", "dont", "didnt", "not"})


class Telling:
    """Knows the words; built once per catalogue."""

    def __init__(self, lexicon: Lexicon, book: VerbBook) -> None:
        self._lexicon = lexicon
        self._book = book

    def tells(self, tokens: Sequence[Token], piece: Piece) -> bool:
        """Whether a piece says how something is, was or is done by somebody."""
        folded = [token.fold for token in tokens]
        told = folded[0] in self._lexicon.words("subjects") and len(folded) > 1
        told = told or bool(set(folded[1:]) & NOMINATIVE)
        told = told or tokens[0].text.casefold() in {"it's", "it\u2019s"}
        told = (
            told
            or folded[0] in self._lexicon.words("denied_helpers")
            or self._is_contracted(tokens)
        )
        told = told or (
            folded[0] in self._lexicon.words("contracted_subjects") and "'" in tokens[0].text
        )
        told = told or bool(set(folded[1:]) & self._lexicon.words("denied_helpers"))
        told = told or (len(folded) > 1 and folded[-1] in _HAPPENED) or self._is_let(tokens)
        told = told or (folded[0] == "which" and not piece.asked)
        told = told or bool(set(folded[1:]) & self._lexicon.words("auxiliaries"))
        told = told or _is_telegram(tokens) or self._holds(tokens)
        return told or folded[0] in self._lexicon.words("told_past") or self._happened(tokens)

    def narrates(self, tokens: Sequence[Token], piece: Piece) -> bool:
        """Whether "restarting nginx fixed it yesterday" tells what was."""
        if self._is_aside(tokens, piece) or self._seems(tokens) or self._is_of_people(tokens):
            return True
        if not piece.asked and self._is_of_noun(tokens):
            return True
        does = self._book.at(tokens, 0) is not None
        does = does or tokens[0].fold in self._lexicon.words("light_verbs")  # "doing the reboot"
        gerund = does and tokens[0].fold.endswith("ing")
        noun = does and len(tokens) > 1 and tokens[1].fold == "of"  # "reboot of web1 broke it"
        if not (gerund or noun) or piece.listed or piece.asked:
            return False
        closed = self._lexicon.words("prepositions") | self._lexicon.words("determiners")
        closed |= self._lexicon.words("coordinators") | self._lexicon.words("articles")
        told = self._lexicon.words("auxiliaries") | _HELPED
        for place in range(1, len(tokens)):
            free = place > 1 and tokens[place - 1].fold not in closed
            went = tokens[place].fold in _WENT or (gerund and is_participle(tokens[place]))
            if (free and went) or (gerund and tokens[place].fold in told):
                return True
        return False

    def _is_of_people(self, tokens: Sequence[Token]) -> bool:
        """Whether "Petra from finance here", "back from parental leave" says who speaks."""
        folded = [token.fold for token in tokens]
        here = 1 < len(folded) <= _FEW and folded[-1] in _HERE
        bids = folded[0] != "new" and self._book.at(tokens, 0) is not None
        acts = any(self._book.at(tokens, place) for place in range(1, len(tokens)))
        return (here and not bids and not acts) or (
            folded[:1] == ["back"] and {*folded[1:2]} <= _WHENCE and len(folded) > 1
        )

    def _is_of_noun(self, tokens: Sequence[Token]) -> bool:
        """Whether "load is in the three digits" tells: behind a verb that orders, nothing is."""
        verb, folded = self._book.at(tokens, 0), [token.fold for token in tokens]
        copula = len(tokens) > 1 and folded[1] in _IS
        copula |= "being" in folded[1:-1]  # "(prior to) new code being deployed"
        copula |= folded[1:2] == ["of"] and bool(_IS & {*folded[3:_OF]})  # "backup of orders is …"
        if verb is None or not copula or verb.groups & self._lexicon.reading_groups:
            return False
        needed = self._lexicon.phrases("request_words").find(folded)
        return needed is None

    def _seems(self, tokens: Sequence[Token]) -> bool:
        """Whether "the agent doesn't appear to be running" says how something looks."""
        folded = [token.fold for token in tokens]
        seeming = (place for place, word in enumerate(folded[:-1]) if word in _SEEMING)
        place = next(seeming, 0)
        persons = self._lexicon.words("subjects")
        return place > 1 and folded[place - 1] in _DENYING and folded[0] not in persons

    def _is_aside(self, tokens: Sequence[Token], piece: Piece) -> bool:
        """Whether a piece names what is spoken of, waits, cites words, or denies."""
        folded = [token.fold for token in tokens[:3]]
        about = piece.strong and _is_about(tokens)
        # "wait for it to come up": each step waits for the one before
        waits = len(folded) > 1 and folded[0] in _WAITING and folded[1] in _FOR_WHAT
        waits = waits and not self._waits_for_somebody(tokens)
        determined = folded[0] in self._lexicon.words("determiners")
        # "the phrase delete vm build7 appears in the manual"
        worded = determined and len(folded) > 2 and folded[1] in _WORDING  # noqa: PLR2004
        denied = folded[0] in _HELPERS and folded[1:2] == ["not"]  # "(does not reboot VMs)"
        return waits or (not piece.asked and (about or worded or denied or self._is_past(tokens)))

    def _is_past(self, tokens: Sequence[Token]) -> bool:
        """Whether "yesterday my colleague made it", "accidentally reset the disk" was."""
        folded = [token.fold for token in tokens[:2]]
        names = ("subjects", "determiners", "indefinite")
        dated = folded[0] in _DAYS_PAST and tokens[0].text.isalpha()
        dated = dated and any({*folded[1:]} & self._lexicon.words(name) for name in names)
        return len(tokens) > 1 and (dated or folded[0] in _UNMEANT)

    def _waits_for_somebody(self, tokens: Sequence[Token]) -> bool:
        """Whether "wait for my ok" holds the steps up until a person says so."""
        folded = {token.fold for token in tokens[2:]}
        return bool(folded & (_SOMEBODY | _CONSENT | NOMINATIVE - {"they"}))

    def is_described(self, tokens: Sequence[Token], piece: Piece) -> bool:
        """Whether "stopped containers" names things: one more of what an order acts on."""
        following = tokens[1].fold if len(tokens) > 1 else ""
        kinds = self._lexicon.words("kinds") | self._lexicon.words("omissible")
        plural = following.endswith("s") and following.removesuffix("s") in kinds
        return is_participle(tokens[0]) and plural and not piece.strong and bool(piece.lead)

    def _happened(self, tokens: Sequence[Token]) -> bool:
        """Whether "your certificate expired today" tells what happened: nothing is acted on."""
        names = ("prepositions", "adverbs", "moments", "fillers", "closing", "determiners")
        closed = (*names, "pronouns")  # "Ann approved it"
        if self._did_it(tokens):
            return True
        for place in range(1, len(tokens)):
            following = tokens[place + 1].fold if place + 1 < len(tokens) else ""
            ends = not following or any(following in self._lexicon.words(n) for n in closed)
            if is_participle(tokens[place]) and ends:
                return tokens[place - 1].fold not in self._lexicon.words("prepositions")
        return False

    def _holds(self, tokens: Sequence[Token]) -> bool:
        """Whether "the log contains the line …" tells what is in something."""
        places = [place for place, token in enumerate(tokens) if token.fold in _HOLDING]
        named = not places or self._book.at(tokens, 0) is not None
        return not named and places[0] > 1 and tokens[places[0] - 1].fold not in _RELATIVE

    def _did_it(self, tokens: Sequence[Token]) -> bool:
        """Whether "Anna rebooted web1 yesterday" tells who did what."""
        if len(tokens) < 3 or not is_participle(tokens[1]):  # noqa: PLR2004
            return False
        determined = self._lexicon.words("determiners") | self._lexicon.words("indefinite")
        what = tokens[2].is_name_like or tokens[2].fold in determined
        acts = self._book.at(tokens, 1) is not None and self._book.at(tokens, 0) is None
        return acts and what and tokens[0].fold not in determined

    def _is_let(self, tokens: Sequence[Token]) -> bool:
        """Whether "let the running sessions finish" only says what is not to be cut short."""
        lets = tokens[0].fold == "let" and len(tokens) > 2  # noqa: PLR2004
        return lets and tokens[-1].fold in _GOES_ON and self._book.at(tokens, 0) is None

    def _is_contracted(self, tokens: Sequence[Token]) -> bool:
        """Whether "coffee's ready" says that it is, and not whose it is."""
        closed = self._lexicon.words("state_words") | self._lexicon.words("prepositions")
        return any(
            token.text.casefold().endswith("'s") and following.fold in closed
            for token, following in itertools.pairwise(tokens)
        )


def _is_telegram(tokens: Sequence[Token]) -> bool:
    """Whether "Zertifikat abgelaufen", "le disque a lâché", "disk almost full" tells a state."""
    folded = [token.fold for token in tokens]
    nearly = any(word in _NEARLY for word in folded[1:-1])
    done = tokens[-1].text.casefold().endswith(_PARTICIPLES)
    pairs = itertools.pairwise(tokens[1:])
    did = any(a.fold in _HAVE and b.text.endswith(_DONE.get(a.fold, _ENDED)) for a, b in pairs)
    return did or nearly or folded[-1] in _GONE or (done and bool({*folded[1:-1][-2:]} & _HAVE))


def _is_about(tokens: Sequence[Token]) -> bool:
    """Whether "About web1." only says what is spoken of."""
    named = len(tokens) > 1 and tokens[-1].is_name_like
    return tokens[0].fold in _ABOUT and named and len(tokens) < _FEW
