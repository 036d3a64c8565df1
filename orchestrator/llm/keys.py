"""The key of the external model's provider, from the environment, `.env` or a file."""

from pydantic import Field
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from typing_extensions import override

from orchestrator.secret_files import SecretFiles

_BY_FILE = {"anthropic_api_key": "ANTHROPIC_API_KEY"}


class ModelKeys(BaseSettings):
    """Keys, kept apart from the settings so that only who asks a model holds them."""

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True, populate_by_name=True
    )

    anthropic_api_key: str | None = Field(
        default=None, validation_alias="ANTHROPIC_API_KEY", repr=False
    )

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
        """Add the file that `ANTHROPIC_API_KEY_FILE` points to."""
        files = SecretFiles(settings_cls, _BY_FILE, (env_settings, dotenv_settings))
        return init_settings, env_settings, dotenv_settings, files, file_secret_settings
