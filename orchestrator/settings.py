"""Settings from the environment or `.env`; the table in `docs/contract.md` explains each."""

import ipaddress
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar

from platformdirs import user_data_path
from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import (
    NoDecode,
    SettingsConfigDict,
)

from orchestrator import crash_points
from orchestrator.domain.fallback import ExternalText, ModelPolicy
from orchestrator.errors import SettingsError
from orchestrator.secret_files import SettingsWithFiles

_HOST_NAME = re.compile(r"[a-z0-9]([a-z0-9._-]{0,251}[a-z0-9])?")
_LONGEST_MODEL = 80  # characters; a column of the database holds 100
_PRICES = re.compile(r"[0-9]+(\.[0-9]+)?/[0-9]+(\.[0-9]+)?")


def _default_home() -> Path:
    return user_data_path("chiffon")


class Settings(SettingsWithFiles):
    """Where Chiffon keeps its things and what it talks to."""

    secrets_by_file: ClassVar[Mapping[str, str]] = {
        "database_url": "CHIFFON_DATABASE_URL",
        "broker_url": "CHIFFON_BROKER_URL",
        "local_model_key": "CHIFFON_LOCAL_MODEL_KEY",
    }
    model_config = SettingsConfigDict(
        env_prefix="CHIFFON_",
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
    )

    home: Path = Field(default_factory=_default_home)
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65_535)
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    database_url: str | None = Field(default=None, repr=False)  # both may hold a password
    broker_url: str | None = Field(default=None, repr=False)
    catalog: Annotated[tuple[Path, ...], NoDecode] = ()
    admins: Annotated[tuple[str, ...], NoDecode] = ()
    approval_hours: float = Field(default=24, gt=0, description="A plan waits that long")
    start_hours: float = Field(default=24, gt=0, description="An approved plan starts in time")
    keep_days: float = Field(default=30, ge=1, description="Sent messages and keys of what came")
    requests_per_minute: int = Field(default=60, ge=1, description="Of one person, over REST")
    local_model: str | None = None
    local_model_url: str | None = Field(default=None, repr=False)
    local_model_key: str | None = Field(default=None, repr=False)
    local_model_quota: int | None = Field(default=None, ge=1, description="Calls per hour")
    external_model: str | None = None
    crash_at: str | None = Field(default=None, description="A test's wish: die there")
    external_model_url: str | None = Field(default=None, repr=False)
    external_model_budget: float | None = Field(
        default=None, gt=0, allow_inf_nan=False, description="Money per calendar month (UTC)"
    )
    external_model_price: str | None = Field(
        default=None,
        description="IN/OUT: money per million tokens; unset, the shipped price list counts",
    )
    external_text: ExternalText = ExternalText.NONE
    model_policy: ModelPolicy = ModelPolicy.AUTO
    log_format: str = Field(default="auto", pattern="^(auto|console|json)$")

    @field_validator("home", mode="after")
    @classmethod
    def _absolute(cls, home: Path) -> Path:
        return home.expanduser().absolute()

    @field_validator("catalog", mode="before")
    @classmethod
    def _paths(cls, value: object) -> object:
        return tuple(filter(None, value.split(os.pathsep))) if isinstance(value, str) else value

    @field_validator("admins", "allowed_hosts", mode="before")
    @classmethod
    def _names(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(name.strip() for name in value.split(",") if name.strip())

    @field_validator("allowed_hosts", mode="after")
    @classmethod
    def _host_names(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        lowered = tuple(host.lower() for host in hosts)
        for host in lowered:
            if not _is_host(host):
                message = f"{host!r} is no host name; write names without scheme, port or *"
                raise ValueError(message)
        return lowered

    @field_validator("database_url", mode="after")
    @classmethod
    def _known_database(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith(("sqlite+aiosqlite://", "postgresql+asyncpg://")):
            message = "must start with postgresql+asyncpg:// (or be unset for the embedded SQLite)"
            raise ValueError(message)
        return url

    @field_validator("broker_url", mode="after")
    @classmethod
    def _known_broker(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith(("amqp://", "amqps://")):
            message = "must start with amqp:// or amqps:// (or be unset for the in-process one)"
            raise ValueError(message)
        return url

    @field_validator("crash_at", mode="after")
    @classmethod
    def _known_place(cls, place: str | None) -> str | None:
        return None if place is None else crash_points.check(place)

    @field_validator("local_model", "external_model", mode="after")
    @classmethod
    def _known_provider(cls, model: str | None, field: ValidationInfo) -> str | None:
        known = ("ollama", "openai") if field.field_name == "local_model" else ("anthropic",)
        provider, _, name = (model or "").partition(":")
        fits = provider in known and name.strip() and len(name) <= _LONGEST_MODEL
        if model is not None and not fits:
            message = f"must be {' or '.join(f'{each}:NAME' for each in known)}"
            raise ValueError(message)
        return model

    @field_validator("local_model_url", "external_model_url", mode="after")
    @classmethod
    def _http(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith(("http://", "https://")):
            message = "must start with https:// or http://"
            raise ValueError(message)
        return url

    @field_validator("external_model_price", mode="after")
    @classmethod
    def _two_prices(cls, price: str | None) -> str | None:
        if price is not None and _PRICES.fullmatch(price) is None:
            message = "must be two prices per million tokens, IN/OUT, for example 3/15"
            raise ValueError(message)
        return price

    @property
    def external_price(self) -> tuple[float, float] | None:
        """The prices per million tokens, in and out, where a person named them."""
        if self.external_model_price is None:
            return None
        each_in, _, each_out = self.external_model_price.partition("/")
        return float(each_in), float(each_out)

    @property
    def port_is_chosen(self) -> bool:
        """Whether a person named the port; only an unnamed one may move to the next free one."""
        return "port" in self.model_fields_set

    @property
    def resolved_database_url(self) -> str:
        """The database's address; SQLite in the home where none is set."""
        return self.database_url or f"sqlite+aiosqlite:///{self.home / 'chiffon.db'}"

    @property
    def database_is_embedded(self) -> bool:
        """Whether the database is a file, which one process at a time may own."""
        return self.resolved_database_url.startswith("sqlite")

    @property
    def token_file(self) -> Path:
        """The file with the local token (mode 0600)."""
        return self.home / "token"

    @property
    def address_file(self) -> Path:
        """The file in which a running `chiffon up` says where it listens."""
        return self.home / "address"

    @property
    def backups_folder(self) -> Path:
        """The folder for copies of the database, where no other is named."""
        return self.home / "backups"

    @property
    def overlay_folder(self) -> Path:
        """The folder of catalogue files on top of the starter."""
        return self.home / "catalog"

    @property
    def phrases_file(self) -> Path:
        """Where remembered phrases are written."""
        return self.overlay_folder / "remembered.yaml"

    @property
    def homelab_folder(self) -> Path:
        """The folder in which the starter's capabilities work."""
        return self.home / "homelab"


def _is_host(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return _HOST_NAME.fullmatch(host) is not None
    return True


def load_settings() -> Settings:
    """Read the settings.

    Raises:
        SettingsError: a value is not usable; the text names the variable and the reason.
    """
    try:
        return Settings()
    except ValidationError as fault:
        first = fault.errors()[0]
        name = "CHIFFON_" + str(first["loc"][0]).upper()
        message = f"{name}: {first['msg']}. Correct it in the environment or in .env."
        raise SettingsError(message) from fault
