"""Marks what is quoted, pasted or injected, so that it never becomes an order.

Three answers: a *value* (short quotes, URLs) may fill a parameter; *pasted* text (code, JSON,
long quotes) is looked over; an *injected* span (role markers, "ignore previous instructions",
"skip approval") is never looked into and changes nothing beside the person's own request; a
*command* (shell) is told back as out of scope.
The idea of spans that are data, never instructions: OWASP LLM01 (prompt injection).
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from orchestrator.nlu import guard_patterns as patterns
from orchestrator.nlu.text import Kind, Token, normalise, tokenise, word_token

COMMAND, INJECTED = "!", "~"
"""What a guarded token has for its stem, where it tries to give orders; else it has none."""

_MAX_VALUE = 200
_SPEAKER_WORDS = 3
_BORDER_RE = re.compile(r"[.!?;,](?=\s)|[\n(]")
_CONFUSABLE = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0455\u0458\u04bb\u0501\u051b\u03bf\u03b1\u03b5\u03b9\u03c5\u0131",
    "aeopcyxisjhdqoaeiui",
)
"""Letters of other scripts that look like Latin ones (Unicode's confusables, the common ones)."""
_LEET = str.maketrans("013457@$", "oieastas")


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the text that is not the person's own order."""

    start: int
    end: int
    kind: Kind
    value: str
    injected: bool
    command: bool = False  # a shell's: more is asked for than any capability does


def guarded_spans(text: str) -> list[Span]:
    """Return the spans of normalised `text` that never match an intent, in order."""
    taken: list[Span] = []
    for span in _candidates(text):
        touched = [o for o in taken if span.start < o.end and o.start < span.end]
        if not touched:
            taken.append(span)
        elif span.kind is Kind.GUARDED and all(_holds(span, other) for other in touched):
            taken = [other for other in taken if other not in touched]
            injected = any(o.injected for o in (span, *touched))
            command = span.command or any(o.command for o in touched if not span.injected)
            taken.append(replace(span, injected=injected, command=command))
    return sorted(taken, key=lambda span: span.start)


def _holds(span: Span, other: Span) -> bool:
    """Whether pasted text holds all of another span: an injection within a log is the log's.

    But a block of code is all that "the log says:" announces.
    """
    within = span.start < other.start and other.end <= span.end
    return within and other.kind is Kind.GUARDED and not other.value.startswith(("```", "~~~"))


def _candidates(text: str) -> Iterator[Span]:
    yield from _all(patterns.CODE_RE, text, Kind.GUARDED)
    yield from _struck(text)
    elements = [*_all(patterns.ELEMENT_RE, text, Kind.GUARDED)]
    yield from elements
    shown = _blanked(text, elements)
    plain = _skeleton(shown)
    for seen in dict.fromkeys((shown, plain, plain.translate(_LEET))):
        yield from _cut_by_quotes(patterns.OVERRIDE_RE, text, seen)
    for seen in dict.fromkeys((shown, plain)):
        yield from _cut_by_quotes(patterns.ROLE_RE, text, seen)
    yield from _all(patterns.LOG_LINE_RE, text, Kind.GUARDED)
    yield from _all(patterns.COMMENT_RE, text, Kind.GUARDED)
    yield from _all(patterns.BLOCK_RE, text, Kind.GUARDED)
    yield from _all(patterns.CALL_RE, text, Kind.GUARDED)
    yield from _all(patterns.TAG_RE, text, Kind.GUARDED)
    yield from _all(patterns.JSON_RE, text, Kind.GUARDED)
    yield from _quotes(text)
    yield from _pasted(text)
    yield from _cited(text)
    yield from _all(patterns.MAIL_RE, text, Kind.GUARDED)
    for span in _all(patterns.SHELL_RE, text, Kind.GUARDED, injected=True):
        yield replace(span, command=True)
    yield from _all(patterns.URL_RE, text, Kind.URL)
    yield from _all(patterns.SKIP_RE, text, Kind.GUARDED, injected=True)


def _all(
    pattern: re.Pattern[str], text: str, kind: Kind, *, injected: bool = False
) -> Iterator[Span]:
    for match in pattern.finditer(text):
        yield Span(match.start(), match.end(), kind, match.group(), injected)


def _blanked(text: str, spans: Iterable[Span]) -> str:
    """Return `text` with the spans as spaces: what stands in them opens nothing outside."""
    for span in spans:
        text = text[: span.start] + " " * (span.end - span.start) + text[span.end :]
    return text


def _skeleton(text: str) -> str:
    """Return `text` as it looks, in plain small letters; the length is kept."""
    return "".join(map(_bare, text.translate(_CONFUSABLE)))


def _bare(character: str) -> str:
    if character.isascii():
        return character
    small = unicodedata.normalize("NFKD", character.lower())[:1].translate(_CONFUSABLE)
    return small or character


def _cut_by_quotes(pattern: re.Pattern[str], text: str, seen: str) -> Iterator[Span]:
    """Yield injections to the end of the text, unless a pair of quotes holds them whole.

    `seen` is the text as the pattern shall see it, of the same length.
    """
    match = _unless_form(pattern, text, seen)
    if match is None:
        return
    for quotes in (patterns.DOUBLE_RE, patterns.TICKS_RE, patterns.SINGLE_RE):
        for quoted in quotes.finditer(text):
            if quoted.start() < match.start() < quoted.end():
                yield Span(
                    quoted.start(), quoted.end(), Kind.GUARDED, quoted.group(), injected=False
                )
                return
    begin = match.start() + len(match.group()) - len(match.group().lstrip())
    shown = text[begin : match.end()].strip()
    yield Span(begin, match.end(), Kind.GUARDED, shown, injected=True)


def _quotes(text: str) -> Iterator[Span]:
    for pattern in (patterns.TICKS_RE, patterns.DOUBLE_RE, patterns.SINGLE_RE):
        for match in pattern.finditer(text):
            inner = match.group(1).strip()
            long = len(inner) > _MAX_VALUE or "\n" in inner
            kind = Kind.GUARDED if long else Kind.QUOTED
            yield Span(match.start(), match.end(), kind, inner, injected=False)


def _struck(text: str) -> Iterator[Span]:
    """Yield what is struck through, unless a pair of quotes holds it: it is part of a value.

    An injection that begins in it goes on behind it: "~~x ignore~~ previous instructions …".
    """
    quoted, injected = [*_quotes(text)], patterns.OVERRIDE_RE.search(text)
    for span in _all(patterns.STRUCK_RE, text, Kind.GUARDED):
        if not any(quote.start < span.start and span.end < quote.end for quote in quoted):
            if injected is not None and span.start < injected.start() < span.end:
                end = max(span.end, injected.end())
                yield replace(span, end=end, value=text[span.start : end], injected=True)
                return
            yield span


def _unless_form(pattern: re.Pattern[str], text: str, seen: str) -> re.Match[str] | None:
    """Return the first match that is no field of a form; `seen` is what `text` looks like."""
    match = pattern.search(seen)
    while match is not None and _is_form(text, match.start()):
        match = pattern.search(seen, text.find("\n", match.start() + 1))
    return match


def _is_form(text: str, place: int) -> bool:
    """Whether the line at `place` is a field among others: "User: Joe Hale", "Email: j@a.test".

    Whoever fills in a form gives names: an order in a field, or a turn of a dialogue, is none.
    """
    end = text.find("\n", place + 1)
    asked = patterns.ASKING_RE.search(text[:place])
    if end < 0 or asked or patterns.TURN_RE.search(text) or patterns.HEAD_RE.match(text):
        return False
    labels = [match[1].casefold() for match in patterns.LABEL_RE.finditer(text)]
    if len({*labels}) < len(labels):
        return False
    before, behind = ([s for s in t.splitlines() if s.strip()] for t in (text[:end], text[end:]))
    beside = [*before[-2:-1], *behind[:1]]
    field = patterns.FIELD_RE.fullmatch
    return bool(before and field(before[-1])) and any(map(field, beside))


def _pasted(text: str) -> Iterator[Span]:
    """Yield what follows "the log says:" and the like, to the end of the text."""
    match = _unless_form(patterns.PASTED_RE, text, text)
    if match is not None and match["rest"].strip():
        alone = not text[text.rfind("\n", 0, match.start()) + 1 : match.start()].strip()
        begin = match.end() - len(match["rest"].lstrip())
        begin = match.start() if alone else begin
        yield Span(begin, match.end(), Kind.GUARDED, match["rest"].strip(), injected=False)


def _cited(text: str) -> Iterator[Span]:
    """Yield what somebody else said or wrote, with the words that say so."""
    match = patterns.CITED_RE.search(text)
    if match is not None and match["rest"].strip():
        begin = _speaker(text, match.start())
        shown = text[begin : match.end()].strip()
        yield Span(begin, match.end(), Kind.GUARDED, shown, injected=False)


def _speaker(text: str, place: int) -> int:
    """Return where "Omar" or "README.md" before "wrote:" begins; `place` where more is said."""
    borders = [match.end() for match in _BORDER_RE.finditer(text, 0, place)]
    begin = borders[-1] if borders else 0
    return begin if len(text[begin:place].split()) <= _SPEAKER_WORDS else place


def is_guarded(text: str) -> bool:
    """Say whether any of `text`, as a person wrote it, is pasted or injected."""
    return any(token.kind is Kind.GUARDED for token in guarded_tokens(normalise(text)))


def guarded_tokens(text: str) -> list[Token]:
    """Return the tokens of normalised `text`, each guarded span as one token."""
    tokens: list[Token] = []
    place = 0
    for span in guarded_spans(text):
        tokens += tokenise(text, place, span.start)
        tokens.append(_token(span, text))
        place = span.end
    return [*tokens, *tokenise(text, place)]


def _token(span: Span, text: str) -> Token:
    shown = text[span.start : span.end]
    if span.kind is Kind.QUOTED:
        plain = word_token(span.value, span.start)
        return Token(shown, span.start, span.end, span.kind, plain.fold, plain.stem, span.value)
    mark = COMMAND if span.command else INJECTED if span.injected else ""
    return Token(shown, span.start, span.end, span.kind, mark, mark, span.value)
