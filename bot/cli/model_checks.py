"""What the doctor finds about language models; it asks for a list at most, never for an answer."""

from collections.abc import AsyncIterator

import httpx

from bot.cli.check import Check, ok, problem, warning
from orchestrator.domain.fallback import ModelPolicy
from orchestrator.domain.model_rules import ModelRules
from orchestrator.errors import SettingsError
from orchestrator.llm.client import Endpoint
from orchestrator.llm.opening import local_endpoint, open_models
from orchestrator.settings import Settings

_PATIENCE_SECONDS = 5
_MAX_NAMES = 5
_MAX_BYTES = 1_000_000


async def check_models(settings: Settings) -> list[Check]:
    """Say whether the models that are set can be used, and what may leave for them."""
    if settings.local_model is None and settings.external_model is None:
        found = "None is set: the embedded engine understands, open-ended steps cannot be run."
        return [ok("models", found)]
    try:
        open_models(settings, warm=False)
    except SettingsError as fault:
        return [problem("models", str(fault), "Do as it says, in the environment or in .env.")]
    return [each async for each in _each(settings)]


async def _each(settings: Settings) -> AsyncIterator[Check]:
    local = local_endpoint(settings)
    if local is not None:
        yield await _local(local)
    if settings.external_model is not None:
        yield _external(settings)


async def _local(endpoint: Endpoint) -> Check:
    """Ask the server which models it has: that is free, and makes it load none."""
    name = "local model"
    headers = {"Authorization": f"Bearer {endpoint.key}"} if endpoint.key else {}
    where = _plain(endpoint.url)
    start = "Start it (`ollama serve`)" if endpoint.provider == "ollama" else "Start it"
    fix = f"{start}, or correct CHIFFON_LOCAL_MODEL_URL."
    try:
        async with httpx.AsyncClient(timeout=_PATIENCE_SECONDS) as client:
            answer = await client.get(f"{endpoint.url.rstrip('/')}/models", headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL) as fault:
        told = type(fault).__name__
        return problem(name, f"The server at {where} does not answer ({told}).", fix)
    return _listed(name, endpoint, answer)


def _listed(name: str, endpoint: Endpoint, answer: httpx.Response) -> Check:
    where = _plain(endpoint.url)
    if answer.status_code in {401, 403}:
        found = f"The server at {where} refuses the key ({answer.status_code})."
        return problem(name, found, "Set CHIFFON_LOCAL_MODEL_KEY, or …_KEY_FILE.")
    names = _names(answer)
    if names is None:
        found = f"What answers at {where} does not list models (HTTP {answer.status_code})."
        return problem(name, found, "CHIFFON_LOCAL_MODEL_URL must end in the server's /v1.")
    if {endpoint.model, f"{endpoint.model}:latest"} & {*names}:
        return ok(name, f"{endpoint.model} is there at {where}.")
    listed = ", ".join(sorted(names)[:_MAX_NAMES]) or "none"
    found = f"The server at {where} has no model {endpoint.model}; it has: {listed}."
    is_ollama = endpoint.provider == "ollama"
    pull = f"ollama pull {endpoint.model}, or n" if is_ollama else "Start it with that model, or n"
    return problem(name, found, f"{pull}ame one of its own in CHIFFON_LOCAL_MODEL.")


def _names(answer: httpx.Response) -> list[str] | None:
    """Return the names that a server lists; None where it is no such list."""
    if answer.status_code != httpx.codes.OK or len(answer.content) > _MAX_BYTES:
        return None
    try:
        listed = answer.json()["data"]
        return [str(each["id"]) for each in listed or ()]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _external(settings: Settings) -> Check:
    """Say what the settings make of it. It is not asked: each answer of it may cost."""
    name, model = "external model", settings.external_model
    rules = ModelRules.of(settings.model_policy, settings.external_text)
    closed = rules.external_closed()
    if closed:
        fix = "Set CHIFFON_EXTERNAL_TEXT to requests or all, or unset CHIFFON_EXTERNAL_MODEL."
        if settings.model_policy is ModelPolicy.NEVER_EXTERNAL:
            fix = "Set CHIFFON_MODEL_POLICY to auto, or unset CHIFFON_EXTERNAL_MODEL."
        return warning(name, f"{model} has its key. {closed}", fix)
    leaves = f"CHIFFON_EXTERNAL_TEXT is {settings.external_text}"
    if settings.external_model_budget is None:
        found = f"{model} has its key; {leaves}; no budget limits what it may cost."
        return warning(name, found, "Set CHIFFON_EXTERNAL_MODEL_BUDGET (money per month).")
    limit = f"at most {settings.external_model_budget:g} a month"
    return ok(name, f"{model} has its key; {leaves}; {limit}. It was not asked: that costs.")


def _plain(url: str) -> str:
    """Return an address without what stands before its host."""
    try:
        return str(httpx.URL(url).copy_with(username=None, password=None))
    except httpx.InvalidURL:
        return "its address"
