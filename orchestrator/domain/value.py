"""The base of every value: frozen, and strict about what it does not know."""

from typing import TypeAlias

from pydantic import BaseModel, ConfigDict, JsonValue

Parameters: TypeAlias = dict[str, JsonValue]
"""What a step is given: parameter name to a plain JSON value."""


class Value(BaseModel):
    """An immutable value that refuses unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")
