"""The key of the external model's provider, from the environment, `.env` or a file."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from orchestrator.secret_files import SettingsWithFiles


class ModelKeys(SettingsWithFiles):
    """Keys, kept apart from the settings so that only who asks a model holds them."""

    secrets_by_file: ClassVar[Mapping[str, str]] = {"anthropic_api_key": "ANTHROPIC_API_KEY"}
    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True, populate_by_name=True
    )

    anthropic_api_key: str | None = Field(
        default=None, validation_alias="ANTHROPIC_API_KEY", repr=False
    )
