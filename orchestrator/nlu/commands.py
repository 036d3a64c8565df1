"""Orders in the form of a command line: "systemctl restart nginx", "docker logs -f"."""

from collections.abc import Sequence

from orchestrator.nlu.chunks import is_content
from orchestrator.nlu.lexicon import Lexicon
from orchestrator.nlu.lightverbs import is_participle
from orchestrator.nlu.text import Token
from orchestrator.nlu.verbs import VerbBook

_WORDS = 3  # program, verb, what it acts on


def without_program(tokens: Sequence[Token], lexicon: Lexicon, book: VerbBook) -> tuple[Token, ...]:
    """Return the tokens without the program that an order is given in the form of.

    But "docker restart on web1" and "docker stop failed" speak of docker itself.
    """
    programs, places = lexicon.words("programs"), len(tokens)
    begin = 1 if places and tokens[0].fold in programs else 0
    begin += bool(begin) and places > 1 and tokens[1].fold == "compose"
    rest = tuple(tokens[begin:])
    if not begin or len(rest) < _WORDS - 1:
        return tuple(tokens)
    does = book.at(rest, 0) is not None or rest[0].fold in lexicon.words("state_nouns")
    acts_on = is_content(rest[1], lexicon) and not is_participle(rest[1])
    return rest if does and acts_on else tuple(tokens)
