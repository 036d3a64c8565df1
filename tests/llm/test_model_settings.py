"""From settings to models: what is refused, and that nothing is loaded before it is needed."""

import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.errors import SettingsError
from orchestrator.llm import opening
from orchestrator.llm.keys import ModelKeys
from orchestrator.llm.opening import open_models
from orchestrator.llm.port import Models
from orchestrator.settings import Settings, load_settings

LOCAL = {"local_model": "ollama:qwen3"}
EXTERNAL = {"external_model": "anthropic:claude-haiku-4-5"}
KEYS = ModelKeys(anthropic_api_key="key")


def test_without_a_setting_there_is_no_model(tmp_path: Path) -> None:
    assert open_models(Settings(home=tmp_path)) == Models()


def test_models_are_named_as_the_settings_name_them(tmp_path: Path) -> None:
    models = open_models(Settings.model_validate({"home": tmp_path, **LOCAL, **EXTERNAL}), KEYS)
    assert models.local is not None
    assert models.external is not None
    names = (models.local.name, models.external.name)
    assert names == ("ollama:qwen3", "anthropic:claude-haiku-4-5")


@pytest.mark.parametrize(
    ("given", "keys", "sentence"),
    [
        ({}, ModelKeys(anthropic_api_key=""), "ANTHROPIC_API_KEY is not"),
        ({"external_model_url": "http://example.org"}, KEYS, "in the clear. Use https://"),
    ],
)
def test_what_is_missing_or_unsafe_is_one_sentence(
    tmp_path: Path, given: dict[str, str], keys: ModelKeys, sentence: str
) -> None:
    with pytest.raises(SettingsError, match=sentence):
        open_models(Settings.model_validate({"home": tmp_path, **EXTERNAL, **given}), keys)


def test_without_the_extra_the_command_that_brings_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "_PACKAGES", ("a_package_that_is_not_there",))
    with pytest.raises(SettingsError, match=r"pip install 'chiffon\[llm\]'"):
        open_models(Settings.model_validate({"home": tmp_path, **LOCAL}))


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("CHIFFON_LOCAL_MODEL", "qwen3", "must be ollama:NAME or openai:NAME"),
        ("CHIFFON_LOCAL_MODEL", "anthropic:x", "must be ollama:NAME or openai:NAME"),
        ("CHIFFON_EXTERNAL_MODEL", "openai:x", "must be anthropic:NAME"),
        ("CHIFFON_EXTERNAL_MODEL", "anthropic:", "must be anthropic:NAME"),
        ("CHIFFON_LOCAL_MODEL_URL", "127.0.0.1:11434", "must start with https:// or http://"),
        ("CHIFFON_LOCAL_MODEL_QUOTA", "0", "greater than or equal to 1"),
        ("CHIFFON_EXTERNAL_MODEL_BUDGET", "-1", "greater than 0"),
        ("CHIFFON_EXTERNAL_MODEL_PRICE", "3", "IN/OUT, for example 3/15"),
        ("CHIFFON_EXTERNAL_TEXT", "yes", "'none', 'requests' or 'all'"),
        ("CHIFFON_MODEL_POLICY", "local", "'never_external' or 'external_for_planning'"),
    ],
)
def test_a_bad_value_names_its_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert str(refused.value).startswith(f"{variable}: ")
    assert sentence in str(refused.value)


def test_the_key_may_stand_in_a_file_and_is_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "key"
    file.write_text("sk-ant-secret\n")
    monkeypatch.setenv("ANTHROPIC_API_KEY_FILE", str(file))
    keys = ModelKeys()
    assert keys.anthropic_api_key == "sk-ant-secret"
    assert "sk-ant-secret" not in repr(keys)


def test_no_sdk_is_loaded_with_the_program() -> None:
    """The SDKs take seconds; who has no model never waits for them."""
    program = (
        "import sys, bot.cli.up, bot.cli.serve, agent.cli; "
        "print(sorted({'pydantic_ai', 'openai', 'anthropic', 'genai_prices'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.strip() == b"[]"
