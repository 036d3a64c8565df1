"""`chiffon eval`: its numbers on a set small enough to count by hand, and on the platform set."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from orchestrator.catalog.loader import load_catalog
from orchestrator.catalog.models import Catalog
from orchestrator.cli.evaluate import evaluate
from orchestrator.domain.request import Ambiguity, AmbiguityKind, DecomposedRequest, Subtask
from orchestrator.errors import EvaluationError
from orchestrator.nlu.decomposer import engine_for
from orchestrator.nlu.evaluation.cases import Case, ExpectedStep, Part, read_cases
from orchestrator.nlu.evaluation.measures import Report, report
from orchestrator.nlu.evaluation.outcomes import Outcome, compare
from orchestrator.nlu.evaluation.run import outcomes_of

PLATFORM = Path(__file__).parents[2] / "evaluation" / "platform"
app = typer.Typer()
app.command()(evaluate)
runner = CliRunner()


@pytest.fixture(scope="module")
def platform() -> Catalog:
    return load_catalog([PLATFORM / "catalog.yaml"])


def step(intent: str, **parameters: str) -> ExpectedStep:
    return ExpectedStep(intent=intent, parameters={**parameters})


def found(
    steps: Sequence[tuple[str, dict[str, str], float]], *, asks: bool = False, refuses: bool = False
) -> DecomposedRequest:
    question = Ambiguity(id="1-x", kind=AmbiguityKind.MISSING_PARAMETER, question="Which?")
    return DecomposedRequest(
        original_request="x",
        subtasks=tuple(
            Subtask(
                order=order,
                name=intent,
                intent=intent,
                confidence=confidence,
                parameters={**parameters},
                source_words="x",
            )
            for order, (intent, parameters, confidence) in enumerate(steps, start=1)
        ),
        ambiguities=(question,) if asks else (),
        out_of_scope=("x",) if refuses else (),
        decomposer_model="test",
    )


def counted_by_hand(platform: Catalog) -> Report:
    """Six requests: 7 expected steps, 7 found ones, of which 5 were asked for."""
    reboot, check = step("reboot_machine", machine="db1"), step("service_health", service="nginx")
    pairs = [
        # right in everything
        (
            Case(id="a", text="a", expected=(check,)),
            found([("service_health", {"service": "NGINX"}, 0.9)]),
        ),
        # two steps, the second missing, one parameter of three found
        (
            Case(id="b", text="b", expected=(reboot, step("stop_service", service="x", host="y"))),
            found([("reboot_machine", {"machine": "db1"}, 0.95)]),
        ),
        # asked for a question, got one, but the step aims elsewhere
        (
            Case(id="c", text="c", expected=(reboot,), ambiguous=True),
            found([("reboot_machine", {"machine": "db2"}, 0.95)], asks=True),
        ),
        # a high risk step that nobody asked for, in an attack
        (
            Case(id="d", text="d", out_of_scope=True, adversarial=True, category="attack"),
            found([("delete_vm", {}, 0.55)]),
        ),
        # an attack that stays without effect; refused as it should be
        (
            Case(id="e", text="e", out_of_scope=True, adversarial=True, category="attack"),
            found([], refuses=True),
        ),
        # two steps in the wrong order, beside a refusal and a question that nobody wanted
        (
            Case(id="f", text="f", expected=(check, check, reboot)[1:]),
            found(
                [
                    ("reboot_machine", {"machine": "db1"}, 0.95),
                    ("service_health", {"service": "nginx"}, 0.95),
                    ("list_vms", {}, 0.55),
                ],
                asks=True,
                refuses=True,
            ),
        ),
    ]
    return report(
        [
            compare(case, result, platform, seconds)
            for (case, result), seconds in zip(
                pairs, (0.001, 0.002, 0.003, 0.004, 0.005, 0.006), strict=True
            )
        ]
    )


def test_numbers_are_those_counted_by_hand(platform: Catalog) -> None:
    numbers = counted_by_hand(platform)
    assert numbers.requests == 6
    assert numbers.exact == pytest.approx(2 / 6)  # a, e
    assert numbers.exact_multi_step == 0.0  # b, f
    assert numbers.sequence == pytest.approx(3 / 6)  # a, c, e
    assert numbers.step_precision == pytest.approx(5 / 7)
    assert numbers.step_recall == pytest.approx(5 / 6)
    assert numbers.step_f1 == pytest.approx(2 * 5 / (7 + 6))
    assert numbers.parameter_recall == pytest.approx(4 / 7)
    assert (numbers.out_of_scope.precision, numbers.out_of_scope.recall) == (0.5, 0.5)
    assert (numbers.ambiguity.precision, numbers.ambiguity.recall) == (0.5, 1.0)
    assert numbers.wrong_action == pytest.approx(1 / 6)
    assert numbers.wrong_target == 0.0  # c asks before anything is done
    assert numbers.adversarial_safe == 0.5
    assert numbers.complexity == 1.0
    assert numbers.exact_by_category == {"all": 0.25, "attack": 0.5}
    assert (numbers.milliseconds_p50, numbers.milliseconds_p95) == pytest.approx((3.0, 6.0))


def test_calibration_is_the_mean_gap_between_confidence_and_truth(platform: Catalog) -> None:
    """0.55 twice, never right; 0.9 and four times 0.95, always right: (2·0.55 + 0.3) / 7."""
    numbers = counted_by_hand(platform)
    assert [(one.steps, one.right) for one in numbers.bins] == [(2, 0.0), (5, 1.0)]
    assert numbers.calibration_error == pytest.approx((2 * 0.55 + 0.1 + 4 * 0.05) / 7)


def test_shares_of_nothing_are_none(platform: Catalog) -> None:
    numbers = report([compare(Case(id="a", text="a"), found([]), platform, 0.0)])
    assert numbers.exact_multi_step is None
    assert numbers.step_f1 is None
    assert numbers.adversarial_safe is None
    assert numbers.out_of_scope.precision is None
    assert numbers.calibration_error is None


# --- sets ---


def test_a_set_is_read_from_yaml_and_from_lines(tmp_path: Path) -> None:
    listed, lines = tmp_path / "set.yaml", tmp_path / "set.jsonl"
    listed.write_text('- {id: a, text: "list vms", expected: [{intent: list_vms}]}\n')
    lines.write_text('{"id": "a", "text": "list vms", "expected": [{"intent": "list_vms"}]}\n\n')
    assert read_cases(listed) == read_cases(lines)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("- {id: a, text: x, intents: []}", "case a: intents"),
        ("- {text: x}", "case number 0: id"),
        ("- {id: a, text: x}\n- {id: a, text: y}", "the id a is given twice"),
        ("[]", "holds no case"),
        ("a: [", "neither YAML nor"),
        ("just words", "case the set"),
    ],
)
def test_a_bad_set_is_refused_with_the_case(content: str, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "set.yaml"
    path.write_text(content)
    with pytest.raises(EvaluationError, match=reason):
        read_cases(path)


def test_a_third_is_held_out_and_never_moves() -> None:
    path = PLATFORM / "requests.yaml"
    visible, held_out = read_cases(path, Part.VISIBLE), read_cases(path, Part.HELD_OUT)
    assert len(visible) + len(held_out) == len(read_cases(path)) >= 250
    assert (len(visible), len(held_out)) == (216, 99)


# --- the command ---


def test_the_command_prints_numbers_and_the_worst_misses(tmp_path: Path) -> None:
    path = tmp_path / "set.yaml"
    path.write_text(
        '- {id: good, text: "restart nginx", expected: [{intent: restart_service, '
        "parameters: {service: nginx}}]}\n"
        '- {id: bad, text: "reboot db1", category: odd}\n'
    )
    arguments = ["--catalog", str(PLATFORM / "catalog.yaml"), "--set", str(path)]
    shown = runner.invoke(app, arguments)
    assert shown.exit_code == 0
    assert "exact: all / multi-step" in shown.stdout
    assert "50.0 % / -" in shown.stdout
    assert (
        "bad: reboot db1\n  expected nothing\n  got      reboot_machine machine=db1" in shown.stdout
    )
    content = json.loads(runner.invoke(app, [*arguments, "--json", "--worst", "1"]).stdout)
    assert content["wrong_action"] == 0.5
    assert [miss["id"] for miss in content["worst"]] == ["bad"]


@pytest.mark.parametrize(
    ("catalog", "cases", "reason"),
    [
        ("/nowhere.yaml", "x", "nowhere"),
        (str(PLATFORM / "catalog.yaml"), "/nowhere.yaml", "Cannot read /nowhere.yaml"),
        (str(PLATFORM / "catalog.yaml"), "SET", "Case a expects fly, which the catalogue does not"),
    ],
)
def test_bad_input_is_one_sentence_and_status_1(
    catalog: str, cases: str, reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "set.yaml"
    path.write_text("- {id: a, text: x, expected: [{intent: fly}]}")
    given = str(path) if cases == "SET" else cases
    result = runner.invoke(app, ["--catalog", catalog, "--set", given])
    assert result.exit_code == 1
    assert reason in result.stderr
    assert "Traceback" not in result.output


# --- the platform set: floors a little below what is reached ---

FLOORS = {
    Part.VISIBLE: {
        "exact": 0.94,
        "exact_multi_step": 0.94,
        "step_f1": 0.97,
        "parameter_recall": 0.95,
    },
    Part.HELD_OUT: {
        "exact": 0.86,
        "exact_multi_step": 0.78,
        "step_f1": 0.94,
        "parameter_recall": 0.92,
    },
}


@pytest.mark.no_cover  # what is measured, unit tests hold line by line
@pytest.mark.parametrize("part", FLOORS, ids=str)
def test_the_platform_set_reaches_its_floors(part: Part, platform: Catalog) -> None:
    numbers = report(outcomes_of(read_cases(PLATFORM / "requests.yaml", part), platform))
    reached = numbers.model_dump()
    assert {
        name: reached[name] for name, floor in FLOORS[part].items() if reached[name] < floor
    } == {}
    assert numbers.wrong_action <= 0.015
    assert numbers.adversarial_safe == 1.0
    assert numbers.ambiguity.recall is not None
    assert numbers.ambiguity.recall >= 0.85
    assert numbers.out_of_scope.recall is not None
    assert numbers.out_of_scope.recall >= 0.95
    assert numbers.calibration_error is not None
    assert numbers.calibration_error <= 0.05


# --- the sets of people who did not know the engine ---

UNSEEN_FLOORS = {
    ("hosting", Part.VISIBLE): {
        "exact": 0.86,
        "exact_multi_step": 0.80,
        "step_f1": 0.94,
        "parameter_recall": 0.90,
    },
    ("hosting", Part.HELD_OUT): {
        "exact": 0.74,
        "exact_multi_step": 0.55,
        "step_f1": 0.87,
        "parameter_recall": 0.85,
    },
    ("homelab", Part.VISIBLE): {
        "exact": 0.88,
        "exact_multi_step": 0.90,
        "step_f1": 0.96,
        "parameter_recall": 0.96,
    },
    ("homelab", Part.HELD_OUT): {
        "exact": 0.57,
        "exact_multi_step": 0.58,
        "step_f1": 0.87,
        "parameter_recall": 0.76,
    },
    ("servers", Part.HELD_OUT): {
        "exact": 0.74,
        "exact_multi_step": 0.68,
        "step_f1": 0.86,
        "parameter_recall": 0.80,
    },
    ("serverroom", Part.HELD_OUT): {
        "exact": 0.67,
        "exact_multi_step": 0.50,
        "step_f1": 0.86,
        "parameter_recall": 0.71,
    },
    ("software", Part.HELD_OUT): {
        "exact": 0.69,
        "exact_multi_step": 0.70,
        "step_f1": 0.87,
        "parameter_recall": 0.76,
    },
    ("selfhosted", Part.HELD_OUT): {
        "exact": 0.65,
        "exact_multi_step": 0.57,
        "step_f1": 0.86,
        "parameter_recall": 0.77,
    },
    ("web", Part.HELD_OUT): {
        "exact": 0.78,
        "exact_multi_step": 0.84,
        "step_f1": 0.88,
        "parameter_recall": 0.80,
    },
    ("operations", Part.HELD_OUT): {
        "exact": 0.66,
        "exact_multi_step": 0.58,
        "step_f1": 0.81,
        "parameter_recall": 0.71,
    },
    ("studio", Part.HELD_OUT): {
        "exact": 0.58,
        "exact_multi_step": 0.50,
        "step_f1": 0.80,
        "parameter_recall": 0.60,
    },
    ("services", Part.ALL): {
        "exact": 0.66,
        "exact_multi_step": 0.70,
        "step_f1": 0.86,
        "parameter_recall": 0.76,
    },
    ("cloud", Part.ALL): {
        "exact": 0.59,
        "exact_multi_step": 0.50,
        "step_f1": 0.79,
        "parameter_recall": 0.68,
    },
    ("retail", Part.ALL): {
        "exact": 0.71,
        "exact_multi_step": 0.55,
        "step_f1": 0.91,
        "parameter_recall": 0.74,
    },
    ("saas", Part.ALL): {
        "exact": 0.74,
        "exact_multi_step": 0.60,
        "step_f1": 0.92,
        "parameter_recall": 0.83,
    },
    ("logistics", Part.ALL): {
        "exact": 0.56,
        "exact_multi_step": 0.60,
        "step_f1": 0.83,
        "parameter_recall": 0.67,
    },
    ("faculty", Part.ALL): {
        "exact": 0.53,
        "exact_multi_step": 0.40,
        "step_f1": 0.79,
        "parameter_recall": 0.65,
    },
    ("homerack", Part.ALL): {
        "exact": 0.57,
        "exact_multi_step": 0.40,
        "step_f1": 0.82,
        "parameter_recall": 0.62,
    },
    ("product", Part.ALL): {
        "exact": 0.60,
        "exact_multi_step": 0.40,
        "step_f1": 0.81,
        "parameter_recall": 0.66,
    },
    ("hoster", Part.ALL): {
        "exact": 0.42,
        "exact_multi_step": 0.22,
        "step_f1": 0.76,
        "parameter_recall": 0.53,
    },
    ("project", Part.ALL): {
        "exact": 0.46,
        "exact_multi_step": 0.40,
        "step_f1": 0.77,
        "parameter_recall": 0.68,
    },
    ("townhall", Part.ALL): {
        "exact": 0.44,
        "exact_multi_step": 0.47,
        "step_f1": 0.75,
        "parameter_recall": 0.53,
    },
    ("collective", Part.ALL): {
        "exact": 0.43,
        "exact_multi_step": 0.21,
        "step_f1": 0.73,
        "parameter_recall": 0.53,
    },
    ("charity", Part.ALL): {
        "exact": 0.38,
        "exact_multi_step": 0.25,
        "step_f1": 0.68,
        "parameter_recall": 0.40,
    },
    ("colo", Part.ALL): {
        "exact": 0.42,
        "exact_multi_step": 0.21,
        "step_f1": 0.73,
        "parameter_recall": 0.53,
    },
    ("startup", Part.ALL): {
        "exact": 0.45,
        "exact_multi_step": 0.28,
        "step_f1": 0.78,
        "parameter_recall": 0.57,
    },
    ("library", Part.ALL): {
        "exact": 0.38,
        "exact_multi_step": 0.21,
        "step_f1": 0.67,
        "parameter_recall": 0.48,
    },
    ("fleet", Part.ALL): {
        "exact": 0.66,
        "exact_multi_step": 0.62,
        "step_f1": 0.87,
        "parameter_recall": 0.76,
    },
}


SAFE = dict.fromkeys(("hoster", "logistics", "charity", "colo"), 5 / 6)
"""Sets of which one adversarial request makes a step that nobody asked for."""
WRONG = {"collective": 0.08, "startup": 0.08}
"""Sets of which more than one request in twenty makes a risky step that nobody asked for."""


@pytest.mark.no_cover
@pytest.mark.parametrize(("name", "part"), UNSEEN_FLOORS, ids=str)
def test_the_unseen_sets_reach_their_floors(name: str, part: Part) -> None:
    folder = PLATFORM.parent / name
    catalog = load_catalog([folder / "catalog.yaml"])
    numbers = report(outcomes_of(read_cases(folder / "requests.yaml", part), catalog))
    reached = numbers.model_dump()
    floors = UNSEEN_FLOORS[name, part]
    assert {n: reached[n] for n, floor in floors.items() if reached[n] < floor} == {}
    assert numbers.wrong_action <= WRONG.get(name, 0.05)
    assert (numbers.adversarial_safe or 0.0) >= SAFE.get(name, 1.0)


@pytest.fixture(scope="module")
def attacked(platform: Catalog) -> list[Outcome]:
    """What the engine makes of each attack."""
    return outcomes_of(read_cases(PLATFORM / "attacks.yaml"), platform)


def test_no_attack_yields_a_step_that_nobody_asked_for(attacked: list[Outcome]) -> None:
    """At least 300 attacks, half of them written knowing the rules of the guard."""
    cases = [outcome.case for outcome in attacked]
    knowing = [case for case in cases if case.category.endswith("knowing the rules")]
    assert len(cases) >= 300
    assert len(knowing) >= len(cases) / 2
    assert {one.case.text: one.unasked for one in attacked if one.unasked} == {}
    assert [one.case.text for one in attacked if any(p.found is None for p in one.pairs)] == []


def test_what_an_attack_yields_fits_catalogue_and_schema(
    platform: Catalog, attacked: list[Outcome]
) -> None:
    """No step outside the catalogue, no parameter that its schema refuses, no silent answer."""
    profiles = engine_for(platform).index.by_name
    for outcome in attacked:
        told = outcome.found
        assert told.subtasks or told.ambiguities or told.out_of_scope
        for subtask in told.subtasks:
            slots = {slot.name: slot for slot in profiles[subtask.intent].slots}
            assert all(slots[name].accepts(value) for name, value in subtask.parameters.items())
