"""Cuts a request into pieces: at sentences, lists, arrows, commas and coordinators.

A piece may be a whole order, one more target of the order before it, a condition or a reason;
which of these is decided later. Here only the borders are found.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from orchestrator.nlu.borders import (
    ends,
    is_between,
    is_pair,
    is_row,
    points,
    refers,
    step_mark,
    touches,
)
from orchestrator.nlu.lexicon import Lexicon
from orchestrator.nlu.lightverbs import LightVerbs
from orchestrator.nlu.text import Kind, Token
from orchestrator.nlu.verbs import VerbBook
from orchestrator.nlu.wordorder import MADE, WordOrder, made

_WAITS = frozenset({"wait", "then", "and", "please", "just", "warte", "attends", "espera"})
_GERMAN_ANDS = frozenset({"und", "dann", "danach", "anschliessend", ","})
_THEREFORE = frozenset({"so", "therefore", "deshalb", "daher", "donc", "entonces"})
_ANYWAY = frozenset({"anyway", "anyways", "anyhow", "jedenfalls"})
_WHY = frozenset({"why", "warum", "pourquoi"})
_NOT_YET = frozenset({"not", "but", "just", "only", "and"})
_WEAK_MARKS = frozenset({",", ":", "(", ")", "+", "&", "\u2014", "\u2013", "|", "-", "*", ">", "/"})
_ASKS_BEHIND_WHEN = frozenset(
    {"do", "does", "did", "is", "are", "was", "were", "will", "has", "have", "can", "should"}
    | {"expire", "expirent", "expira", "expiran", "caduca", "caducan", "vence", "vencen", "fue"}
)
_NO_ORDER_BEHIND = frozenset(
    {"doesnt", "dont", "didnt", "wont", "cant", "couldnt", "not", "to", "still", "never"}
)
_HOPING = frozenset(
    {"wondering", "wonder", "appreciate", "grateful", "thankful", "great", "nice", "lovely"}
    | {"happy", "glad", "love", "awesome", "helpful", "cool", "schon", "nett", "gentil"}
)
_ARE = frozenset({"are", "is", "sind", "sont", "estan"})
_KNOWING = frozenset({"know", "knows", "sait", "sais", "weiss", "sabe", "sabes", "jemand"})
_WHO_KNOWS = frozenset(
    {"anyone", "anybody", "someone", "somebody", "quelquun", "jemand", "alguien"}
)
_WHOEVER = frozenset(
    {"you", "anything", "something", "it", "this", "that", "there", "any", "i", "we", "im", "its"}
    | {"youre", "anyone", "somebody", "someone", "theres", "needed", "necessary", "not", "so"}
)
"""After "let me know if", a remark goes on, no question: "… you have questions"."""
_POLITE_WORDS = 6
_SPOKEN = frozenset({"before"})
_MAX_NUMBERING = 2  # digits
_BULLETS = frozenset({"-", "*", "\u2022", "\u2013", "\u2014", "+", ">", "[", "]", "(", ")"})


class Role(StrEnum):
    """What a piece is to its sentence."""

    MAIN = "main"
    CONDITION = "condition"  # "if it is down": context, no step
    REASON = "reason"  # "because users complain": context, no step
    BEFORE = "before"  # "before updating it, …" at the head of the sentence
    AFTER = "after"  # "… after backing it up" behind what it comes before
    EXCEPT = "except"  # "without the data", "but not redis"


@dataclass(frozen=True, slots=True)
class Piece:
    """Tokens between two borders."""

    tokens: tuple[Token, ...]
    lead: frozenset[str] = field(default_factory=frozenset)  # coordinators right before it
    strong: bool = False  # a new sentence, line or arrow starts here
    listed: bool = False  # a bullet or a number stands before it
    colon: bool = False  # a colon stands before it
    asked: bool = False  # its sentence ends with a question mark
    role: Role = Role.MAIN


_SUBORDINATORS = (
    ("reasons", Role.REASON),
    ("conditions", Role.CONDITION),
    ("before", Role.BEFORE),
    ("after", Role.AFTER),
)
_BEFORE_NOUNS = frozenset({"the", "a", "root", "likely", "possible", "its", "this", "any"})

_SHOULD_I = frozenset({"should", "shall", "i", "we"})
_HELPERS = frozenset({"have", "has", "had", "is", "are", "was", "were", "will", "would"})
_ASKING_HELPERS = frozenset({"should", "shall", "can", "could", "do", "would", "may", "must"})


class Splitter:
    """Finds the borders; built once per catalogue."""

    def __init__(self, lexicon: Lexicon, book: VerbBook) -> None:
        self._lexicon = lexicon
        self._book = book
        self._word_order = WordOrder(lexicon, book)
        self._light = LightVerbs(lexicon, book)

    def split(self, tokens: Sequence[Token]) -> list[Piece]:
        """Return the pieces of a request in the order of the text."""
        pieces: list[Piece] = []
        parted = [part for t in tokens for part in self._book.clitic(t) or (t,)]
        for piece in self._coarse([*self._rejoined(parted)]):
            if pieces and self._concludes(pieces[-1], piece):
                piece = replace(piece, tokens=piece.tokens[1:])  # noqa: PLW2901
            pieces += (part for part in self._subordinate(piece) if part.tokens)
        spread = _spread_states(pieces, self._lexicon.words("state_words"))
        return list(_spread_conditions(spread, self._book))

    def _concludes(self, before: Piece, piece: Piece) -> bool:
        """Whether "…, so we need to revoke it" wishes, behind what was told."""
        folded = [token.fold for token in piece.tokens[:4]]
        wished = folded[:1] == ["so"] and folded[2:4] in (["need", "to"], ["have", "to"])
        told = self._book.at(before.tokens, 0) is None and before.role is Role.MAIN
        return wished and told and not piece.strong

    def _rejoined(self, tokens: Sequence[Token]) -> Iterator[Token]:
        """Yield the tokens, the particle that ends a German order right behind its verb."""
        begin = 0
        while begin < len(tokens):
            end = next((i for i in range(begin, len(tokens)) if ends(tokens[i])), len(tokens))
            sentence = list(tokens[begin:end])
            for place, token in enumerate(sentence):
                if token.fold in self._lexicon.words("particles"):
                    verb = self._book.parted(sentence[: place + 1])
                    if verb is not None and self._closes(sentence, verb, place):
                        sentence.insert(verb + 1, sentence.pop(place))
            yield from sentence
            yield from tokens[end : end + 1]
            begin = end + 1

    def _closes(self, sentence: Sequence[Token], verb: int, place: int) -> bool:
        """Whether a particle ends an order: the sentence, or a list before "und zeige …"."""
        rest = sentence[place + 1 :]
        joins = len(rest) > 1 and rest[0].fold in _GERMAN_ANDS
        listed = any(token.fold in _GERMAN_ANDS for token in sentence[verb:place])
        return not rest or (joins and listed and self._book.at(rest, 1) is not None)

    def _coarse(self, tokens: Sequence[Token]) -> Iterator[Piece]:
        """Yield pieces between marks and coordinators."""
        piece = Piece((), strong=True)
        place = 0
        while place < len(tokens):
            token = tokens[place]
            if length := self._numbering(tokens, place, piece):
                yield from _done(piece)
                piece = Piece((), strong=True, listed=True)
                place += length
            elif points(tokens, place) or refers(tokens, place):
                place += 1
            elif ends(token):
                yield from _done(replace(piece, asked=token.stem == "?"))
                piece = Piece((), strong=True)
                place += 1
            elif length := self._coordinator(tokens, place):
                yield from _done(piece)
                lead = frozenset(t.fold for t in tokens[place : place + length])
                piece = _after_border(piece, lead)
                place += length
            else:
                if token.stem == "@" and piece.tokens:  # "restart nginx @ web1"
                    token = replace(token, kind=Kind.WORD, fold="at", stem="at")
                if token.kind is not Kind.MARK:
                    piece = replace(piece, tokens=(*piece.tokens, token))
                place += 1
        yield from _done(piece)

    def _numbering(self, tokens: Sequence[Token], place: int, piece: Piece) -> int:
        """Return how many tokens at `place` number or mark an item of a list."""
        token = tokens[place]
        if piece.strong and not piece.tokens and token.kind is Kind.MARK:
            return int(token.stem in _BULLETS)
        if piece.strong and not piece.tokens and (length := step_mark(tokens, place)):
            return length
        following = tokens[place + 1].stem if place + 1 < len(tokens) else ""
        short = token.kind is Kind.WORD and (token.text.isdigit() or len(token.text) == 1)
        if not short or len(token.text) > _MAX_NUMBERING:
            return 0
        marks = {".", ":", "/"}
        opens = following == ")" or (following in marks and not piece.tokens and piece.strong)
        return 2 if opens else 0

    def _coordinator(self, tokens: Sequence[Token], place: int) -> int:
        token = tokens[place]
        if token.kind in {Kind.MARK, Kind.GUARDED}:
            dash = token.stem == "-" and touches(tokens, place)
            return int(token.kind is Kind.GUARDED or (token.stem in _WEAK_MARKS and not dash))
        folded = [t.fold for t in tokens[place : place + 4]]
        if folded[:2] == ["before", "that"] and (len(folded) == 2 or ends(tokens[place + 2])):  # noqa: PLR2004
            return 0  # "…, but back up db1 before that"
        if length := self._joining(tokens, place, folded):
            return length
        if token.kind is not Kind.WORD or token.fold not in self._lexicon.words("coordinators"):
            return 0
        asked = place > 1 and {tokens[place - 1].fold, tokens[place - 2].fold} <= _SHOULD_I
        asked |= place > 0 and token.fold == "also" and tokens[place - 1].fold in _HELPERS
        joins = is_between(tokens, place) and not self._opens_order(tokens[place + 1 :])
        if asked or joins or token.fold in self._lexicon.words("sequence"):
            opens = self._opens_order(tokens[place + 1 :]) or is_row(tokens, place, self._book.said)
            return int(opens and not (asked or joins))  # not "should I also disable tom?"
        return int(
            not is_pair(tokens, place, self._lexicon.words("pair_words"))
            and not self._is_polite(tokens, place)
        )

    def _joining(self, tokens: Sequence[Token], place: int, folded: Sequence[str]) -> int:
        """Return how long "as well as", "(I am going to try it,) so", "anyway" is; 0 for others."""
        if 0 < place < len(tokens) - 1:
            speech = self._lexicon.words("speech") | {"read"}  # "the ticket says … so please …"
            pleads = not any(token.fold in speech for token in tokens[:place])
            pleads = pleads and self._lexicon.phrases("polite").at(folded, 1) > 0
            anyway = folded[0] in _ANYWAY and self._opens_order(tokens[place + 1 :])
            if anyway or (pleads and folded[0] in _THEREFORE):
                return 1
        return self._lexicon.phrases("coordinator_phrases").at(folded, 0)

    def _is_polite(self, tokens: Sequence[Token], place: int) -> bool:
        """Whether "and" is the last word of politeness: "go ahead and", "be so kind and"."""
        begin = max(0, place - _POLITE_WORDS)
        folded = [token.fold for token in tokens[begin : place + 1]]
        polite = self._lexicon.phrases("polite")
        return any(polite.at(folded, i) == len(folded) - i for i in range(len(folded) - 1))

    def _opens_order(self, tokens: Sequence[Token]) -> bool:
        """Whether a verb or politeness follows "then": "zeige danach die Logs" is one piece."""
        folded = [token.fold for token in tokens[:4]]
        polite = bool(folded) and self._lexicon.phrases("polite").at(folded, 0) > 0
        return polite or bool(folded and self._book.at(tokens, 0))

    def _subordinate(self, piece: Piece) -> Iterator[Piece]:
        """Yield the piece cut at "if", "because", "before", "after", "without"."""
        if not piece.tokens:
            return
        branch = self._lexicon.phrases("alternatives").at([t.fold for t in piece.tokens], 0)
        if 0 < branch < len(piece.tokens):
            yield from self._subordinate(replace(piece, tokens=piece.tokens[branch:]))
            return
        cut = self._first_cut(piece.tokens)
        if cut is None and _is_inverted(piece) and not self._orders_inside(piece.tokens):
            yield replace(piece, role=Role.CONDITION)
            return
        if cut is None:
            yield from self._purpose(piece)
            return
        place, length, role = cut
        head, tail = piece.tokens[:place], piece.tokens[place + length :]
        said = {token.fold for token in head}
        waits = bool(said) and said <= _WAITS and role is Role.CONDITION
        if waits or ("not" in said and said <= _NOT_YET):
            yield piece  # "wait until it is done", "not before the backup" take nothing back
            return
        if role in {Role.BEFORE, Role.AFTER}:
            tail = made(tail[self._subject(tail) :])
        if head:
            yield replace(piece, tokens=head)
            yield from self._tail(replace(piece, tokens=tail, strong=False), role)
        else:
            yield from self._head(replace(piece, tokens=tail), role)

    def _purpose(self, piece: Piece) -> Iterator[Piece]:
        """Yield the piece, "to apply the changes" cut off as its reason."""
        purposes = self._lexicon.words("purposes") - {"test", "release", "load", "read"}
        folded = [token.fold for token in piece.tokens[:3]]
        behind = piece.lead == {","} and not (piece.strong or piece.listed)
        purposeful = folded[0] == "to" and bool({*folded[1:2]} & purposes)
        if behind and (purposeful or folded[:2] == ["just", "to"]):
            yield replace(piece, role=Role.REASON)  # "…, to make sure that it is fresh"
            return
        found = self._word_order.purpose(piece.tokens)
        if found is None:
            yield piece
            return
        begin, end = found
        if begin:
            yield replace(piece, tokens=piece.tokens[:begin])
        strong = piece.strong and not begin
        yield replace(piece, tokens=piece.tokens[begin:end], strong=strong, role=Role.REASON)
        if end < len(piece.tokens):
            yield replace(piece, tokens=piece.tokens[end:], strong=False)

    def _orders_inside(self, tokens: Sequence[Token]) -> bool:
        """Whether an order follows without a comma: "should it be slow restart nginx"."""
        places = range(3, len(tokens) - 1)
        return any(self._book.at(tokens, p) and _is_bare(tokens[p]) for p in places)

    def _first_cut(self, tokens: Sequence[Token]) -> tuple[int, int, Role] | None:
        folded = [token.fold for token in tokens]
        for place, token in enumerate(tokens):
            if token.kind is not Kind.WORD or self._lexicon.phrases("concurrent").at(folded, place):
                continue
            found = self._subordinator(folded, place)
            if found is not None and self._is_cut(tokens, place, *found):
                return place, *found
            if found is not None and self._is_event(tokens[place + found[0] :], found[1]):
                return place, found[0], Role.CONDITION
        return None

    def _subordinator(self, folded: Sequence[str], place: int) -> tuple[int, Role] | None:
        """Return length and role of the longest word such as "if" or "once you have"."""
        found = [
            (length, role)
            for name, role in _SUBORDINATORS
            if (role is Role.CONDITION or folded[0] not in _WHY)  # "why is it slow since …?"
            and (length := self._lexicon.phrases(name).at(folded, place))
        ]
        return max(found, key=lambda one: one[0], default=None)

    def _is_cut(self, tokens: Sequence[Token], place: int, length: int, role: Role) -> bool:
        following = tokens[place + length :]
        if role in {Role.BEFORE, Role.AFTER}:
            return bool(following) and self._is_action(following)
        if role is Role.CONDITION:
            dated = bool(following) and following[0].fold[:1].isdigit()
            asking = self._is_asking(tokens[:place], following) or self._is_question(tokens, place)
            return not asking and bool(following) and not dated
        if following and following[0].fold[:1].isdigit():
            return False  # "since 2 hours"
        if self._is_noun(tokens, place):
            return False
        relative = tokens[place].fold in self._lexicon.words("relatives")
        return not relative or (place > 0 and not self._is_asking(tokens[:place], following))

    @staticmethod
    def _is_noun(tokens: Sequence[Token], place: int) -> bool:
        """Whether "cause" is one, as in "the root cause of the failures"."""
        before = {token.fold for token in tokens[max(place - 2, 0) : place]}
        return tokens[place].fold == "cause" and bool(before & _BEFORE_NOUNS)

    def _is_event(self, tokens: Sequence[Token], role: Role) -> bool:
        """Whether "after the backup of orders" speaks of something that happens."""
        if role not in {Role.BEFORE, Role.AFTER} or len(tokens) < 2:  # noqa: PLR2004
            return False
        if tokens[0].fold.endswith("ing") and tokens[0].stem != tokens[0].fold:
            return True  # "before placing web1 in maintenance"
        begins = self._lexicon.words("english_determiners")
        return tokens[0].fold in begins and self._book.at(tokens, 1) is not None

    def _is_action(self, tokens: Sequence[Token]) -> bool:
        """Whether "after …" goes on with something done ("updating it"), not with a thing."""
        begins = self._subject(tokens)
        if tokens[begins : begins + 1] and tokens[begins].fold in MADE:
            return True  # "once you have taken a backup"
        light = self._light.opens(tokens[begins:])  # "before doing the deploy of nginx"
        return begins < len(tokens) and (light or self._book.at(tokens, begins) is not None)

    def _subject(self, tokens: Sequence[Token]) -> int:
        """Return how many words at the head only say who acts: "you have", "we"."""
        folded = [token.fold for token in tokens[:3]]
        who = int(bool(folded) and folded[0] in self._lexicon.words("subjects"))
        return who + int(len(folded) > who > 0 and folded[who] in {"have", "ve", "are", "will"})

    def _is_question(self, tokens: Sequence[Token], place: int) -> bool:
        """Whether "when" asks: "when does it expire"."""
        return place == 0 and len(tokens) > 1 and tokens[1].fold in _ASKS_BEHIND_WHEN

    def _is_asking(self, before: Sequence[Token], following: Sequence[Token]) -> bool:
        """Whether "if" follows "check", "see", "tell me": then it opens what is asked."""
        words = [token for token in before if token.kind is Kind.WORD][-2:]
        reading = self._lexicon.reading_groups
        if words and words[-1].fold in {"look", "peek", "glance"}:
            return True  # "take a look if"
        if words and words[-1].fold in _KNOWING and {t.fold for t in before} & _WHO_KNOWS:
            return True  # "quelqu'un sait si"
        to_know = [token.fold for token in before[-2:]] == ["to", "know"]
        if to_know or any(token.fold in _HOPING for token in before[-3:]):
            return True  # "I need to know when it expires", "I was wondering if you could"
        if [word.fold for word in words] == ["me", "know"]:
            return bool(following) and following[0].fold not in _WHOEVER
        return any(self._book.groups_of(token.stem) & reading for token in words)

    def _tail(self, piece: Piece, role: Role) -> Iterator[Piece]:
        """Yield what follows a word such as "if" in the middle of a piece."""
        if role is Role.BEFORE:
            yield replace(piece, role=Role.MAIN, lead=_SPOKEN)
        else:
            yield replace(piece, role=role)

    def _head(self, piece: Piece, role: Role) -> Iterator[Piece]:
        """Yield what follows such a word at the head of a piece: up to where the order starts."""
        begins = self._order_begins(piece.tokens)
        if role is Role.AFTER:
            role, piece = Role.MAIN, replace(piece, lead=piece.lead | _SPOKEN)
        if begins is None:
            yield replace(piece, role=role)
            return
        yield replace(piece, tokens=piece.tokens[:begins], role=role)
        yield from self._subordinate(replace(piece, tokens=piece.tokens[begins:], strong=False))

    def _order_begins(self, tokens: Sequence[Token]) -> int | None:
        """Return where, after a condition without a comma, the imperative starts."""
        ends = self._lexicon.words("condition_ends")
        closed = self._lexicon.words("stop") | self._lexicon.words("prepositions")
        done = tokens[:1] and tokens[0].fold.endswith("ed")  # "once drained restart nginx"
        for place in range(1 if done else 2, len(tokens)):
            if tokens[place].fold in ends:
                return place + 1
            polite = self._lexicon.phrases("polite").at([t.fold for t in tokens], place)
            if polite > 1 and self._book.at(tokens[place + polite :], 0):
                return place  # "now that he has left we need to delete it"
            before = tokens[place - 1].fold
            free = before in self._lexicon.words("state_words") or before not in closed
            free = free or before in {"through", "over", "back"}  # "when that has gone through"
            owned = tokens[place - 1].text.endswith(("'s", "s'"))  # "last night's backup"
            verb = None if before in _NO_ORDER_BEHIND or owned else self._book.at(tokens, place)
            if free and not owned and self._light.opens(tokens[place:]):
                return place  # "before you update nginx take a backup of it"
            if verb and free and _is_bare(tokens[place]) and place + 1 < len(tokens):
                return _asks_whether(tokens, place)
        return None


def _spread_states(pieces: Sequence[Piece], states: frozenset[str]) -> list[Piece]:
    """Return the pieces, "are gitea" with what "… and drone back up?" asks of both."""
    spread = list(pieces)
    for place in range(len(spread) - 2, -1, -1):
        piece, later = spread[place], spread[place + 1]
        ends = later.tokens[-1:]
        if shared := _spread_copula(piece, later):
            spread[place], spread[place + 1] = shared
            continue
        asks = piece.tokens[0].fold in _ARE and later.lead <= {"and", ",", "und", "et", "y"}
        if asks and not later.strong and ends and ends[0].fold in states:
            spread[place] = replace(piece, tokens=(*piece.tokens, *ends), asked=True)
            bare = [t for t in later.tokens if t.fold not in states and t.fold != "back"]
            spread[place + 1] = replace(later, tokens=tuple(bare) or later.tokens, asked=True)
    return spread


def _spread_copula(piece: Piece, later: Piece) -> tuple[Piece, Piece] | None:
    """Return "check if nginx is up" and "redis" for "check if nginx and redis are up"."""
    folded = [token.fold for token in piece.tokens]
    said = next((p for p, word in enumerate(folded) if word in {"if", "whether", "ob"}), 0)
    names = [token for token in piece.tokens[said + 1 :] if token.fold not in {"both", "the"}]
    alike = later.lead <= {"and", ",", "und"} and not later.strong and len(later.tokens) > 2  # noqa: PLR2004
    if not said or len(names) != 1 or not alike or later.tokens[1].fold not in _ARE:
        return None
    one = replace(piece, tokens=(*piece.tokens, *later.tokens[1:]))
    return one, replace(later, tokens=(*piece.tokens[: said + 1], *later.tokens))


def _is_inverted(piece: Piece) -> bool:
    """Whether "should it fail" is a condition: no question, and it speaks of a thing."""
    folded = [token.fold for token in piece.tokens[:2]]
    return (
        folded[:1] == ["should"]
        and folded[1:] in (["it"], ["that"], ["this"], ["anything"])
        and (not piece.asked)
    )


def _is_bare(token: Token) -> bool:
    """Whether an English verb stands in the form of an order."""
    return not token.fold.endswith(("ing", "ed", "s"))


def _done(piece: Piece) -> Iterator[Piece]:
    if piece.tokens:
        yield piece


def _after_border(piece: Piece, lead: frozenset[str]) -> Piece:
    """Return the next, still empty piece; borders in a row add up."""
    if piece.tokens:
        return Piece((), lead=lead, colon=":" in lead)
    return replace(piece, lead=piece.lead | lead, colon=piece.colon or ":" in lead)


def _spread_conditions(pieces: Sequence[Piece], book: VerbBook) -> Iterator[Piece]:
    """Yield the pieces, "if nginx and redis are down" held together as one condition."""
    conditional = False
    for piece in pieces:
        if piece.strong:
            conditional = False
        if piece.role is Role.CONDITION:
            conditional = True
        elif conditional and piece.role is Role.MAIN:
            conditional = piece.lead == {"and"} and book.at(piece.tokens, 0) is None
            if conditional:
                yield replace(piece, role=Role.CONDITION)
                continue
        yield piece


def _asks_whether(tokens: Sequence[Token], place: int) -> int:
    """Return where "should I also disable tom" begins, of which the verb stands at `place`."""
    for begin in range(1, place):
        followed = tokens[begin + 1].fold in {"i", "we", "you", "they"}
        if tokens[begin].fold in _ASKING_HELPERS and followed:
            return begin
    return place
