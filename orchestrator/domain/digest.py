"""Hashes of what will run, not of wording.

An approval binds to a plan's digest; each dispatch computes it again, and the agent computes
its task's. All are SHA-256 in hex over the RFC 8785 (JSON Canonicalization Scheme) form.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import lru_cache

import rfc8785
from pydantic import JsonValue

from orchestrator.domain.value import Parameters


class ModelTier(StrEnum):
    """The highest kind of language model that a task may use."""

    NONE = "none"
    LOCAL = "local"
    EXTERNAL = "external"


def canonical_hash(value: JsonValue | Mapping[str, JsonValue]) -> str:
    """Return the SHA-256 of the RFC 8785 form of `value`.

    Raises:
        rfc8785.CanonicalizationError: `value` has no such form (NaN, an integer above 2^53).
    """
    try:
        text = json.dumps(value)
    except TypeError:  # no JSON: let the canonical form say what is wrong with it
        return hashlib.sha256(rfc8785.dumps(value)).hexdigest()
    return _hash_of(text)


@lru_cache(maxsize=8192)
def _hash_of(text: str) -> str:
    """Hash a JSON text's canonical form; the same digest is asked for at every step of a plan."""
    return hashlib.sha256(rfc8785.dumps(json.loads(text))).hexdigest()


def entry_digest(entry_hash: str, file_hashes: Mapping[str, str]) -> str:
    """Return one hash over a catalogue entry and the files it runs."""
    return canonical_hash({"entry": entry_hash, "files": dict(file_hashes)})


def task_digest(
    *,
    entry: str,
    parameters: Parameters,
    target: str | None,
    agent_type: str,
    model_tier: str,
) -> str:
    """Return the hash of what one task will run; `entry` is its `entry_digest`."""
    return canonical_hash(
        {
            "entry": entry,
            "parameters": parameters,
            "target": target,
            "agent_type": agent_type,
            "model_tier": model_tier,
        }
    )


def plan_digest(tasks: Sequence[tuple[str, Sequence[int]]], revision: int) -> str:
    """Return the hash of a whole plan.

    Args:
        tasks: for each step in order, its task digest and the numbers of the steps it waits for.
        revision: the plan's revision, from 1.
    """
    steps: list[JsonValue] = [
        {"digest": digest, "after": [*sorted(after)]} for digest, after in tasks
    ]
    return canonical_hash({"tasks": steps, "revision": revision})
