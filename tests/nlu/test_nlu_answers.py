"""Answers to questions: typed by the schema, or asked again with the reason."""

import pytest

from orchestrator.catalog.models import Catalog
from orchestrator.domain.request import AmbiguityKind, Answer, DecomposedRequest
from orchestrator.errors import ErrorCode, Refused
from orchestrator.nlu.decomposer import (
    DecomposeContext,
    RequestDecomposer,
    apply_answers,
    understand,
)


def answered(text: str, catalog: Catalog, *answers: tuple[str, str]) -> DecomposedRequest:
    return apply_answers(
        understand(text, catalog),
        tuple(Answer(ambiguity_id=name, text=said) for name, said in answers),
        catalog,
    )


@pytest.mark.parametrize(
    ("request_text", "question", "answer", "parameter", "value"),
    [
        ("drop the database", "1-name", "crm", "name", "crm"),
        ("drop the database", "1-name", "Crm", "name", "crm"),
        ("drop the database", "1-name", '"crm"', "name", "crm"),
        ("drop the database", "1-name", "the database crm please", "name", "crm"),
        ("turn off the lights", "1-room", "kitchen", "room", "kitchen"),
        ("turn off the lights", "1-room", "in the living room", "room", "living-room"),
        ("turn off the lights", "1-room", "1", "room", "kitchen"),
        ("turn off the lights", "1-room", "#2", "room", "living-room"),
        ("expand volume media", "1-size_gb", "700", "size_gb", 700),
        ("expand volume media", "1-size_gb", "to 2 TB", "size_gb", 2000),
        ("reboot one of the nodes", "1-node", "node2", "node", "node2"),
        ("restart nginx or redis", "1-service", "2", "service", "redis"),
    ],
)
def test_an_answer_is_typed_by_the_schema_and_set(
    request_text: str,
    question: str,
    answer: str,
    parameter: str,
    value: object,
    foreign: Catalog,
) -> None:
    found = answered(request_text, foreign, (question, answer))
    assert found.ambiguities == ()
    assert [subtask.parameters[parameter] for subtask in found.subtasks] == [value]


@pytest.mark.parametrize(
    ("request_text", "question", "answer", "reason"),
    [
        ("turn off the lights", "1-room", "attic", "must be one of kitchen"),
        ("turn off the lights", "1-room", "99", "must be one of kitchen"),
        ("expand volume media", "1-size_gb", "a lot", "whole number from 1"),
        ("expand volume media", "1-size_gb", "-5", "whole number from 1"),
        ("drop the database", "1-name", "!!!", "does not fit"),
        ("drop the database", "1-name", "c\u200brm", "hidden character"),
        ("renew the certificate", "1-domain", "-rf", "does not fit"),
    ],
)
def test_an_answer_that_does_not_fit_is_asked_again_with_the_reason(
    request_text: str, question: str, answer: str, reason: str, foreign: Catalog
) -> None:
    found = answered(request_text, foreign, (question, answer))
    (left,) = found.ambiguities
    assert left.id == question
    assert reason in left.question
    again = apply_answers(found, (Answer(ambiguity_id=question, text="?!"),), foreign)
    assert again.ambiguities[0].question.count("\n") == 1


@pytest.mark.parametrize("word", ["none", "skip", "Neither", "skip it", "none of them."])
def test_a_declined_step_goes_out_of_scope(word: str, foreign: Catalog) -> None:
    found = answered("drop the database and restart nginx", foreign, ("1-name", word))
    assert [(s.order, s.intent) for s in found.subtasks] == [(1, "restart_unit")]
    assert found.ambiguities == ()
    assert found.out_of_scope == ("drop the database",)


@pytest.mark.parametrize(
    ("answer", "intent"),
    [
        ("set_thermostat", "set_thermostat"),
        ("set thermostat", "set_thermostat"),
        ("2", None),
        ("1", None),
        ("Set_Light", "set_light"),
    ],
)
def test_an_answer_names_a_capability_and_parameters_are_read_again(
    answer: str, intent: str | None, foreign: Catalog
) -> None:
    asked = understand("restart nginx; it's cold in the office, set it to 22", foreign)
    (question,) = asked.ambiguities
    assert question.id == "2-intent"
    expected = intent or question.options[int(answer) - 1]
    found = apply_answers(asked, (Answer(ambiguity_id="2-intent", text=answer),), foreign)
    assert [(s.order, s.intent) for s in found.subtasks] == [(1, "restart_unit"), (2, expected)]
    assert all(one.kind is AmbiguityKind.MISSING_PARAMETER for one in found.ambiguities)
    done = apply_answers(found, (Answer(ambiguity_id="2-room", text="office"),), foreign)
    assert done.ambiguities == ()
    assert done.subtasks[1].parameters["room"] == "office"


def test_a_capability_may_replace_the_one_understood(foreign: Catalog) -> None:
    found = answered("drop the database", foreign, ("1-name", "list_databases"))
    assert [s.intent for s in found.subtasks] == ["list_databases"]
    assert found.ambiguities == ()


def test_no_capability_named_is_asked_again(foreign: Catalog) -> None:
    found = answered(
        "it's cold in the office, set it to 22", foreign, ("1-intent", "something warm")
    )
    assert "names none of them" in found.ambiguities[0].question


def test_yes_and_no_answer_a_single_reading(foreign: Catalog) -> None:
    text = "Deploy everything"
    assert len(understand(text, foreign).ambiguities[0].options) == 1
    yes = answered(text, foreign, ("1-intent", "yes"))
    assert [s.intent for s in yes.subtasks] == ["create_database"]
    no = answered(text, foreign, ("1-intent", "no"))
    assert (no.subtasks, no.ambiguities, no.out_of_scope) == ((), (), (text,))


def test_an_unknown_question_is_refused(foreign: Catalog) -> None:
    with pytest.raises(Refused) as refusal:
        answered("drop the database", foreign, ("7-name", "crm"))
    assert refusal.value.error.code is ErrorCode.INVALID_REQUEST
    assert "1-name" in refusal.value.error.hint


def test_an_answer_that_is_no_parameter_of_a_question_about_a_flag(starter: Catalog) -> None:
    """A flag never has a question of its own: it is optional everywhere in the starter."""
    found = answered("remove gitea", starter)
    assert found.ambiguities == ()


async def test_the_decomposer_takes_answers_with_or_without_the_earlier_understanding(
    foreign: Catalog,
) -> None:
    decomposer = RequestDecomposer(lambda: foreign)
    answers = (Answer(ambiguity_id="1-name", text="crm"),)
    fresh = await decomposer.decompose("drop the database", DecomposeContext(answers=answers))
    before = await decomposer.decompose("drop the database")
    later = await decomposer.decompose(
        "drop the database", DecomposeContext(answers=answers, previous=before)
    )
    assert fresh == later
    assert fresh.subtasks[0].parameters == {"name": "crm"}
