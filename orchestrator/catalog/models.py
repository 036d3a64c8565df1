"""What the catalogue says: one capability is something an agent can do."""

from collections.abc import Iterator
from enum import StrEnum

from pydantic import Field, JsonValue

from orchestrator.domain.digest import entry_digest
from orchestrator.domain.value import Value


class Risk(StrEnum):
    """What a capability can spoil."""

    NONE = "none"  # only reads, output harmless
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Resources(Value):
    """What one run needs; an agent without it free is not chosen."""

    cpu_cores: float = Field(default=0.1, ge=0)
    memory_mb: int = Field(default=64, ge=0)
    gpu_vram_mb: int = Field(default=0, ge=0)
    duration_seconds: int = Field(default=30, ge=1, description="Usual time; an estimate")


class LlmAction(Value):
    """One question to a language model; the answer is Markdown for people."""

    prompt: str = Field(min_length=1, max_length=20_000, description="A template")
    max_tokens: int = Field(default=2_000, ge=1, le=32_000, description="Most of an answer")


class Action(Value):
    """How something is done. Exactly one way is given."""

    command: tuple[str, ...] | None = None
    files: tuple[str, ...] = Field(
        default=(),
        description="What the command runs and reads, hashed into the digest: paths or globs "
        "relative to the catalogue file, or `package:NAME` for all files of a package",
    )
    http: dict[str, JsonValue] | None = None
    ansible: dict[str, JsonValue] | None = None
    llm: LlmAction | None = None
    python: dict[str, JsonValue] | None = None


class Capability(Value):
    """One entry of the catalogue."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")
    description: str = Field(min_length=1)
    title: str | None = Field(default=None, description="The step in plain words, a template")
    agent_type: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")
    risk: Risk
    reasoning: bool = Field(default=False, description="Open-ended; needs a language model")
    idempotent: bool = Field(default=False, description="Twice does the same as once")
    independent: bool = Field(default=False, description="Need not wait for the step before")
    examples: tuple[str, ...] = ()
    parameters: dict[str, JsonValue] = Field(
        default={"type": "object", "properties": {}},
        description="JSON Schema (draft 2020-12) of the parameters; always an object",
    )
    runs_on: str | None = Field(default=None, description="Label the agent must carry, a template")
    resources: Resources = Resources()
    timeout_seconds: int = Field(default=600, ge=1, le=86_400)
    without: dict[str, str] = Field(
        default_factory=dict,
        description="Label to the sentence the plan shows when no agent of the pool carries it",
    )
    run: Action | None = None
    preview: Action | None = None
    verify: Action | None = None
    undo: Action | None = None
    override: bool = Field(default=False, description="May replace an entry of the same name")


class CatalogEntry(Value):
    """A capability as loaded: where it stands, and the hashes that the digest binds to."""

    capability: Capability
    source: str = Field(description="File and line it was read from")
    folder: str = Field(description="Folder against which relative file names are read")
    entry_hash: str = Field(description="SHA-256 of the entry in RFC 8785 form")
    file_hashes: dict[str, str] = Field(
        default_factory=dict,
        description="SHA-256 of each file it runs, by its name in the entry",
    )
    phrases: tuple[str, ...] = Field(
        default=(),
        description="More examples, remembered beside the entry: they change no hash",
    )

    @property
    def spoken(self) -> Capability:
        """The capability with all its examples, those remembered later last."""
        if not self.phrases:
            return self.capability
        examples = tuple(dict.fromkeys([*self.capability.examples, *self.phrases]))
        return self.capability.model_copy(update={"examples": examples})

    @property
    def digest(self) -> str:
        """What an agent announces: one hash over the entry and the files that it runs."""
        return entry_digest(self.entry_hash, self.file_hashes)


class Catalog(Value):
    """Every capability by name, in the order of the files."""

    entries: dict[str, CatalogEntry] = Field(default_factory=dict)
    names: dict[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description="What there is, by the parameter that takes it: `host`, `service`",
    )
    warnings: tuple[str, ...] = ()

    def __contains__(self, name: object) -> bool:
        return name in self.entries

    def get(self, name: str) -> CatalogEntry | None:
        """Return the entry called `name`, or None."""
        return self.entries.get(name)

    def capabilities(self) -> Iterator[Capability]:
        """Yield every capability."""
        return (entry.capability for entry in self.entries.values())
