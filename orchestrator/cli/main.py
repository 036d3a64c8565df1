"""The orchestrator's commands, for `chiffon` to join; loaded when they are needed."""

from collections.abc import Mapping

COMMANDS: Mapping[str, str] = {
    "ask": "orchestrator.cli.ask:ask",
    "correct": "orchestrator.cli.correct:correct",
    "status": "orchestrator.cli.plans:status",
    "plan": "orchestrator.cli.plans:plan_app",
    "why": "orchestrator.cli.why:why",
    "understand": "orchestrator.cli.understand:understand",
    "eval": "orchestrator.cli.evaluate:evaluate",
    "catalog": "orchestrator.cli.catalog:catalog_app",
    "keys": "orchestrator.cli.keys:keys_app",
    "db": "orchestrator.cli.db:db_app",
}
"""What a word stands for: a Typer application or a function, as `module:name`."""
