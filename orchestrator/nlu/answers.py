"""Works a person's answers into an understanding."""

from collections.abc import Sequence

from pydantic import JsonValue
from rapidfuzz import fuzz

from orchestrator.domain.request import Ambiguity, AmbiguityKind, Answer, DecomposedRequest, Subtask
from orchestrator.domain.text import hidden_character
from orchestrator.domain.value import Parameters
from orchestrator.errors import ErrorCode, Refused
from orchestrator.nlu.assembly import ambiguities_of, complexity, subtask_of
from orchestrator.nlu.coerce import name_forms
from orchestrator.nlu.engine import Engine
from orchestrator.nlu.profile import Profile
from orchestrator.nlu.references import doubt_missing
from orchestrator.nlu.shapes import SlotKind
from orchestrator.nlu.slots import Slot
from orchestrator.nlu.text import fold, normalise, words
from orchestrator.nlu.wording import slot_named, step_name

_ALIKE = 85  # rapidfuzz ratio (0–100) from which an answer means an option


class AnswerReader:
    """Holds the understanding while answers come in."""

    def __init__(self, engine: Engine, previous: DecomposedRequest) -> None:
        self._engine = engine
        self._index = engine.index
        self._previous = previous
        self._subtasks = list(previous.subtasks)
        self._open = list(previous.ambiguities)
        self._refused = list(previous.out_of_scope)

    def take(self, answer: Answer) -> None:
        """Work in one answer.

        Raises:
            Refused: the answer names a question that was not asked.
        """
        ambiguity = next((one for one in self._open if one.id == answer.ambiguity_id), None)
        if ambiguity is None:
            known = ", ".join(one.id for one in self._open) or "none"
            raise Refused(
                ErrorCode.INVALID_REQUEST,
                f"There is no open question \u201c{answer.ambiguity_id}\u201d.",
                f"Open questions: {known}.",
            )
        text = normalise(answer.text).strip()
        if self._declines(text, ambiguity):
            self._skip(ambiguity)
            return
        chosen = self._option(text, ambiguity)
        profile = self._capability(chosen)
        if profile is not None:
            self._read_again(ambiguity, profile)
        elif ambiguity.kind is AmbiguityKind.WHICH_CAPABILITY:
            self._ask_again(ambiguity, f"\u201c{text}\u201d names none of them.")
        else:
            self._set(ambiguity, chosen)

    def result(self) -> DecomposedRequest:
        """Return the understanding, places numbered from 1 again once nothing is open."""
        places = sorted({s.order for s in self._subtasks} | {a.order or 0 for a in self._open})
        number = {place: position for position, place in enumerate(places, start=1)}
        subtasks = sorted(self._subtasks, key=lambda subtask: subtask.order)
        return self._previous.model_copy(
            update={
                "subtasks": tuple(
                    s.model_copy(update={"order": number[s.order]}) for s in subtasks
                ),
                "ambiguities": tuple(
                    a.model_copy(update={"order": number[a.order or 0]}) for a in self._open
                ),
                "out_of_scope": self._leftovers(),
                "complexity_level": complexity(subtasks, self._index),
            }
        )

    def _leftovers(self) -> tuple[str, ...]:
        refused = tuple(dict.fromkeys(self._refused))
        nothing = not refused and not self._subtasks and not self._open
        return (self._previous.original_request,) if nothing else refused

    # --- what an answer may be ---

    def _declines(self, text: str, ambiguity: Ambiguity) -> bool:
        folded = " ".join(words(text))
        single = ambiguity.kind is AmbiguityKind.WHICH_CAPABILITY and len(ambiguity.options) == 1
        if single and folded in self._index.lexicon.words("false_words"):
            return True
        listed = {fold(option) for option in ambiguity.options}
        return folded in self._index.lexicon.words("decline") and folded not in listed

    def _option(self, text: str, ambiguity: Ambiguity) -> str:
        """Return the option that a number, "yes" or a near spelling picks, else the text."""
        options = ambiguity.options
        picked = text.lstrip("#").rstrip(".)")
        number = picked.isascii() and picked.isdigit() and not self._takes_number(ambiguity)
        if number and 1 <= int(picked[:4]) <= len(options):
            return options[int(picked) - 1]
        only = len(options) == 1 and fold(text) in self._index.lexicon.words("true_words")
        if only and ambiguity.kind is AmbiguityKind.WHICH_CAPABILITY:
            return options[0]
        return next((option for option in options if fold(option) == fold(text)), text)

    def _takes_number(self, ambiguity: Ambiguity) -> bool:
        slot = self._slot(ambiguity)
        return slot is not None and slot.kind is SlotKind.NUMBER

    def _capability(self, text: str) -> Profile | None:
        """Return the capability that an answer names exactly or nearly."""
        said = "_".join(words(text))
        if said in self._index.by_name:
            return self._index.by_name[said]
        near = [
            profile
            for name, profile in self._index.by_name.items()
            if "_" in said and fuzz.ratio(said, name) >= _ALIKE
        ]
        return near[0] if len(near) == 1 else None

    def _slot(self, ambiguity: Ambiguity) -> Slot | None:
        subtask = self._subtask(ambiguity)
        if subtask is None or ambiguity.parameter is None:
            return None
        return slot_named(self._index.by_name[subtask.intent], ambiguity.parameter)

    def _subtask(self, ambiguity: Ambiguity) -> Subtask | None:
        return next((s for s in self._subtasks if s.order == ambiguity.order), None)

    # --- what it does ---

    def _skip(self, ambiguity: Ambiguity) -> None:
        self._drop(ambiguity)
        self._refused.append(ambiguity.source_words or self._previous.original_request)

    def _drop(self, ambiguity: Ambiguity) -> None:
        self._subtasks = [s for s in self._subtasks if s.order != ambiguity.order]
        self._open = [a for a in self._open if a.order != ambiguity.order]

    def _read_again(self, ambiguity: Ambiguity, profile: Profile) -> None:
        """Put the named capability in this place, its parameters read from the words."""
        self._drop(ambiguity)
        order = ambiguity.order or 1
        draft = self._engine.reread(ambiguity.source_words, profile)
        doubt_missing(draft, unclear=False)
        subtask = subtask_of(draft, order)
        if subtask is not None:
            self._subtasks.append(subtask)
        self._open += ambiguities_of(draft, order, self._index)

    def _set(self, ambiguity: Ambiguity, text: str) -> None:
        slot, subtask = self._slot(ambiguity), self._subtask(ambiguity)
        if slot is None or subtask is None:
            self._ask_again(ambiguity, f"\u201c{text}\u201d is no answer to it.")
            return
        value = self._typed(self._index.by_name[subtask.intent], slot, text)
        if value is None:
            self._ask_again(ambiguity, f"\u201c{text}\u201d does not fit: {_reason(slot, text)}.")
            return
        given: JsonValue = [value] if slot.many else value
        parameters: Parameters = {**subtask.parameters, slot.name: given}
        name = step_name(self._index.by_name[subtask.intent], parameters)
        place = self._subtasks.index(subtask)
        changes = {"parameters": parameters, "name": name}
        self._subtasks[place] = subtask.model_copy(update=changes)
        self._open.remove(ambiguity)

    def _ask_again(self, ambiguity: Ambiguity, why: str) -> None:
        question = ambiguity.question.rsplit("\n", 1)[-1]
        place = self._open.index(ambiguity)
        self._open[place] = ambiguity.model_copy(update={"question": f"{why}\n{question}"})

    def _typed(self, profile: Profile, slot: Slot, text: str) -> JsonValue | None:
        """Return the answer as a value that fits the schema, or None."""
        folded = fold(text)
        if slot.kind is SlotKind.FLAG:
            for name, value in (("true_words", True), ("false_words", False)):
                if folded in self._index.lexicon.words(name):
                    return value
            return None
        if len(words(text)) > 1 or slot.kind in {SlotKind.ENUM, SlotKind.NUMBER}:
            draft = self._engine.reread(text, profile)
            found = draft.parameters.get(slot.name)
            if found is not None:
                return found[0] if isinstance(found, list) else found
        if slot.kind in {SlotKind.ENUM, SlotKind.NUMBER}:
            return None
        forms = name_forms(text.strip("\"'`"), "", slot.kind)
        return next((form for form in forms if form and slot.accepts(form)), None)


def _reason(slot: Slot, text: str) -> str:
    """Return why `text` is no value of the slot, in words."""
    if hidden := hidden_character(text):
        return f"it holds the hidden character {hidden}"
    if slot.enum:
        return f"it must be one of {_listed(slot.enum)}"
    if slot.kind is SlotKind.FLAG:
        return "answer yes or no"
    if slot.kind is SlotKind.NUMBER:
        low, high = slot.schema.get("minimum"), slot.schema.get("maximum")
        bounds = f" from {low}" * (low is not None) + f" up to {high}" * (high is not None)
        return f"it must be a {'whole ' if slot.is_integer else ''}number{bounds}"
    if text.startswith("-"):
        return "it starts with a dash and could be taken for an option"
    fault = next(iter(slot.validator.iter_errors(text)), None)
    return fault.message if fault is not None else "it is not what the parameter takes"


def _listed(values: Sequence[str]) -> str:
    return ", ".join(values)
