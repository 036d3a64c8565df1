"""Reads one piece: is it an order, a question, a thing, a statement; what is its verb.

Order of the tests matters and follows how little each can be wrong: negation first, since an
order wrongly seen is the dear mistake.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from orchestrator.nlu.commands import without_program
from orchestrator.nlu.lexicon import Lexicon
from orchestrator.nlu.lightverbs import LightVerbs, is_participle
from orchestrator.nlu.manners import OPENING, Manners
from orchestrator.nlu.moments import moments
from orchestrator.nlu.pieces import Piece, Role
from orchestrator.nlu.telling import Telling
from orchestrator.nlu.text import Kind, Token, stem
from orchestrator.nlu.turns import Turn, Turns
from orchestrator.nlu.unknown_verbs import ALIEN, alien, bidding
from orchestrator.nlu.verbs import Verb, VerbBook
from orchestrator.nlu.wordorder import WordOrder

_NOT = frozenset({"not", "never", "cannot", "mustnt", "shouldnt", "neednt", "dont"})
_TERSE_WORDS = 5
_TERSE_PLACES = frozenset({"on", "at", "in", "auf", "sur", "en"})
_EMPTY = frozenset(
    {"do", "make", "take", "give", "have", "get", "need", "mach", "mache", "fais", "haz"}
    | {"lancer", "lance", "lancez", "launch", "start", "initiate", "starte", "iniciar", "inicia"}
    | {"lanza", "lanzar", "effectue", "effectuer", "realiza", "realizar"}
)
_ACCOMPANIED = frozenset({"with", "by", "despite", "due", "mit", "trotz", "avec", "con"})
_LIMITS = frozenset({"before", "until", "till", "after", "if", "unless", "when", "while"})
_SORRY = frozenset({"sorry", "oops", "pardon", "rather"})
_WAS = frozenset({"was", "were"})
_SUBJECT_WORDS = 6
_ET = frozenset({"et", "puis", "ensuite"})
_WHETHER = frozenset({"if", "whether", "ob"})
_SAYS = frozenset({"says", "said", "sagt", "meint", "dit", "dice"})
_WHAT_ANOTHER = frozenset({"what", "as", "whatever", "everything", "exactly", "anything"})
_ANYBODY = frozenset({"somebody", "someone"})
_BIDS = frozenset({"get"})
_TOLD = frozenset({"me", "us", "mir", "uns", "moi", "nous"})
_ASKED = frozenset({"who", "whos", "what", "whats", "how", "which", "where", "when"})
_SPEAKER = frozenset({"me", "us", "myself", "now", "please", "mich", "moi"})
_BACK = Verb("rollback", frozenset({"restore"}), frozenset({0}))
_ADJECTIVES = frozenset({"empty", "free", "open", "clean", "separate"})


ASKED_ONLY = frozenset({"check", "show", "?"})
"""What a thing with a question mark behind it may ask for."""


class Form(StrEnum):
    """How a piece speaks."""

    ORDER = "order"  # "restart nginx", "nginx needs a restart"
    TERSE = "terse"  # "nginx restart"
    QUESTION = "question"  # only ever answered by looking
    THING = "thing"  # "disk usage", or one more target of the order before
    STATEMENT = "statement"  # what was or what someone said: no step
    HOWTO = "howto"  # "how do I …": no step
    SMALL_TALK = "small_talk"


ORDERED = frozenset({Form.ORDER, Form.TERSE})
"""Forms that bid somebody do something."""


@dataclass(frozen=True, slots=True)
class Clause:
    """One piece, read."""

    piece: Piece
    tokens: tuple[Token, ...]  # without politeness; verb tokens included
    form: Form
    verbs: tuple[Verb, ...] = ()
    asked_groups: frozenset[str] = field(default_factory=frozenset)
    negated: bool = False
    turn: Turn = Turn.NOTHING
    concurrent: bool = False
    ahead: bool = False  # "… but take a snapshot first": goes before what was said before it
    excluded: tuple[Token, ...] = ()  # behind "without", "except"
    moments: frozenset[int] = frozenset()  # places in `tokens` that say when ("tomorrow")

    @property
    def verb_places(self) -> frozenset[int]:
        """The places in `tokens` that belong to the first verb."""
        return self.verbs[0].places if self.verbs else frozenset()


class Reader:
    """Reads pieces; built once per catalogue."""

    def __init__(self, lexicon: Lexicon, book: VerbBook) -> None:
        self._lexicon = lexicon
        self._book = book
        self._manners = Manners(lexicon)
        self._turns = Turns(lexicon, book, self._manners)
        self._order_of = WordOrder(lexicon, book)
        self._light = LightVerbs(lexicon, book)
        self._telling = Telling(lexicon, book)

    def read(self, piece: Piece) -> Clause:
        """Return what `piece` says."""
        tokens, concurrent = self._without(piece.tokens, "concurrent")
        tokens, _ = self._without(tokens, "manner")
        tokens, turn = self._turns.read(tokens)
        joined = piece.lead == {","} and not piece.strong
        if joined and len(tokens) == 1 and tokens[0].fold in _SORRY:
            tokens, turn = (), Turn.LAST  # "to 10.0.0.1, sorry, 10.0.0.2"
        tokens, excluded = self._excluded(tokens)
        tokens, ahead = self._order_of.ahead(piece.lead, tokens)
        clause = self._form(piece, tokens)
        if excluded and not clause.tokens:
            clause = replace(clause, negated=True, tokens=excluded)
        if turn is Turn.ALL and clause.tokens:  # "never mind the alerts"
            clause, turn = replace(clause, negated=True), Turn.NOTHING
        return replace(
            clause,
            moments=moments(clause.tokens, self._lexicon),
            concurrent=concurrent,
            ahead=ahead,
            excluded=excluded,
            turn=turn if turn is not Turn.NOTHING else clause.turn,
        )

    def _without(self, tokens: Sequence[Token], name: str) -> tuple[tuple[Token, ...], bool]:
        """Return the tokens without the first phrase of the list `name`; whether it was there."""
        found = self._lexicon.phrases(name).find([token.fold for token in tokens])
        if found is None:
            return tuple(tokens), False
        place, length = found
        return (*tokens[:place], *tokens[place + length :]), True

    def _excluded(self, tokens: tuple[Token, ...]) -> tuple[tuple[Token, ...], tuple[Token, ...]]:
        """Return the tokens before and behind "without", "except", "instead of"."""
        folded = [token.fold for token in tokens]
        found = self._lexicon.phrases("excluding").find(folded)
        if found is None:
            found = next(((p, 1) for p in range(2, len(tokens) - 1) if folded[p] == "not"), None)
            if found is None or not tokens[found[0] + 1].is_name_like:
                return tokens, ()  # but "reboot web1 not web2"
        place, length = found
        return tokens[:place], tokens[place + length :]

    def _form(self, piece: Piece, tokens: tuple[Token, ...]) -> Clause:
        folded = [token.fold for token in tokens]
        if self._manners.is_small_talk(tokens):
            return Clause(piece, tokens, Form.SMALL_TALK)
        if self._manners.is_howto(folded):
            return Clause(piece, tokens, Form.HOWTO)
        told = piece.role in {Role.CONDITION, Role.REASON}  # "if nginx isn't running"
        if not told and self._manners.is_negated(folded):
            return self._negated(piece, tokens)
        tokens, wished = self._manners.strip(tokens)
        tokens = without_program(tokens, self._lexicon, self._book)
        bidden = len(tokens) > 1 and tokens[0].fold in _ANYBODY and self._is_bidden(tokens)
        if bidden and not piece.asked:
            tokens, wished = self._manners.strip(tokens[1:])[0], True
        if not tokens or (len(tokens) > 1 and self._manners.is_small_talk(tokens)):
            return Clause(piece, tokens, Form.SMALL_TALK)
        if not told and self._manners.is_negated([token.fold for token in tokens]):
            return self._negated(piece, tokens)
        return self._positive(piece, tokens, wished=wished)

    def _positive(self, piece: Piece, tokens: tuple[Token, ...], *, wished: bool) -> Clause:
        follows = piece.tokens[0].fold in self._lexicon.words("sequence")
        tokens = self._order_of.put_back(tokens) if piece.listed or follows else tokens
        base = Clause(piece, tokens, Form.THING)
        if wished and tokens[0].fold in _WHETHER and len(tokens) > 2:  # noqa: PLR2004
            asked = frozenset({"check"})  # "I need to know if web1 is up"
            return replace(base, tokens=tokens[1:], form=Form.QUESTION, asked_groups=asked)
        if tokens[0].fold in self._lexicon.words("told_past") and not wished and not piece.asked:
            told = tokens[self._manners.hedge(tokens) :] or tokens  # "noticed that web1 is slow"
            return replace(
                base, tokens=told, form=Form.STATEMENT, asked_groups=frozenset({"check"})
            )
        readings = (
            self._reported(base)
            or self._narrated(base)
            or self._sigh(base)
            or self._delegated(base)
            or self._anothers(base)
            or self._framed(base)
            or self._order(base, wished=wished)
            or self._question(base)
            or self._wished_order(base, wished=wished)
            or self._statement(base)
            or self._terse(base)
            or self._final(base, wished=wished)
        )
        more = bool(piece.lead) and not piece.strong and len(tokens) == 1
        if readings is None and piece.asked and not more:  # "…, remember?"
            return replace(base, form=Form.QUESTION, asked_groups=ASKED_ONLY)
        return readings or base

    def _negated(self, piece: Piece, tokens: tuple[Token, ...]) -> Clause:
        folded = [token.fold for token in tokens]
        found = self._lexicon.phrases("negations").find(folded)
        rest = tokens[found[0] + found[1] :] if found and found[0] < OPENING else tokens
        while rest and rest[-1].fold in self._lexicon.words("leave_ends") | {"too"}:
            rest = rest[:-1]
        if rest and rest[0].fold in _LIMITS:
            return Clause(piece, tokens, Form.HOWTO)  # "not before the backup": told back
        verb = self._book.at(rest, 0) if rest else None
        return Clause(piece, rest, Form.ORDER, (verb,) if verb else (), negated=True)

    # --- orders ---

    def _is_bidden(self, tokens: Sequence[Token]) -> bool:
        """Whether "somebody kick jenkins" bids; "somebody kicked jenkins" tells."""
        tokens = (tokens[0], *self._manners.strip(tuple(tokens[1:]))[0])
        bare = len(tokens) > 1 and not tokens[1].fold.endswith(("ed", "s"))
        past = {token.fold for token in tokens} & {"yesterday", "ago", "already", "earlier"}
        return bare and not past and self._book.at(tokens, 1) is not None

    def _order(self, base: Clause, *, wished: bool) -> Clause | None:
        tokens = base.tokens
        if self._manners.goes_back(tokens):
            return replace(base, form=Form.ORDER, verbs=(_BACK,))
        light = self._light.action(tokens)
        verb = self._book.at(tokens, 0)
        if verb is not None and (asked := self._asks(base, verb)) is not None:
            return asked
        if light is not None:
            empty = verb is None or tokens[0].fold in _EMPTY
            verbs = (light,) if empty or verb is None else (light, verb)
            before = [token.fold for token in tokens[: max(light.places, default=0)]]
            return replace(base, form=Form.ORDER, verbs=verbs, negated=self._is_denied(before))
        if verb is not None and (self._is_plural(tokens, verb) or self._was(base, verb)):
            return None
        parted = verb is not None and len(verb.places) > 1  # "rolling it back"
        if tokens[0].fold in self._lexicon.words("adjectives_of_manner") and not parted:
            verb = None  # "rolling restart"
        if verb is not None and not self._is_past(tokens[0], base, wished=wished):
            return replace(base, form=Form.ORDER, verbs=(verb,))
        verb = self._unknown(base) if verb is None else None
        return replace(base, form=Form.ORDER, verbs=(verb,)) if verb else None

    def _was(self, base: Clause, verb: Verb) -> bool:
        """Whether "New certificate was ready", "deploy of shop was fine" tells what was."""
        folded = [token.fold for token in base.tokens]
        place = next((p for p, word in enumerate(folded[:_SUBJECT_WORDS]) if word in _WAS), 0)
        closed = self._lexicon.words("relatives") | self._lexicon.words("question_words")
        between = {*folded[max(verb.places) + 1 : place]}
        bound = between & (closed | self._lexicon.words("subjects") | _ASKED | {"if", "whether"})
        reads = verb.groups & self._lexicon.reading_groups
        return bool(between) and not bound and not reads

    def _unknown(self, base: Clause) -> Verb | None:
        """Return the verb of an order that does not open with one that is known as it stands."""
        tokens = base.tokens
        inside = None if base.piece.asked else self._order_of.inside(tokens)
        if inside is not None:
            return inside
        told = len(tokens) > 1 and tokens[1].fold in self._lexicon.words("auxiliaries")
        if told or len(tokens) < 2 or self._is_known(*tokens[:2]):  # noqa: PLR2004
            return None
        return (
            self._misspelt(base) or alien(tokens, self._lexicon) or bidding(tokens, self._lexicon)
        )

    def _misspelt(self, base: Clause) -> Verb | None:
        """Return the misspelt verb; "(to anna) and carla for 30 days" is one more name."""
        verb = self._book.misspelt_at(base.tokens, 0)
        placed = base.tokens[1].fold in self._lexicon.words("prepositions")
        more = bool(base.piece.lead) and not base.piece.strong
        return None if verb and placed and more and len(verb.places) == 1 else verb

    @staticmethod
    def _delegated(base: Clause) -> Clause | None:
        """Return the order in "do what it says", which nobody but another's text could read."""
        folded = [token.fold for token in base.piece.tokens]
        does = next((i for i, word in enumerate(folded[:OPENING]) if word == "do"), len(folded))
        if not {*folded[does + 1 : does + 2]} & _WHAT_ANOTHER or base.piece.asked:
            return None
        return replace(base, form=Form.ORDER, verbs=(ALIEN,))

    def _anothers(self, base: Clause) -> Clause | None:
        """Return the order in "get Bob to reboot web1", which is for another to follow."""
        tokens, folded = base.tokens, [token.fold for token in base.tokens]
        to = folded.index("to", 2) if "to" in folded[2:-1] else 0
        if folded[0] not in _BIDS or not to or base.piece.asked:
            return None
        verb = None if is_participle(tokens[to + 1]) else self._book.at(tokens, to + 1)
        return replace(base, form=Form.ORDER, verbs=(ALIEN,)) if verb else None

    def _sigh(self, base: Clause) -> Clause | None:
        """Return the small talk in "kill me now", which acts on nobody but who speaks."""
        verb = self._book.at(base.piece.tokens, 0)
        rest = {token.fold for token in base.piece.tokens[1:]}
        if verb is None or not rest & {"me", "us", "myself"} or not rest <= _SPEAKER:
            return None
        reads = verb.groups & self._lexicon.reading_groups or "send" in verb.groups
        if reads or not verb.groups & {"stop", "remove"}:
            return None
        return replace(base, form=Form.SMALL_TALK)

    def _asks(self, base: Clause, verb: Verb) -> Clause | None:
        """Return the question in "tell me who is on call", "show how full the disk is"."""
        if not verb.groups & self._lexicon.reading_groups:
            return None
        rest = base.tokens[max(verb.places) + 1 :]
        while rest and rest[0].fold in _TOLD:
            rest = rest[1:]
        if len(rest) < 2 or rest[0].fold not in _ASKED:  # noqa: PLR2004
            return None
        question = self._question(replace(base, tokens=tuple(rest)))
        return question and replace(question, asked_groups=question.asked_groups | verb.groups)

    def _is_plural(self, tokens: Sequence[Token], verb: Verb) -> bool:
        """Whether "reports" or "backups" is the noun: no order in English ends so."""
        word = tokens[0].fold
        singular = {stem(word[:-1]), stem(word.removesuffix("es"))}
        plural = word.endswith("s") and not word.endswith("ss") and tokens[0].stem in singular
        plural = plural and word not in self._lexicon.spellings  # "eteins la prise"
        return plural and len(verb.places) == 1

    def _wished_order(self, base: Clause, *, wished: bool) -> Clause | None:
        """Return the order in "nginx needs a restart", "I want nginx restarted"."""
        tokens = base.tokens
        joined = bool(base.piece.lead & _ET)  # "… et l'ajouter au groupe"
        if (wished or joined) and (verb := self._order_of.behind_pronoun(tokens)):
            thing = replace(tokens[0], fold="le", stem="le")  # "l'ajouter"
            tokens = (tokens[1], thing, *tokens[2:])
            return replace(base, form=Form.ORDER, tokens=tokens, verbs=(verb,))
        folded = [token.fold for token in tokens]
        begin = 0
        found = self._lexicon.phrases("request_words").find(folded)
        if base.piece.asked and found is not None and found[0] == 0:
            return None  # "must I reboot db1?"
        if found is not None and folded[0] not in self._lexicon.words("subjects"):
            begin = found[0] + found[1]
        elif not wished:
            return None
        for place in range(begin, len(tokens)):
            verb = self._book.at(tokens, place)
            before = frozenset(folded[place - 1 : place] if place else ())
            if wished and verb is not None and self._light.ends_noun(tokens, verb):
                before = self._light.noun_phrase(tokens, place, begin)  # "a full resync of …"
            article = bool(before & self._lexicon.words("articles"))
            last = verb is not None and max(verb.places) == len(tokens) - 1  # "… neu starten"
            of = folded[place + 1 : place + 2] == ["of"]  # "go ahead with the restart of nginx"
            article = article or (wished and of and place == 1 and folded[0] == "the")
            told = folded[place] in _ADJECTIVES  # "an empty database"
            article = article and not (told and verb and not self._light.ends_noun(tokens, verb))
            if verb and (article or found or last or is_participle(tokens[place])):
                places = verb.places | set(range(found[0], begin) if found else ())
                verbs = (replace(verb, places=places),)
                denied = self._is_denied(folded[max(0, found[0] - 1) if found else 0 : place])
                return replace(base, form=Form.ORDER, verbs=verbs, negated=denied)
        return None

    def _is_denied(self, folded: Sequence[str]) -> bool:
        """Whether what stands before the verb denies: "web1 must not be rebooted"."""
        return bool(set(folded) & (self._lexicon.words("denied_helpers") | _NOT))

    def _terse(self, base: Clause) -> Clause | None:
        """Return the order in "nginx restart": a few words, the verb last."""
        tokens = base.tokens
        asked = base.piece.asked  # "db4 load?" is no order
        if len(tokens) > _TERSE_WORDS or tokens[0].kind is not Kind.WORD or asked:
            return None
        if tokens[0].fold in _ACCOMPANIED:
            return None  # "with a 502 error"
        for place in range(1, len(tokens)):
            verb = self._book.at(tokens, place)
            if verb is None or is_participle(tokens[place]):
                continue
            after = tokens[max(verb.places) + 1 :]
            if not after and self._is_plural(tokens[place:], verb):
                continue  # "nothing changes"; but "security updates on web1"
            closed = self._lexicon.words("prepositions") | self._lexicon.words("pronouns")
            if tokens[place - 1].fold in closed:
                continue  # "queue depth of mail", "mails to it bounce"
            times, said = self._lexicon.phrases("times"), [t.fold for t in after[1:]]
            dated = bool(said) and times.at(said, 0) > 0  # "tom quit on friday"
            placed = place == 1 and bool(after) and after[0].fold in _TERSE_PLACES and not dated
            if placed or not after:
                return replace(base, form=Form.TERSE, verbs=(verb,))
        return None

    def _framed(self, base: Clause) -> Clause | None:
        """Return the order in "ein Backup von orders machen"."""
        verb = self._order_of.light_end(base.tokens)
        main = base.piece.role is Role.MAIN and not base.piece.asked
        return replace(base, form=Form.ORDER, verbs=(verb,)) if verb and main else None

    def _final(self, base: Clause, *, wished: bool) -> Clause | None:
        """Return the order in "(und) die Logs von nginx zeigen": the verb last."""
        follows = bool(base.piece.lead & {"und", "dann", "danach", "sowie", "anschliessend"})
        verb = self._order_of.at_end(base.tokens, follows_german=follows)
        main = base.piece.role is Role.MAIN and (wished or not base.piece.asked)
        return replace(base, form=Form.ORDER, verbs=(verb,)) if verb and main else None

    def _is_past(self, token: Token, base: Clause, *, wished: bool) -> bool:
        """Whether "restarted nginx" tells what was done."""
        spoken = base.piece.lead & {"before"} or base.piece.role is not Role.MAIN
        return is_participle(token) and not wished and not spoken

    def _is_known(self, token: Token, following: Token) -> bool:
        """Whether a word is no unknown verb; "replace the drive" is one, for all its noun."""
        noun = token.stem in self._lexicon.noun_groups
        return (
            token.fold in self._lexicon.words("stop")
            or (noun and following.fold not in {"the", "my", "our", "his", "her", "their"})
            or token.is_name_like
            or token.fold in self._lexicon.words("question_words")
        )

    # --- questions and statements ---

    def _question(self, base: Clause) -> Clause | None:
        aside = base.piece.lead & {","} and not base.piece.strong and not base.piece.asked
        stated = [token.fold for token in base.tokens[1:-1]] in (["is"], ["was"], ["are"])
        if base.tokens[0].fold == "which" and (aside or (stated and not base.piece.asked)):
            return None  # "…, which never happens", "which is outdated"
        if base.tokens[0].fold == "were" and "'" in base.tokens[0].text:
            return None  # "we're not"
        if self._lexicon.phrases("vague").at([t.fold for t in base.tokens], 0):
            return None  # "do the usual with web2"
        groups = self._question_groups(base.tokens)
        reads = self._reads(base.tokens) if groups else ()
        tokens = tuple(map(self._in_english, base.tokens))
        question = replace(
            base, tokens=tokens, form=Form.QUESTION, asked_groups=groups, verbs=reads
        )
        return question if groups else None

    def _in_english(self, token: Token) -> Token:
        """Return "tourne" so that it matches as "running" does."""
        word = self._lexicon.states.get(token.fold) if token.kind is Kind.WORD else None
        return replace(token, fold=word, stem=stem(word)) if word else token

    def _question_groups(self, tokens: Sequence[Token]) -> frozenset[str]:
        folded = [token.fold for token in tokens]
        states = self._lexicon.words("state_words") | self._lexicon.words("state_nouns")
        stated = bool(states & set(folded))
        best, groups = 0, frozenset[str]()
        for group, starts in self._lexicon.questions.items():
            length = starts.at(folded, 0)
            if length > best:
                best, groups = length, frozenset({group})
        return groups | {"check"} if groups and stated else groups

    def _reads(self, tokens: Sequence[Token]) -> tuple[Verb, ...]:
        """Return a verb of looking inside a question: "can I see the logs"."""
        for place in range(1, len(tokens)):
            verb = self._book.at(tokens, place)
            if verb and verb.groups & self._lexicon.reading_groups:
                return (verb,)
        return ()

    def _reported(self, base: Clause) -> Clause | None:
        """Return the statement in "Bob said we should reboot it": no order of the person's."""
        folded = [token.fold for token in base.tokens]
        if self._lexicon.phrases("you_did").find(folded) is not None:
            return replace(base, form=Form.STATEMENT)  # "confirm that you did not delete it"
        if folded[0] in _SAYS:
            return replace(base, form=Form.STATEMENT)  # "…, says the admin of the other site"
        if self._book.at(base.tokens, 0) is not None:
            return None
        speech = self._lexicon.words("speech")
        reported = any(token.fold in speech for token in base.tokens[:OPENING])
        # "A line in the logs of gw1 reads …", and what it reads is not the person's.
        said = [token.fold for token in base.tokens if token.kind is not Kind.QUOTED]
        reported |= not base.piece.asked and bool({*said[-1:]} & speech)
        return replace(base, form=Form.STATEMENT) if reported else None

    def _narrated(self, base: Clause) -> Clause | None:
        if not self._telling.narrates(base.tokens, base.piece):
            return None
        return replace(base, form=Form.STATEMENT, asked_groups=frozenset({"check"}))

    def _statement(self, base: Clause) -> Clause | None:
        verb = self._book.at(base.tokens, 0)
        if verb is not None and self._is_plural(base.tokens, verb):
            return None
        told = self._telling.tells(base.tokens, base.piece)
        if not told and verb is None:
            return None
        if (
            verb is not None
            and is_participle(base.tokens[0])
            and self._telling.is_described(base.tokens, base.piece)
        ):
            return None  # "prune images and stopped containers"
        form = Form.QUESTION if base.piece.asked else Form.STATEMENT
        hedge = self._manners.hedge(base.tokens)
        tokens = base.tokens[hedge:] or base.tokens
        return replace(base, tokens=tokens, form=form, asked_groups=frozenset({"check"}))
