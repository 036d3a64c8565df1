"""Groups the words of a clause into candidate values, with what stands around each."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from orchestrator.nlu.coerce import split_number, time_unit
from orchestrator.nlu.lexicon import Lexicon
from orchestrator.nlu.shapes import SlotKind, looks_like, stands_alone
from orchestrator.nlu.text import Kind, Token

_POSSESSIVE = ("'s", "\u2019s")
_CLOSED = (
    "stop",
    "prepositions",
    "personal_pronouns",
    "fillers",
    "state_words",
    "adverbs",
    "moments",
    "have_words",
)
"""Lists of words that mean nothing of their own."""
_VERSION_RE = re.compile(r"v?\d+(?:\.\d+)+(?:-[a-z0-9.]+)?")
_PEOPLE = frozenset(
    {"colleague", "coworker", "sister", "brother", "wife", "husband", "son", "daughter", "friend"}
    | {
        "intern",
        "boss",
        "employee",
        "hire",
        "starter",
        "trainee",
        "flatmate",
        "roommate",
        "kollege",
    }
    | {"kollegin", "kollegen", "praktikant", "collegue", "stagiaire", "companero", "companera"}
)
"""Who somebody is, before the name."""
_APART = frozenset({"for", "fur", "pour", "para", "of", "von", "vom", "de", "del", "du", "des"})
"""The noun before one of these is something of what follows: "a snapshot of db1"."""
_LABELS = frozenset({"branch", "job", "tag", "group", "channel"})
"""A plain word before one of these is its name."""
_TITLE_ARTICLES = frozenset({"the", "der", "die", "das", "le", "la", "les", "el", "los", "las"})
_BOTH = frozenset({"both", "beide", "beiden", "ambos", "ambas"})


@dataclass(frozen=True, slots=True)
class Chunk:
    """Neighbouring words that may be one value."""

    places: tuple[int, ...]
    preposition: str = ""
    determiner: str = ""
    nouns: frozenset[str] = frozenset()  # stems that were taken off its edges
    of: frozenset[str] = frozenset()  # the stem before its preposition: "logs" in "logs of nginx"
    quoted: bool = False

    def text(self, tokens: Sequence[Token]) -> str:
        """Return the value as the person wrote it."""
        return " ".join(tokens[place].value for place in self.places)


def is_content(token: Token, lexicon: Lexicon) -> bool:
    """Whether a token means something of its own (not a stop word, adverb or mark)."""
    if token.kind in {Kind.QUOTED, Kind.URL}:
        return True
    letter = len(token.fold) == 1 and token.fold.isalpha()
    return token.kind is Kind.WORD and not letter and token.fold not in lexicon.all_of(_CLOSED)


def is_number(token: Token, lexicon: Lexicon) -> bool:
    """Whether a token is a number in figures or words."""
    return looks_like(SlotKind.NUMBER, token.fold) or (
        token.fold in lexicon.numbers and token.fold != "one"
    )


def with_port(chunk: Chunk, tokens: Sequence[Token]) -> str:
    """Return "10.0.0.7:8989", which is read as two words; "" where no number stands behind."""
    behind = tokens[chunk.places[-1] + 1 : chunk.places[-1] + 2]
    ported = any(t.text.isdigit() and t.start - 1 == tokens[chunk.places[-1]].end for t in behind)
    return f"{chunk.text(tokens)}:{behind[0].text}" if ported else ""


def is_titled(tokens: Sequence[Token], place: int) -> bool:
    """Whether the article before a word belongs to it: "request The Bear"."""
    if place < 2:  # noqa: PLR2004  # the first word of all is written so anyhow
        return False
    article, word = tokens[place - 1], tokens[place]
    alike = article.text.istitle() and word.text[:1].isupper()
    return alike and article.fold in _TITLE_ARTICLES


def chunks_of(
    tokens: Sequence[Token],
    places: Iterable[int],
    nouns: frozenset[str],
    lexicon: Lexicon,
    verbs: frozenset[int] = frozenset(),
    topics: frozenset[str] = frozenset(),
) -> list[Chunk]:
    """Return the chunks among the content tokens at `places`.

    Args:
        tokens: the clause.
        places: content places that no other slot has taken, in order.
        nouns: stems by which the capability's slots and objects are called.
        lexicon: the shipped words.
        verbs: the places of the verb: "snapshot" in "snapshot db1" is no noun of its label.
        topics: stems of other nouns that the capability's texts say: "logs" in "sonarr logs".
    """
    runs: list[list[int]] = []
    for place in places:
        token = tokens[place]
        if token.fold.endswith("ing") and token.stem in lexicon.actions:
            continue  # "what is making it slow"
        if token.fold in lexicon.words("guesses"):
            continue  # "the server probably needs a reboot"
        if _is_attribute(tokens, place, lexicon, verbs):
            continue  # "owned by anna"
        following = tokens[place + 1 : place + 2]
        bare = bool(following) and is_content(following[0], lexicon)
        # Not in "backup orders db", where what follows says what "orders" is.
        titled = bare and following[0].stem in nouns and not token.fold.endswith("ed")
        installs = place - 1 in verbs and token.stem in lexicon.actions and not titled
        if installs and bare and token.fold.isalpha():
            continue  # "apt install ncdu"
        if place > 0 and time_unit(token.fold) and is_number(tokens[place - 1], lexicon):
            continue  # "for 2 hours"
        alone = token.kind in {Kind.QUOTED, Kind.URL} or is_number(token, lexicon)
        alone = alone or stands_alone(token.fold) or _is_period(token)
        if (
            runs
            and runs[-1][-1] == place - 1
            and not alone
            and not _splits(tokens, place, runs[-1], nouns, lexicon)
        ):
            runs[-1].append(place)
        else:
            runs.append([place])
    return [_named(_chunk(tokens, run, nouns, lexicon, verbs, topics), tokens) for run in runs]


def _is_period(token: Token) -> bool:
    """Whether a token is a length of time or a size: "90m" ends "mute ApiDown 90m"."""
    parsed = split_number(token.fold)
    return parsed is not None and bool(time_unit(parsed[1]))


def _is_attribute(
    tokens: Sequence[Token], place: int, lexicon: Lexicon, verbs: frozenset[int]
) -> bool:
    """Whether a participle before a preposition tells of the word before it.

    Not right behind the verb: in "stop memcached on cache2" it is what is acted on.
    """
    word = tokens[place]
    following = tokens[place + 1].fold if place + 1 < len(tokens) else ""
    doing = word.fold.endswith("ing") and word.stem in lexicon.actions
    tells = doing or (word.fold.endswith("ed") and word.stem != word.fold)
    acted_on = place - 1 in verbs or tokens[place - 1].fold in lexicon.words("fillers")
    return place > 0 and not acted_on and tells and following in lexicon.words("prepositions")


def _named(chunk: Chunk, tokens: Sequence[Token]) -> Chunk:
    """Return the chunk without plain words around the one word that looks like a name."""
    names = [place for place in chunk.places if tokens[place].is_name_like]
    others = [tokens[place].text for place in chunk.places if place not in names]
    lone = len(names) == 1 and not chunk.quoted
    somebody = lone and " " in tokens[names[0]].value  # "Offboarding Joe Hale"
    if lone and all(text.isalpha() and (text.islower() or somebody) for text in others):
        return replace(chunk, places=tuple(names))
    return chunk


def _splits(
    tokens: Sequence[Token], place: int, run: list[int], nouns: frozenset[str], lexicon: Lexicon
) -> bool:
    """Whether a new chunk starts at `place` though the words touch."""
    token, before = tokens[place], tokens[run[-1]]
    if _VERSION_RE.fullmatch(token.fold):
        return True
    owned = before.text.endswith(_POSSESSIVE) and token.text.isupper()  # "jake's SSH keys"
    if before.kind is not Kind.WORD or stands_alone(before.fold) or owned:
        return True
    plain = not token.is_name_like and not token.text[:1].isupper()
    thing = before.text[:1].isupper() and plain and token.stem in lexicon.noun_groups
    if looks_like(SlotKind.NUMBER, before.fold) or thing:  # "the Grafana logs"
        return True
    if looks_like(SlotKind.HOST, token.fold) and before.stem not in nouns:
        return True
    if before.is_name_like and plain and token.stem not in nouns:
        return True
    following = tokens[place + 1] if place + 1 < len(tokens) else None
    has_value = any(tokens[one].stem not in nouns for one in run)
    labels = before.is_name_like or (token.stem in _LABELS and not before.fold.endswith("ed"))
    # "The smoke-test job of shop", "is the develop branch green".
    ends = labels and following is not None and not is_content(following, lexicon)
    return (
        token.stem in nouns
        and has_value
        and not ends
        and following is not None
        and following.kind is Kind.WORD
        and following.stem not in nouns
        and following.start - token.end <= 1
    )


def _chunk(
    tokens: Sequence[Token],
    run: list[int],
    nouns: frozenset[str],
    lexicon: Lexicon,
    verbs: frozenset[int],
    topics: frozenset[str],
) -> Chunk:
    preposition, determiner = _before(tokens, run[0], lexicon)
    taken: set[str] = set()
    inner = list(run)
    if tokens[run[0]].kind is Kind.WORD:
        while inner and tokens[inner[-1]].stem in nouns:
            taken.add(tokens[inner.pop()].stem)
        while inner and tokens[inner[0]].stem in nouns:
            taken.add(tokens[inner.pop(0)].stem)
    while len(inner) > 1 and _colours(tokens[inner[-1]], topics, lexicon):
        taken.add(tokens[inner.pop()].stem)  # "the frontend deployment"
    while len(inner) > 1 and _is_kind(tokens[inner[0]], lexicon):
        taken.add(tokens[inner.pop(0)].stem)  # "le conteneur plex"
    while len(inner) > 1 and tokens[inner[0]].fold in _PEOPLE:
        taken.add(tokens[inner.pop(0)].stem)  # "my sister lina"
        determiner = ""
    quoted = tokens[run[0]].kind is Kind.QUOTED
    near = _noun_before(tokens, run[0], nouns, lexicon)
    if not taken and near is not None and near not in verbs:
        taken.add(tokens[near].stem)
    of = _head(tokens, run[0], lexicon) if preposition else frozenset[str]()
    return Chunk(tuple(inner), preposition, determiner, frozenset(taken), of, quoted)


def _colours(token: Token, topics: frozenset[str], lexicon: Lexicon) -> bool:
    """Whether a plain word behind a name only says what is looked at, or of what sort it is."""
    plain = token.kind is Kind.WORD and token.text.islower() and token.fold.isalpha()
    return plain and (token.stem in topics or token.fold in lexicon.words("workloads"))


def _is_kind(token: Token, lexicon: Lexicon) -> bool:
    return token.stem in lexicon.noun_groups and not token.is_name_like


def _before(tokens: Sequence[Token], place: int, lexicon: Lexicon) -> tuple[str, str]:
    """Return the preposition and the determiner that govern the word at `place`."""
    determiner = ""
    for index in range(place - 1, -1, -1):
        word = tokens[index].fold
        if word in lexicon.words("prepositions"):
            left = word == "of" and index > 0 and tokens[index - 1].fold == "out"
            return "from" if left else word, determiner  # "take eva out of admins"
        if word in _BOTH:
            continue  # "both nginx and redis" counts them, it does not describe
        if word in lexicon.words("indefinite") | lexicon.words("determiners"):
            determiner = determiner or word
        elif word not in lexicon.words("stop"):
            break
    return "", determiner


def _head(tokens: Sequence[Token], place: int, lexicon: Lexicon) -> frozenset[str]:
    """Return the stem of the word before the preposition that governs the word at `place`."""
    index = place - 1
    while index > 0 and tokens[index].fold not in lexicon.words("prepositions"):
        index -= 1
    return frozenset({tokens[index - 1].stem} if index > 0 else ())


def _noun_before(
    tokens: Sequence[Token], place: int, nouns: frozenset[str], lexicon: Lexicon
) -> int | None:
    """Return the place of the noun in "database called orders", "port to 8080"."""
    index = place - 1
    copulas = {"is", "be", "should", "will", "must"}
    told = index >= 0 and tokens[index].fold == "is"  # "the queue is exploding"
    if told and not tokens[place].is_name_like and not is_number(tokens[place], lexicon):
        return None
    links = lexicon.words("prepositions") | copulas
    if not is_number(tokens[place], lexicon):
        links -= _APART
    while index >= 0 and tokens[index].fold in links:
        index -= 1
    near = index >= 0 and place - index <= 3  # noqa: PLR2004
    return index if near and tokens[index].stem in nouns else None
