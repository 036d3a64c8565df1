"""`chiffon correct`: say what was meant, then see the new plan, approve it, follow the work."""

from collections.abc import Mapping, Sequence
from typing import Annotated

import typer
from pydantic import JsonValue
from rich.console import Console

from orchestrator.cli.ask import Yes, for_programs, see_through
from orchestrator.cli.clarify import chosen, list_options, read_line
from orchestrator.cli.client import ApiClient
from orchestrator.cli.session import AsJson, Person, say_json, screen, speaking
from orchestrator.cli.words import exactly, shown
from orchestrator.domain.request import Correction
from orchestrator.domain.text import visible
from orchestrator.domain.value import Parameters
from orchestrator.domain.views import (
    CapabilityForm,
    CapabilityOption,
    CorrectionOptions,
    SubmitResult,
)
from orchestrator.errors import ErrorCode, Refused

_MOST_TRIES = 3
_NEAREST = 5
_LEAVE_OUT = "-"
_WHOLE = "All of it"
_ALL = 0
_LAST = 999_999
_SHORT = 60

Reference = Annotated[
    str, typer.Argument(metavar="PLAN|REQUEST", help="A plan: 12; or the id of a request.")
]
Meant = Annotated[
    str | None,
    typer.Argument(
        metavar="[CAPABILITY]",
        help="What you meant; asked for unless it is said. With values alone: as understood.",
    ),
]
Given = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[NAME=VALUE]...",
        help="Its parameters. Your words say those that you leave out; `NAME=` is for none.",
    ),
]


def _part(text: str) -> int:
    if text == "all":
        return _ALL
    if text.isascii() and text.isdigit() and 0 < int(text) <= _LAST:
        return int(text)
    message = "a part is a number from 1, or `all`."
    raise typer.BadParameter(message)


Part = Annotated[
    int | None,
    typer.Option(
        "--part",
        parser=_part,
        metavar="N|all",
        help="Only this part of the request: 2; or `all` of it. Where it has several and none is "
        "said you are asked, and with CAPABILITY nothing is changed.",
    ),
]


class _Unsaid(Exception):
    """Whoever was asked did not say it: the input has ended, or they gave up."""


def correct(
    reference: Reference,
    capability: Meant = None,
    given: Given = None,
    *,
    part: Part = None,
    yes: Yes = False,
    person: Person = None,
    as_json: AsJson = False,
) -> None:
    """Say what you meant by a request: it is planned anew, and goes on as with `ask`.

    Without CAPABILITY you are asked: what was meant, and with which values.
    Until that is said nothing is changed. Exit status 0 means the work is done;
    with --json also that the plan waits, as --yes is not there, or that the
    options are printed, as CAPABILITY is not there.
    """
    if as_json and yes and capability is None:
        message = "--yes with --json needs CAPABILITY: without it nothing is planned."
        raise typer.BadParameter(message)
    with speaking(person, as_json=as_json) as client:
        options = _options_of(client, reference, part)
        if capability is not None and "=" in capability:
            given, capability = [capability, *(given or [])], _understood(options)
        if capability is not None:
            request = _correct(client, options, capability, _pairs(given or []), part)
        elif as_json:
            say_json({"options": options})
            return
        else:
            request = _talk(client, options, part, screen())
        if as_json:
            done = for_programs(client, request, yes=yes)
        else:
            done = see_through(client, request.request_id, screen(), yes=yes)
    if not done:
        raise typer.Exit(1)


def _options_of(client: ApiClient, reference: str, part: int | None) -> CorrectionOptions:
    """Return what may have been meant; a revision that is named must be the newest one."""
    request_id, plan_id = client.request_of(reference)
    options = client.options(request_id, part or None)
    if plan_id not in {None, options.plan_id}:
        message = f"Plan {reference[:_SHORT]} has a newer revision."
        hint = f"`chiffon plan show {options.plan_number}` shows it."
        raise Refused(ErrorCode.CONFLICT, message, hint)
    return options


def _understood(options: CorrectionOptions) -> str:
    """Return the one capability that was understood: other values are meant for it."""
    names = [each.name for each in options.nearest if each.understood]
    if len(names) != 1:
        message = "It is not clear what these values are for."
        hint = "Name the capability before its values."
        raise Refused(ErrorCode.INVALID_REQUEST, message, hint)
    return names[0]


def _pairs(given: Sequence[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for each in given:
        name, equals, text = each.partition("=")
        if not equals:
            message = f"`{each[:_SHORT]}` is no parameter; write NAME=VALUE."
            raise Refused(ErrorCode.INVALID_REQUEST, message)
        if name in pairs:
            message = f"`{name[:_SHORT]}` is given twice."
            raise Refused(ErrorCode.INVALID_REQUEST, message)
        pairs[name] = text
    return pairs


def _correct(
    client: ApiClient,
    options: CorrectionOptions,
    capability: str,
    given: Mapping[str, str],
    part: int | None,
) -> SubmitResult:
    """Correct without a question; what the words hold counts where nothing else is given."""
    if capability not in {each.name for each in options.nearest}:
        raise Refused(ErrorCode.NOT_FOUND, _no_capability(capability))
    order = _order(options, part)
    if order is None and part is None and len(options.parts) > 1:
        raise _several(options)
    form = client.form(options.request_id, capability, order)
    _require_known(form, given)
    values = {name: value for name, value in {**form.suggested, **given}.items() if value != ""}
    correction = Correction(
        capability=capability, parameters=values, order=order, plan_id=options.plan_id
    )
    return client.correct(options.request_id, correction)


def _several(options: CorrectionOptions) -> Refused:
    parts = "; ".join(f"{each.order}. {each.name}" for each in options.parts)
    return Refused(
        ErrorCode.INVALID_REQUEST,
        f"The request has several parts: {parts}. Nothing was changed.",
        f"Say which one you mean with `--part {options.parts[0].order}`, or `--part all`.",
    )


def _require_known(form: CapabilityForm, given: Mapping[str, str]) -> None:
    known = _rules(form)
    unknown = next((name for name in given if name not in known), None)
    if unknown is not None:
        names = ", ".join(f"`{name}`" for name in known) or "none"
        message = f"{form.capability} has no parameter `{unknown[:_SHORT]}`."
        raise Refused(ErrorCode.INVALID_REQUEST, message, f"It has {names}.")


def _talk(
    client: ApiClient, options: CorrectionOptions, part: int | None, console: Console
) -> SubmitResult:
    """Ask for the part, the capability and its values, and send them."""
    _show_understood(options, part, console)
    try:
        order = _order(options, part)
        if order is None and part is None and len(options.parts) > 1:
            order = _ask_part(options, console)
        near = options if order is None else client.options(options.request_id, order)
        capability = _ask_capability(near.nearest, console)
        form = client.form(options.request_id, capability, order)
        correction = Correction(
            capability=capability,
            parameters=_ask_values(form, console),
            order=order,
            plan_id=options.plan_id,
        )
        return _sent(client, options.request_id, correction, form, console)
    except _Unsaid:
        console.print("Nothing was changed.")
        raise typer.Exit(1) from None


def _sent(
    client: ApiClient,
    request_id: str,
    correction: Correction,
    form: CapabilityForm,
    console: Console,
) -> SubmitResult:
    """Send it; a value that is refused is asked for again."""
    for _ in range(_MOST_TRIES):
        try:
            return client.correct(request_id, correction)
        except Refused as refusal:
            name = _field_of(refusal, form)
            if name is None:
                raise
            _warn(f"{refusal.error.message} {refusal.error.hint}".strip(), console)
            values = {each: v for each, v in correction.parameters.items() if each != name}
            again = _ask_value(form, name, None, console)
            values |= {} if again is None else {name: again}
            correction = correction.model_copy(update={"parameters": values})
    return client.correct(request_id, correction)


def _field_of(refusal: Refused, form: CapabilityForm) -> str | None:
    """Return which field a refusal is about; None: it is about something else."""
    if refusal.error.code is not ErrorCode.INVALID_REQUEST:
        return None
    said = refusal.error.message
    return next((n for n in _rules(form) if f"`{n}`" in said or f"`{n}." in said), None)


def _order(options: CorrectionOptions, part: int | None) -> int | None:
    """Return the part that was said, or the only one: what was left out beside it stays so."""
    if part is not None:
        return part or None
    return options.parts[0].order if len(options.parts) == 1 else None


def _show_understood(options: CorrectionOptions, part: int | None, console: Console) -> None:
    plan = "" if options.plan_number is None else f"Plan #{options.plan_number}  "
    console.print(shown(f"{plan}“{options.words}”", "italic"))
    names = [each.name for each in options.parts if part in {None, _ALL, each.order}] or [
        each.name for each in options.nearest if each.understood
    ]
    understood = f"Understood as: {'; '.join(names)}" if names else "Nothing of it was understood."
    console.print(shown(understood), soft_wrap=True)


def _ask_part(options: CorrectionOptions, console: Console) -> int | None:
    """Ask which part was misunderstood; None: all of them."""
    names = [*(each.name for each in options.parts), _WHOLE]
    console.print(shown("Which part is not what you meant?", "bold"))
    list_options(names, console)
    for _ in range(_MOST_TRIES):
        picked = chosen(_line("> ", console), names)
        if picked == _WHOLE:
            return None
        for part in options.parts:
            if part.name == picked:
                return part.order
        if picked:
            _warn(f"There is no part “{picked[:_SHORT]}”.", console)
    raise _Unsaid


def _ask_capability(nearest: Sequence[CapabilityOption], console: Console) -> str:
    others = [each for each in nearest if not each.understood]
    understood = [each for each in nearest if each.understood]
    # What was understood comes last: other values may be what is wrong with it.
    near = [*others[: max(1, _NEAREST - len(understood))], *understood][:_NEAREST]
    console.print(shown("What did you mean?", "bold"))
    list_options(map(_in_words, near), console)
    console.print("Or the name of another one; `chiffon catalog list` shows them all.")
    for _ in range(_MOST_TRIES):
        picked = chosen(_line("> ", console), [each.name for each in near])
        if any(each.name == picked for each in nearest):
            return picked
        if picked:
            _warn(_no_capability(picked), console)
    raise _Unsaid


def _in_words(option: CapabilityOption) -> str:
    if option.understood:
        return f"{option.name}, as it was understood, with other values"
    return f"{option.name}: {option.description} (risk {option.risk})"


def _warn(sentence: str, console: Console) -> None:
    console.print(shown(sentence, "yellow"), soft_wrap=True)


def _no_capability(name: str) -> str:
    return f"There is no capability `{name[:_SHORT]}`; see `chiffon catalog list`."


def _ask_values(form: CapabilityForm, console: Console) -> Parameters:
    console.print(shown(f"{form.description} (risk {form.risk})", "bold"), soft_wrap=True)
    found: Parameters = {}
    for name in sorted(_rules(form), key=lambda name: not _is_needed(form, name)):
        value = _ask_value(form, name, form.suggested.get(name), console)
        if value is not None:
            found[name] = value
    return found


def _ask_value(
    form: CapabilityForm, name: str, held: JsonValue, console: Console
) -> JsonValue | None:
    """Ask for one value: Enter takes what is held; None where it is left out."""
    rule, needed = _rules(form)[name], _is_needed(form, name)
    options = _options(rule)
    console.print(shown(f"{name}: {_about(rule, held, needed=needed)}"), soft_wrap=True)
    list_options(options, console)
    kept = "" if held is None else f" [{visible(_text(held))}]"
    for _ in range(_MOST_TRIES):
        line = _line(f"{visible(name)}{kept}: ", console)
        if line == _LEAVE_OUT and not needed:
            return None
        if line:
            return chosen(line, options)
        if held is not None or not needed:
            return held
    raise _Unsaid


def _about(rule: Mapping[str, JsonValue], held: JsonValue, *, needed: bool) -> str:
    described = rule.get("description")
    default = rule.get("default")
    parts = [
        described.strip().rstrip(".") if isinstance(described, str) else "",
        "several are joined by commas" if rule.get("type") == "array" else "",
        "" if default is None else f"if left out: {_text(default)}",
        "" if needed else f"{_LEAVE_OUT} leaves it out" if held is not None else "may be left out",
    ]
    return "; ".join(filter(None, parts)) or "needed"


def _rules(form: CapabilityForm) -> dict[str, dict[str, JsonValue]]:
    properties = form.parameters_schema.get("properties")
    known = properties if isinstance(properties, dict) else {}
    return {name: rule if isinstance(rule, dict) else {} for name, rule in known.items()}


def _is_needed(form: CapabilityForm, name: str) -> bool:
    required = form.parameters_schema.get("required")
    listed = isinstance(required, list) and name in required
    return listed and _rules(form)[name].get("default") is None


def _options(rule: Mapping[str, JsonValue]) -> list[str]:
    listed = [True, False] if rule.get("type") == "boolean" else rule.get("enum")
    return [_text(each) for each in listed] if isinstance(listed, list) else []


def _text(value: JsonValue) -> str:
    """Return a value as a person would type it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return value if isinstance(value, str) else exactly(value)


def _line(prompt: str, console: Console) -> str:
    """Return what a person types.

    Raises:
        _Unsaid: the input has ended, or they pressed Ctrl-C.
    """
    try:
        line = read_line(prompt, console)
    except KeyboardInterrupt:
        console.print()
        line = None
    if line is None:
        raise _Unsaid
    return line
