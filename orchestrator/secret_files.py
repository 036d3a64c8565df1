"""Secrets by file: `NAME_FILE` names a file that holds what `NAME` would have said.

The form that container images know. pydantic-settings reads secrets by file too, but only a
folder of files that are called like the settings.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource
from typing_extensions import override

from orchestrator.errors import SettingsError

_LARGEST = 64 * 1024  # characters; no address and no token comes near


class SettingsWithFiles(BaseSettings):
    """Settings of which `secrets_by_file` names those that a file may hold: field to variable."""

    secrets_by_file: ClassVar[Mapping[str, str]] = {}

    @classmethod
    @override
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Add the files that the environment and `.env` name."""
        files = SecretFiles(settings_cls, cls.secrets_by_file, (env_settings, dotenv_settings))
        return init_settings, env_settings, dotenv_settings, files, file_secret_settings


class SecretFiles(PydanticBaseSettingsSource):
    """A source of settings: for each named variable, the file that `NAME_FILE` points to."""

    def __init__(
        self,
        settings: type[BaseSettings],
        names: Mapping[str, str],
        sources: Iterable[PydanticBaseSettingsSource],
    ) -> None:
        """Take the settings, the variable of each field, and where variables are looked up."""
        super().__init__(settings)
        self._names = names
        self._variables: dict[str, str] = {}
        for source in reversed(list(sources)):  # the first one wins
            if isinstance(source, EnvSettingsSource):
                self._variables |= {name: text for name, text in source.env_vars.items() if text}

    @override
    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return what the file of a field says; None where no file is named.

        Raises:
            SettingsError: the file is not usable, or the variable itself is set as well.
        """
        name = self._names.get(field_name, "")
        file = self._variables.get(f"{name}_FILE".lower())
        if not name or file is None:
            return None, field_name, False
        if self._variables.get(name.lower()):
            raise SettingsError(f"{name} and {name}_FILE are both set. Unset one of them.")
        return _content(f"{name}_FILE", Path(file)), field_name, False

    @override
    def __call__(self) -> dict[str, Any]:
        """Return the value of every field whose file is named."""
        found: dict[str, Any] = {}
        for field_name, field in self.settings_cls.model_fields.items():
            value, _, _ = self.get_field_value(field, field_name)
            if value is not None:
                found[field_name] = value
        return found


def _content(variable: str, file: Path) -> str:
    try:
        with file.expanduser().open(encoding="utf-8") as stream:
            text = stream.read(_LARGEST).strip()
    except UnicodeDecodeError as fault:
        raise SettingsError(f"{variable}: {file} is no text in UTF-8.") from fault
    except (OSError, ValueError, RuntimeError) as fault:
        reason = getattr(fault, "strerror", None) or "its name is not usable"
        message = f"{variable}: {file} cannot be read: {reason}."
        raise SettingsError(f"{message} Name a file that this user may read.") from fault
    if not text:
        raise SettingsError(f"{variable}: {file} is empty. Write the value into it.")
    return text
