"""What the bot needs to reach Slack, from the environment or `.env`; see `docs/contract.md`."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import (
    NoDecode,
    SettingsConfigDict,
)

from orchestrator.errors import SettingsError
from orchestrator.secret_files import SettingsWithFiles

SLACK_API_URL = "https://slack.com/api/"


class SlackSettings(SettingsWithFiles):
    """Tokens, and which Slack they are for. Tokens are left out of the representation."""

    secrets_by_file: ClassVar[Mapping[str, str]] = {
        "bot_token": "SLACK_BOT_TOKEN",
        "app_token": "SLACK_APP_TOKEN",
    }
    model_config = SettingsConfigDict(
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        populate_by_name=True,
    )

    bot_token: str | None = Field(default=None, validation_alias="SLACK_BOT_TOKEN", repr=False)
    app_token: str | None = Field(default=None, validation_alias="SLACK_APP_TOKEN", repr=False)
    signing_secret: str | None = Field(
        default=None, validation_alias="SLACK_SIGNING_SECRET", repr=False
    )
    api_url: str = Field(default=SLACK_API_URL, validation_alias="CHIFFON_SLACK_API_URL")
    listen_channels: Annotated[frozenset[str], NoDecode] = Field(
        default=frozenset(),
        validation_alias="CHIFFON_LISTEN_CHANNELS",
        description="Ids of channels where every message is a request",
    )

    @field_validator("listen_channels", mode="before")
    @classmethod
    def _ids(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return frozenset(each.strip() for each in value.split(",") if each.strip())

    @field_validator("api_url", mode="after")
    @classmethod
    def _web_address(cls, value: str) -> str:
        if not value.startswith(("https://", "http://")):
            message = "must start with https:// or http://"
            raise ValueError(message)
        return value if value.endswith("/") else f"{value}/"

    def tokens(self) -> tuple[str, str]:
        """Return the bot's and the app's token.

        Raises:
            SettingsError: one of them is missing; the text names it.
        """
        if self.bot_token and self.app_token:
            return self.bot_token, self.app_token
        missing = "SLACK_APP_TOKEN" if self.bot_token else "SLACK_BOT_TOKEN"
        message = f"{missing} is not set, and Slack needs both tokens."
        raise SettingsError(f"{message} `chiffon slack setup` asks for them and checks them.")


def load_slack_settings() -> SlackSettings:
    """Read the settings.

    Raises:
        SettingsError: a value is not usable; the text names the variable and the reason.
    """
    try:
        return SlackSettings()
    except ValidationError as fault:
        first = fault.errors()[0]
        message = f"{first['loc'][0]}: {first['msg']}. Correct it in the environment or in .env."
        raise SettingsError(message) from fault
