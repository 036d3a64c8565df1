"""What an agent is told at its start: who it is, where it lives, how long it waits."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from orchestrator.settings import Settings

_NAME = r"^[a-z0-9][a-z0-9._-]{0,62}$"


class AgentSettings(BaseModel):
    """One agent. Its id is kept in its journal, so it is stable per `home` and `name`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    home: Path
    name: str = Field(pattern=_NAME)
    agent_type: str = Field(pattern=_NAME)
    labels: dict[str, str] = Field(default_factory=dict)
    specializations: tuple[str, ...] = ()
    slots: int = Field(default=1, ge=1, le=64, description="How many tasks run at once")
    secret_files: tuple[Path, ...] = Field(
        default=(), description="Files (or patterns) whose secrets never show in output"
    )
    heartbeat_seconds: float = Field(default=10, gt=0)
    label_seconds: float = Field(default=60, gt=0, description="Labels are asked for again")
    introduction_seconds: float = Field(
        default=15, gt=0, description="Wait for the first registration; longer than any label takes"
    )
    claim_seconds: float = Field(default=5, gt=0, description="An unanswered claim is sent again")
    status_seconds: float = Field(default=1, gt=0, description="Least time between two outputs")
    report_seconds: float = Field(default=1, gt=0, description="First pause of a failed report")
    term_seconds: float = Field(default=5, gt=0, description="From SIGTERM to SIGKILL")
    stop_seconds: float = Field(default=30, gt=0, description="What runs may finish at a stop")

    @property
    def journal_file(self) -> Path:
        """The journal; whoever holds its lock is this agent."""
        return self.home / "agent" / f"{self.name}.journal"

    @property
    def work_folder(self) -> Path:
        """The folder in which each attempt gets one of its own."""
        return self.home / "work"

    @property
    def homelab_folder(self) -> Path:
        """The folder in which the starter's capabilities work."""
        return Settings.model_construct(home=self.home).homelab_folder

    @property
    def all_secret_files(self) -> tuple[Path, ...]:
        """Every file or pattern whose secrets are kept out of output."""
        services = self.homelab_folder / "services" / "*" / ".env"
        own = Path.cwd() / ".env"  # settings are read from it, and do not stand in the environment
        return (self.home / "token", own, services, *self.secret_files)
