"""Marks what is quoted, pasted or injected, so that it never becomes an order.

Three answers: a *value* (short quotes, URLs) may fill a parameter; *pasted* text (code, JSON,
long quotes) is looked over; an *injected* span (role markers, "ignore previous instructions",
shell commands, "skip approval") is never looked into and is told back as out of scope.
The idea of spans that are data, never instructions: OWASP LLM01 (prompt injection).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from orchestrator.nlu.text import Kind, Token, tokenise, word_token

_MAX_VALUE = 200
_CODE_RE = re.compile(r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)", re.DOTALL)
_TICKS_RE = re.compile(r"`([^`\n]+)`")
_DOUBLE_RE = re.compile(r'"([^"]+)"')
_SINGLE_RE = re.compile(r"(?<!\w)'([^'\n]+)'(?!\w)")
_URL_RE = re.compile(
    r"\b(?:https?|ssh|git|ftp|s3|tcp)://[^\s<>\"'`,;)]*[^\s<>\"'`,;).!?]", re.IGNORECASE
)
_JSON_RE = re.compile(r"\{[^{}]*[:\"][^{}]*\}|\[\s*[\"{][^\[\]]*\]")
_TAG_RE = re.compile(r"<!--.*?(?:-->|\Z)|<(?=[/a-z|])[^<>\n]{1,80}>", re.DOTALL | re.IGNORECASE)

_ROLE_RE = re.compile(
    r"(?im)(?:^|(?<=[.!?\n])\s*)[\[<#*|\s]*"
    r"(?:system|assistant|developer|user|admin|root|human|ai|instructions?|inst|im_start)"
    r"(?:\s+(?:prompt|message|note|override|instructions?))?[\]>|*\s]*:.*",
    re.DOTALL,
)
_OVERRIDE_RE = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass|overrule|ignoriere|vergiss|ignorez?|oublie"
    r"|ignora|olvida)\b[^.\n]{0,40}?"
    r"\b(?:instructions?|rules?|prompts?|guidelines?|restrictions?|polic(?:y|ies)|guardrails?"
    r"|safety|anweisungen|regeln|consignes|regles|règles|instrucciones|reglas|above|training)\b.*"
    r"|\b(?:you are now|from now on,? you|pretend (?:to be|you)|act as (?:an?|if|the)|roleplay as"
    r"|developer mode|dan mode|jailbreak|new instructions?(?=\s*:)|du bist jetzt|tu es maintenant"
    r"|ahora eres|as (?:an?|the|your) (?:admin\w*|root|developer|owner|creator),?\s"
    r"|i am (?:an?|the|your) (?:admin\w*|root|developer|owner|creator))\b.*",
    re.IGNORECASE | re.DOTALL,
)
_SKIP_RE = re.compile(
    r"(?:\b(?:and|then|but|so|please|just)\s+)?"
    r"\b(?:skip|skipping|bypass|bypassing|without|no|disable|avoid|omit|forget|don'?t (?:wait for"
    r"|ask for|need)|do not (?:wait for|ask for)|not waiting for|no need for|ohne|sans|sin)\s+"
    r"(?:the |any |an |my |your |further |asking for |asking |waiting for |waiting |human |usual "
    r"|die |l'|la )*"
    r"(?:approvals?|confirmations?|permission|review step|sign-?off|freigabe|genehmigung"
    r"|approbation|confirmation|aprobaci[oó]n|confirmaci[oó]n|me|anyone|anybody)\b"
    r"|\b(?:auto[- ]?approve[d]?|self[- ]?approve[d]?|pre[- ]?approved|already approved"
    r"|approve (?:it|this|that|everything|the plan|all)(?: yourself| automatically)?"
    r"|mark (?:it|this) (?:as )?approved|consider (?:it|this) approved"
    r"|(?:it|this|that|everything)(?: is|'s| has been| was) (?:already |pre)?-?approved)\b[^.,;\n]*"
    r"|\bno questions asked\b",
    re.IGNORECASE,
)
_SHELL_RE = re.compile(
    r"\$\([^)\n]*\)?|\$\{[^}\n]*\}?|\{\{.*?(?:\}\}|$)|(?:&&|\|\|)[^\n]*|\|\s*(?:sh|bash|zsh|sudo|nc|tee)\b[^\n]*"
    r"|(?:;\s*)?\b(?:sudo|rm|curl|wget|chmod|chown|dd|mkfs(?:\.\w+)?|bash|eval)\s+(?:-{1,2}\w[^\n;]*|https?:[^\n;]*|if=[^\n;]*|/[^\n;]*)"
    r"|\b(?:sudo|rm)\s+[\w-]+[^\n;,.]*|:\(\)\s*\{[^\n]*"
    r"|['\"]?\s*;?\s*\b(?:DROP|DELETE|TRUNCATE|ALTER)\s+(?:TABLE|DATABASE|FROM)\s+\w+\s*(?:;|--)[^\n]*",
)
_PASTED_RE = re.compile(
    r"\b(?:log|logs|text|message|e-?mail|ticket|output|note|comment|readme|page|document|error"
    r"|review|description|transcript|subject|body|file)\b(?:\s+(?:line|file|message|below"
    r"|from \S+))?(?:\s+(?:says?|said|reads|contains|is|was|shows))?\s*:(?=\s)(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)

_LOG_LINE_RE = re.compile(
    r"^[ >]*(?:\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d |\[?\d\d:\d\d:\d\d"
    r"|<\d{1,3}>|\[\s*\d+\.\d{3,}\]|(?:\S+ )?(?:\[|\b)(?:ERROR|WARN(?:ING)?|INFO|DEBUG|FATAL|CRITICAL"
    r"|TRACE|NOTICE|PANIC)\b[\]:]|Traceback \(|\s+at [\w.$]+\(|\s*File \"[^\"]+\", line \d+"
    r"|level=\w+ |\S+@\S+[:~].*[$#] |[$#] |>>> ).*$",
    re.MULTILINE,
)
"""A line of a log, a stack trace or a terminal: pasted, never said."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the text that is not the person's own order."""

    start: int
    end: int
    kind: Kind
    value: str
    injected: bool


def guarded_spans(text: str) -> list[Span]:
    """Return the spans of normalised `text` that never match an intent, in order."""
    taken: list[Span] = []
    for span in _candidates(text):
        if not any(span.start < other.end and other.start < span.end for other in taken):
            taken.append(span)
    return sorted(taken, key=lambda span: span.start)


def _candidates(text: str) -> Iterator[Span]:
    yield from _all(_CODE_RE, text, Kind.GUARDED)
    yield from _cut_by_quotes(_ROLE_RE, text)
    yield from _cut_by_quotes(_OVERRIDE_RE, text)
    yield from _all(_LOG_LINE_RE, text, Kind.GUARDED)
    yield from _all(_TAG_RE, text, Kind.GUARDED)
    yield from _all(_JSON_RE, text, Kind.GUARDED)
    yield from _quotes(text)
    yield from _pasted(text)
    yield from _all(_SHELL_RE, text, Kind.GUARDED, injected=True)
    yield from _all(_URL_RE, text, Kind.URL)
    yield from _all(_SKIP_RE, text, Kind.GUARDED, injected=True)


def _all(
    pattern: re.Pattern[str], text: str, kind: Kind, *, injected: bool = False
) -> Iterator[Span]:
    for match in pattern.finditer(text):
        yield Span(match.start(), match.end(), kind, match.group(), injected)


def _cut_by_quotes(pattern: re.Pattern[str], text: str) -> Iterator[Span]:
    """Yield injections to the end of the text, unless a pair of quotes holds them whole."""
    match = pattern.search(text)
    if match is None:
        return
    for quotes in (_DOUBLE_RE, _TICKS_RE, _SINGLE_RE):
        for quoted in quotes.finditer(text):
            if quoted.start() < match.start() < quoted.end():
                yield Span(
                    quoted.start(), quoted.end(), Kind.GUARDED, quoted.group(), injected=True
                )
                return
    begin = match.start() + len(match.group()) - len(match.group().lstrip())
    yield Span(begin, match.end(), Kind.GUARDED, match.group().strip(), injected=True)


def _quotes(text: str) -> Iterator[Span]:
    for pattern in (_TICKS_RE, _DOUBLE_RE, _SINGLE_RE):
        for match in pattern.finditer(text):
            inner = match.group(1).strip()
            long = len(inner) > _MAX_VALUE or "\n" in inner
            kind = Kind.GUARDED if long else Kind.QUOTED
            yield Span(match.start(), match.end(), kind, inner, injected=False)


def _pasted(text: str) -> Iterator[Span]:
    """Yield what follows "the log says:" and the like, to the end of the text."""
    match = _PASTED_RE.search(text)
    if match is not None and match["rest"].strip():
        begin = match.end() - len(match["rest"].lstrip())
        yield Span(begin, match.end(), Kind.GUARDED, match["rest"].strip(), injected=False)


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
    mark = "!" if span.injected else ""
    return Token(shown, span.start, span.end, span.kind, mark, mark, span.value)
