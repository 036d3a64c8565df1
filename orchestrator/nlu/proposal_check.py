"""Turns a model's proposal into a reading, or refuses it.

Whole or not at all: a model that invents once is not believed for the rest. Nothing gets
through that the catalogue, its schemas and the person's own words do not carry.
"""

from collections.abc import Iterator

from orchestrator.catalog.models import Capability
from orchestrator.catalog.parameters import check_parameters
from orchestrator.catalog.template import plain, schema_defaults
from orchestrator.domain.request import AmbiguityKind, DecomposedRequest
from orchestrator.domain.text import hidden_character
from orchestrator.domain.value import Parameters
from orchestrator.errors import ModelError, Refused
from orchestrator.nlu.assembly import assemble
from orchestrator.nlu.drafts import Doubt, Draft
from orchestrator.nlu.engine import Engine
from orchestrator.nlu.later import may_wait
from orchestrator.nlu.own_words import OwnWords
from orchestrator.nlu.profile import Profile
from orchestrator.nlu.proposal import Proposal, ProposedDoubt, ProposedStep
from orchestrator.nlu.references import doubt_missing
from orchestrator.nlu.text import words
from orchestrator.nlu.understanding import Understanding

CLEAR = 0.8
"""From this confidence on, the embedded engine is sure of a step."""

_CONFIDENCE = 0.75  # a reading of a model is never as sure as the catalogue's own words
_LONGEST_LEFTOVER = 300
_COMPLETENESS = frozenset({"required", "anyOf", "oneOf", "dependentRequired", "minProperties"})


class ProposalCheck:
    """Checks proposals for one request."""

    def __init__(self, floor: DecomposedRequest, engine: Engine) -> None:
        self._floor = floor
        self._engine = engine
        self.own = OwnWords(floor.original_request, engine.index)
        self._names = {word for value in _names(engine) for word in words(value)}

    def reading(self, proposal: Proposal, model: str) -> DecomposedRequest:
        """Return what the proposal means.

        Raises:
            ModelError: something in it is not carried; the text says what, in the catalogue's
                words.
        """
        drafts = [self._step(step) for step in proposal.steps]
        drafts += [self._doubt(doubt) for doubt in proposal.unclear]
        later = list(self._floor.deferred)
        told = (*self._told_apart(), *self._leftovers(proposal.out_of_scope))
        left = [*later, *(words for words in told if not self._is_deferred(words))]
        if not drafts and not left:
            raise ModelError("it found nothing in the request")
        self._keep_what_is_clear(drafts)
        understood = Understanding(drafts, left, later)
        return assemble(self._floor.original_request, understood, self._engine.index, model)

    def _step(self, step: ProposedStep) -> Draft:
        profile = self._profile(step.intent)
        self._said(step.source_words, profile)
        draft = self._engine.reread(step.source_words, profile)
        draft.parameters = {**self._parameters(profile, step.parameters)}
        self._asks(step, profile)
        draft.confidence = _CONFIDENCE
        draft.concurrent = step.concurrent
        draft.doubts = []
        doubt_missing(draft, unclear=False)
        if not draft.doubts:
            _fits(profile.capability, draft.parameters)
        return draft

    def _doubt(self, doubt: ProposedDoubt) -> Draft:
        profiles = [self._profile(name) for name in dict.fromkeys(doubt.intents)]
        for profile in profiles:
            self._said(doubt.source_words, profile)
        draft = self._engine.reread(doubt.source_words, profiles[0])
        draft.profile, draft.parameters = None, {}
        names = tuple(profile.name for profile in profiles)
        draft.doubts = [Doubt(AmbiguityKind.WHICH_CAPABILITY, options=names)]
        return draft

    def _profile(self, intent: str) -> Profile:
        profile = self._engine.index.by_name.get(intent)
        if profile is None:
            raise ModelError("it named a capability that the catalogue does not have")
        return profile

    def _said(self, source_words: str, profile: Profile) -> None:
        if not self.own.hold(source_words, as_order=profile.is_risky):
            raise ModelError(f"it read {profile.name} out of words that do not ask for it")
        if may_wait(profile) and self._is_deferred(source_words):
            raise ModelError(f"it would do {profile.name} now, which was asked for later")
        if profile.is_risky:
            orders = self.own.orders_with(source_words) or [source_words]
            if all(self._clearly_other(order, profile) for order in orders):
                raise ModelError(f"it read {profile.name} out of words that ask for something else")

    def _is_deferred(self, said: str) -> bool:
        """Whether words are part of what was to wait, or hold it."""
        words_said = " ".join(said.split()).casefold()
        later = (" ".join(text.split()).casefold() for text in self._floor.deferred)
        return any(words_said in text or text in words_said for text in later)

    def _asks(self, step: ProposedStep, profile: Profile) -> None:
        """A name alone asks for nothing: beside its values, a risky step rests on one word more."""
        named = {word for value in step.parameters.values() for word in words(plain(value))}
        said = set(words(step.source_words)) - named - self._names
        if profile.is_risky and not said - self._engine.index.lexicon.words("stop"):
            raise ModelError(f"it read {profile.name} out of a name alone")

    def _clearly_other(self, order: str, profile: Profile) -> bool:
        """Whether the embedded engine is sure that an order asks for something else."""
        read = [d for d in self._engine.understand(order).drafts if d.profile is not None]
        sure = [draft.profile for draft in read if draft.confidence >= CLEAR]
        return bool(sure) and profile not in sure

    def _parameters(self, profile: Profile, given: Parameters) -> Parameters:
        """Return the values, checked; of a risky step, those that the person named."""
        capability = profile.capability
        loose = {k: v for k, v in capability.parameters.items() if k not in _COMPLETENESS}
        _fits(capability.model_copy(update={"parameters": loose}), given)
        if not profile.is_risky:
            return given
        defaults = schema_defaults(capability.parameters)
        return {
            name: value
            for name, value in given.items()
            if defaults.get(name) == value or self._named(value)
        }

    def _named(self, value: object) -> bool:
        if isinstance(value, list):
            return all(self._named(each) for each in value)
        return isinstance(value, str | int | float) and self.own.name(plain(value))

    def _told_apart(self) -> Iterator[str]:
        """Yield what the guard set apart, as the embedded engine tells it."""
        for leftover in self._floor.out_of_scope:
            if any(leftover in span or span in leftover for span in self.own.injected):
                yield leftover

    def _leftovers(self, out_of_scope: list[str]) -> Iterator[str]:
        for leftover in out_of_scope:
            text = " ".join(leftover.split())[:_LONGEST_LEFTOVER]
            if self.own.hold(text, as_order=False) and not hidden_character(text):
                yield text

    def _keep_what_is_clear(self, drafts: list[Draft]) -> None:
        """A reading that loses what the embedded engine is sure of is no better one."""
        read = [draft.profile.name for draft in drafts if draft.profile is not None]
        for subtask in self._floor.subtasks:
            if subtask.confidence < CLEAR:
                continue
            if subtask.intent not in read:
                raise ModelError(f"it lost {subtask.intent}, which was clearly asked for")
            read.remove(subtask.intent)


def _names(engine: Engine) -> Iterator[str]:
    """Yield every value that the catalogue lists or uses in an example."""
    for profile in engine.index.profiles:
        for slot in profile.slots:
            yield from slot.enum
        for known in profile.known.values():
            yield from known


def _fits(capability: Capability, parameters: Parameters) -> None:
    try:
        check_parameters(capability, parameters)
    except Refused as fault:
        raise ModelError(f"its parameters do not fit: {fault.error.message}") from fault
