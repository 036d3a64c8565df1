"""Make answers to open questions out of what somebody wrote in the thread."""

import re
from collections.abc import Sequence

from orchestrator.domain.request import Ambiguity, Answer

LONGEST_ANSWER = 2_000  # characters, as `Answer` takes them
_NUMBERED = re.compile(r"^\s*(?P<number>\d{1,2})\s*[.):]\s*(?P<text>.*\S)\s*$")


def answers_in(text: str, questions: Sequence[Ambiguity]) -> list[Answer]:
    """Return the answers that `text` gives.

    One open question takes the whole text. Several take lines that begin with their numbers
    (`2. node1`); a text without such lines answers the first.
    """
    if len(questions) > 1:
        numbered = _numbered(text, questions)
        if numbered:
            return numbered
    return [_answer(questions[0], text)]


def _numbered(text: str, questions: Sequence[Ambiguity]) -> list[Answer]:
    found = filter(None, map(_NUMBERED.match, text.splitlines()))
    given = {int(line["number"]): line["text"] for line in found}
    return [
        _answer(question, given[number])
        for number, question in enumerate(questions, start=1)
        if number in given
    ]


def _answer(question: Ambiguity, text: str) -> Answer:
    return Answer(ambiguity_id=question.id, text=text)
