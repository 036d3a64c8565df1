"""Hold the house rules that ruff and mypy cannot: `make check`.

Each rule is a function from a module to its findings, with the files it holds in. A finding says
where, which rule, and what to do instead. There is no way to switch a rule off for one line.
"""

import ast
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

PACKAGES = ("bot", "orchestrator", "agent")
EVERYWHERE = (*PACKAGES, "tests", "scripts", "benchmarks")
MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 60

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """A parsed file; `path` is relative to the root of the checkout, with slashes."""

    path: str
    text: str
    tree: ast.Module

    def inside(self, *folders: str) -> bool:
        """Tell whether the file is one of these files or lies in one of these folders."""
        return any(self.path == folder or self.path.startswith(f"{folder}/") for folder in folders)

    @property
    def is_command_line(self) -> bool:
        """Tell whether the file is a `cli.py` or lies in a package `cli`."""
        return "cli" in Path(self.path).with_suffix("").parts


@dataclass(frozen=True, order=True)
class Finding:
    """One breach of one rule."""

    path: str
    line: int
    rule: str
    advice: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.advice}"


Hit = tuple[int, str]
Rule = Callable[[Module], Iterator[Hit]]


def commit_outside_unit_of_work(module: Module) -> Iterator[Hit]:
    """A transaction has one owner."""
    if not module.inside(*PACKAGES) or module.path == "orchestrator/store/unit_of_work.py":
        return
    for call in calls(module.tree):
        if isinstance(call.func, ast.Attribute) and call.func.attr in {"commit", "rollback"}:
            advice = "use `async with` of the unit of work, which alone ends transactions"
            yield call.lineno, advice


def import_inside_function(module: Module) -> Iterator[Hit]:
    """An import in a function hides a dependency, mostly a cycle."""
    if module.inside("orchestrator/llm"):  # optional extras, imported when first used
        return
    for function in functions(module.tree):
        for node in ast.walk(function):
            if isinstance(node, ast.Import | ast.ImportFrom):
                yield (
                    node.lineno,
                    "import at the top of the file; for a cycle, move the shared part",
                )


def print_in_product(module: Module) -> Iterator[Hit]:
    """What runs as a service logs."""
    if not module.inside(*PACKAGES) or module.inside("agent/homelab") or module.is_command_line:
        return
    for call in calls(module.tree):
        if isinstance(call.func, ast.Name) and call.func.id == "print":
            yield call.lineno, "log with structlog, or return the text to the command line"


def package_file_not_empty(module: Module) -> Iterator[Hit]:
    """A package's `__init__` that holds code makes every import of a neighbour run it."""
    if Path(module.path).name == "__init__.py" and module.text.strip():
        yield 1, "empty it: put the code into a module and import from there"


def file_too_long(module: Module) -> Iterator[Hit]:
    """A file is read in one go."""
    lines = len(module.text.splitlines())
    if lines > MAX_FILE_LINES:
        yield MAX_FILE_LINES + 1, f"{lines} lines, at most {MAX_FILE_LINES}: split it by purpose"


def function_too_long(module: Module) -> Iterator[Hit]:
    """A function fits on a screen."""
    for function in functions(module.tree):
        lines = (function.end_lineno or function.lineno) - function.lineno + 1
        if lines > MAX_FUNCTION_LINES:
            yield (
                function.lineno,
                f"{function.name} has {lines} lines, at most {MAX_FUNCTION_LINES}: name its parts",
            )


def sleep_in_test(module: Module) -> Iterator[Hit]:
    """A test that sleeps is slow on good days and fails on bad ones."""
    if not module.inside("tests") or module.path == "tests/plugins/waiting.py":
        return
    names = imported_names(module.tree)
    for call in calls(module.tree):
        called = dotted(call.func, names)
        yields_only = called != "time.sleep" and is_zero(call.args)
        if called in {"time.sleep", "asyncio.sleep", "anyio.sleep"} and not yields_only:
            yield call.lineno, "wait for the condition itself: an event, or tests.plugins.waiting"


def forbidden_name(module: Module) -> Iterator[Hit]:
    """These words fit everything, so they say nothing."""
    if is_vague(Path(module.path).stem):
        yield 1, f"{Path(module.path).name} says nothing: name the file after what is in it"
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ClassDef) and is_vague(node.name):
            yield node.lineno, f"{node.name} says nothing: name the class after what it does"


def time_without_zone(module: Module) -> Iterator[Hit]:
    """Times are UTC and say so."""
    names = imported_names(module.tree)
    for call in calls(module.tree):
        called = dotted(call.func, names)
        naive_now = called == "datetime.datetime.now" and not call.args and not call.keywords
        if naive_now or called in {
            "datetime.datetime.utcnow",
            "datetime.datetime.utcfromtimestamp",
            "datetime.datetime.today",
            "datetime.date.today",
        }:
            yield call.lineno, "use datetime.now(UTC)"


RULES: dict[str, Rule] = {
    "commit-outside-unit-of-work": commit_outside_unit_of_work,
    "import-inside-function": import_inside_function,
    "print-in-product": print_in_product,
    "package-file-not-empty": package_file_not_empty,
    "file-too-long": file_too_long,
    "function-too-long": function_too_long,
    "sleep-in-test": sleep_in_test,
    "forbidden-name": forbidden_name,
    "time-without-zone": time_without_zone,
}


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    """Yield every call."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def functions(tree: ast.AST) -> Iterator[Function]:
    """Yield every function and method, nested ones included."""
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def imported_names(tree: ast.AST) -> dict[str, str]:
    """Map each name that an import binds to the dotted name that it stands for."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    return names


def dotted(node: ast.expr, names: dict[str, str]) -> str:
    """Return the full dotted name of an expression, or "" when it is none."""
    if isinstance(node, ast.Attribute):
        owner = dotted(node.value, names)
        return f"{owner}.{node.attr}" if owner else ""
    return names.get(node.id, node.id) if isinstance(node, ast.Name) else ""


def is_zero(arguments: Sequence[ast.expr]) -> bool:
    """Tell whether the arguments are the constant 0 alone: `asyncio.sleep(0)` only yields."""
    return [a.value if isinstance(a, ast.Constant) else None for a in arguments] == [0]


def is_vague(name: str) -> bool:
    """Tell whether a name holds one of the words that say nothing."""
    return re.search(r"manager|helper|utils", name, re.IGNORECASE) is not None


def modules(root: Path) -> Iterator[Module]:
    """Yield every Python file of the checkout that the rules speak of."""
    for folder in EVERYWHERE:
        for file in sorted((root / folder).rglob("*.py")):
            text = file.read_text(encoding="utf-8")
            yield Module(file.relative_to(root).as_posix(), text, ast.parse(text, str(file)))


def findings(module: Module) -> Iterator[Finding]:
    """Yield the breaches of all rules in one module."""
    for name, rule in RULES.items():
        for line, advice in rule(module):
            yield Finding(module.path, line, name, advice)


def main(arguments: Sequence[str]) -> int:
    """Check the checkout at the given folder, by default the one this file lies in."""
    root = Path(arguments[0]) if arguments else Path(__file__).resolve().parent.parent
    seen = list(modules(root))
    found = sorted({finding for module in seen for finding in findings(module)})
    for finding in found:
        print(finding)
    print(f"House lint: {len(seen)} files, {len(found) or 'no'} breaches.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
