"""From settings to the language models at hand."""

import threading
from importlib import import_module
from importlib.util import find_spec
from urllib.parse import urlsplit

from orchestrator.errors import SettingsError
from orchestrator.llm.client import SDK, Endpoint, ModelClient
from orchestrator.llm.keys import ModelKeys
from orchestrator.llm.port import Models
from orchestrator.offhost import is_here
from orchestrator.settings import Settings

_INSTALL = "pip install 'chiffon[llm]'"
_PACKAGES = ("pydantic_ai", "openai", "anthropic")
_DEFAULT_URLS = {
    "ollama": "http://127.0.0.1:11434/v1",
    "openai": "http://127.0.0.1:8000/v1",  # where vLLM listens
    "anthropic": "https://api.anthropic.com",
}


def open_models(settings: Settings, keys: ModelKeys | None = None, *, warm: bool = True) -> Models:
    """Return the models that the settings name; nothing is connected yet.

    Without `keys` the environment is asked for them. The packages take seconds to import; that
    begins here, in a thread, unless `warm` is off.

    Raises:
        SettingsError: the extra is not installed, or the key of the external model is missing.
    """
    if settings.local_model is None and settings.external_model is None:
        return Models()
    if any(find_spec(name) is None for name in _PACKAGES):
        raise SettingsError(
            "A language model is set, and the packages for it are not installed: "
            f"{_INSTALL}, or unset CHIFFON_LOCAL_MODEL and CHIFFON_EXTERNAL_MODEL."
        )
    models = Models(external=_external(settings, keys), local=_local(settings))
    if warm:
        threading.Thread(target=import_module, args=(SDK,), name="load models", daemon=True).start()
    return models


def local_endpoint(settings: Settings) -> Endpoint | None:
    """Return where the local model is asked; None where there is none."""
    if settings.local_model is None:
        return None
    provider, _, name = settings.local_model.partition(":")
    url = settings.local_model_url or _DEFAULT_URLS[provider]
    return Endpoint(provider, name, url, key=settings.local_model_key or "")


def _local(settings: Settings) -> ModelClient | None:
    endpoint = local_endpoint(settings)
    return None if endpoint is None else ModelClient(endpoint)


def _external(settings: Settings, keys: ModelKeys | None) -> ModelClient | None:
    if settings.external_model is None:
        return None
    key = (keys or ModelKeys()).anthropic_api_key
    if not key:
        raise SettingsError(
            "CHIFFON_EXTERNAL_MODEL is set, and ANTHROPIC_API_KEY is not: set it, or "
            "ANTHROPIC_API_KEY_FILE to a file that holds it."
        )
    provider, _, name = settings.external_model.partition(":")
    url = settings.external_model_url or _DEFAULT_URLS[provider]
    if not url.startswith("https://") and not is_here(urlsplit(url).hostname or ""):
        raise SettingsError(
            "CHIFFON_EXTERNAL_MODEL_URL: http:// would send key and text in the clear. "
            "Use https://."
        )
    return ModelClient(
        Endpoint(
            provider,
            name,
            url,
            key=key,
            is_free=False,
            price=settings.external_price,
        )
    )
