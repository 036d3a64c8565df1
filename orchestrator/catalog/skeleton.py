"""The file that a person starts from when writing an entry."""

import json

_SKELETON = """\
# One entry of the catalogue. It is loaded as soon as this file is saved.
version: 1
capabilities:
  - name: {word}                    # the intent; lower case, digits and _
    # One sentence: what it does, in the words that people use for it.
    description: Say a text with {words}
    title: "Say {{{{ text }}}}"       # the step in plain words, as the plan shows it
    agent_type: {agent_type}                # the pool of agents that may run it
    risk: {risk}                       # none (only reads) | low | medium | high
    idempotent: false               # true only if running it twice does no more than once
    # How people ask for it: at least three, better eight, each said differently.
    examples:
      - {first}
      - {second}
      - {third}
    # JSON Schema; nothing that is not declared here can be given.
    parameters:
      type: object
      additionalProperties: false
      required: [text]
      properties:
        text:
          type: string
          description: The text to say
          # Refuses a leading `-`, so that no program reads a value as one of its options.
          pattern: "^[A-Za-z0-9][A-Za-z0-9 ,.-]{{0,199}}$"
    # runs_on: "node2"              # label that the agent must carry; may name a parameter
    resources: {{cpu_cores: 0.1, memory_mb: 64, duration_seconds: 5}}
    timeout_seconds: 60             # after that it is stopped
    run:
      # Program and arguments, never a shell line; a parameter is one argument or part of one.
      # A script beside this file is named by its relative path; a change of it is noticed.
      command: [echo, "{name}:", "{{{{ text }}}}"]
"""


_READ_OTHERWISE = frozenset(("false", "null", "true"))  # in YAML these are no text


def _yaml_word(word: str) -> str:
    return json.dumps(word) if word in _READ_OTHERWISE else word


def skeleton(name: str, agent_type: str, risk: str) -> str:
    """Return the YAML of an entry that loads and runs as it stands."""
    words = name.replace("_", " ")
    return _SKELETON.format(
        name=name,
        word=_yaml_word(name),
        words=words,
        agent_type=_yaml_word(agent_type),
        risk=risk,
        first=json.dumps(f"{words} good morning"),
        second=json.dumps(f"please {words} with the text hello"),
        third=json.dumps(f"use {words} to say done"),
    )
