"""Ask a person back where a request is ambiguous."""

from collections.abc import Iterable, Sequence

from rich.console import Console

from orchestrator.cli.client import ApiClient
from orchestrator.cli.words import shown
from orchestrator.domain.lifecycle import RequestStatus
from orchestrator.domain.request import Ambiguity, Answer
from orchestrator.domain.views import SubmitResult

_MOST_ROUNDS = 5
_MOST_TRIES = 3


def clarify(client: ApiClient, result: SubmitResult, console: Console) -> SubmitResult:
    """Ask what is open, round by round, and return what is understood in the end.

    A person who gives no answer (end of input, three times nothing) leaves the request open.
    """
    for _ in range(_MOST_ROUNDS):
        if result.status is not RequestStatus.REQUIRES_CLARIFICATION:
            break
        answers: list[Answer] = []
        for number, ambiguity in enumerate(result.ambiguities, start=1):
            text = _ask(ambiguity, console)
            if text is None:
                for other in result.ambiguities[number:]:
                    _show(other, console)
                return result
            answers.append(Answer(ambiguity_id=ambiguity.id, text=text))
        result = client.answer(result.request_id, answers)
    return result


def read_line(prompt: str, console: Console) -> str | None:
    """Return what a person types, without white space around it; None at the end of input."""
    try:
        return console.input(prompt, markup=False, emoji=False).strip()
    except EOFError:
        console.print()
        return None


def _ask(ambiguity: Ambiguity, console: Console) -> str | None:
    _show(ambiguity, console)
    for _ in range(_MOST_TRIES):
        line = read_line("> ", console)
        if line is None:
            return None
        if line:
            return chosen(line, ambiguity.options)
    return None


def _show(ambiguity: Ambiguity, console: Console) -> None:
    console.print(shown(ambiguity.question, "bold"))
    list_options(ambiguity.options, console)


def list_options(options: Iterable[str], console: Console) -> None:
    """Show options, each with the number that picks it."""
    for number, option in enumerate(options, start=1):
        console.print(shown(f"  {number}. {option}"))


def chosen(line: str, options: Sequence[str]) -> str:
    """A number picks an option, unless the number itself is one; anything else is the answer."""
    if line in options or not line.isascii() or not line.isdigit():
        return line
    return options[int(line) - 1] if 1 <= int(line) <= len(options) else line
