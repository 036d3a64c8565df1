"""The front of understanding: a request in, subtasks, questions and leftovers out."""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Protocol

from orchestrator.catalog.models import Catalog
from orchestrator.domain.request import Answer, DecomposedRequest
from orchestrator.domain.text import normalise
from orchestrator.nlu.answers import AnswerReader
from orchestrator.nlu.assembly import assemble
from orchestrator.nlu.engine import Engine
from orchestrator.nlu.index import CatalogIndex

DECOMPOSER_MODEL = "embedded"
"""What `DecomposedRequest.decomposer_model` says of this engine."""

_KEPT_ENGINES = 4
_UNHEARD = dict.fromkeys(("run", "preview", "verify", "undo"))  # no text is compared with them
_engines: OrderedDict[int, tuple[Catalog, Engine]] = OrderedDict()
_engines_lock = Lock()


@dataclass(frozen=True, slots=True)
class DecomposeContext:
    """What is known beside the text: an earlier understanding and the answers to it."""

    answers: tuple[Answer, ...] = ()
    previous: DecomposedRequest | None = None
    earlier: DecomposedRequest | None = None  # the request before, that "it" may refer to


class SecondEngine(Protocol):
    """Reads a request once more, where the embedded engine is not sure of it."""

    async def better(self, floor: DecomposedRequest, engine: Engine) -> DecomposedRequest:
        """Return a better reading than `floor`, or `floor`; never raises."""


class RequestDecomposer:
    """Understands requests over the catalogue of the moment.

    The embedded engine reads each of them; `reader`, a second engine, may better its answer.
    """

    def __init__(
        self,
        catalog: Callable[[], Catalog],
        reader: SecondEngine | None = None,
        names: Callable[[], Mapping[str, Sequence[str]]] = dict,
    ) -> None:
        """Take the catalogue and, optionally, an inventory.

        Args:
            catalog: the catalogue of the moment.
            reader: a second engine.
            names: what there is at the moment, by the parameter that takes it.
        """
        self._catalog = catalog
        self._reader = reader
        self._names = names

    async def decompose(
        self, text: str, context: DecomposeContext | None = None
    ) -> DecomposedRequest:
        """Return what `text` asks for; with answers in `context`, what it asks for now.

        Raises:
            Refused: an answer names a question that was not asked.
        """
        catalog = self._catalog()
        previous = context.previous if context is not None else None
        earlier = context.earlier if context is not None else None
        engine_for(catalog).know(self._names())
        understood = previous or understand(text, catalog, earlier)
        if previous is None and self._reader is not None:
            understood = await self._reader.better(understood, engine_for(catalog))
        if context is None or not context.answers:
            return understood
        return apply_answers(understood, context.answers, catalog)


def understand(
    text: str, catalog: Catalog, earlier: DecomposedRequest | None = None
) -> DecomposedRequest:
    """Return what `text` asks for, by the embedded engine alone; `earlier` came before it."""
    engine = engine_for(catalog)
    original = normalise(text)
    return assemble(original, engine.understand(original, earlier), engine.index, DECOMPOSER_MODEL)


def apply_answers(
    previous: DecomposedRequest, answers: tuple[Answer, ...], catalog: Catalog
) -> DecomposedRequest:
    """Return `previous` with the answers worked in; what they leave open stays a question.

    Raises:
        Refused: an answer names a question that was not asked.
    """
    reader = AnswerReader(engine_for(catalog), previous)
    for answer in answers:
        reader.take(answer)
    return reader.result()


def engine_for(catalog: Catalog) -> Engine:
    """Return the engine over `catalog`, built once for those that say the same; from any thread."""
    with _engines_lock:
        kept = _engines.get(id(catalog))
        if kept is None or kept[0] is not catalog:
            said = _said(catalog)
            equal = (engine for known, engine in _engines.values() if _said(known) == said)
            kept = (catalog, next(equal, None) or Engine(CatalogIndex(catalog)))
            _engines[id(catalog)] = kept
            while len(_engines) > _KEPT_ENGINES:
                _engines.popitem(last=False)
        _engines.move_to_end(id(catalog))
        return kept[1]


def _said(catalog: Catalog) -> tuple[object, ...]:
    """Return all of a catalogue that the engine reads: its texts and schemas, not what it runs."""
    spoken = [entry.spoken.model_copy(update=_UNHEARD) for entry in catalog.entries.values()]
    return (catalog.names, spoken)
