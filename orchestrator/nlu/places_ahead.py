"""What stands before a colon and says on what: "on web1 and web2: upgrade openssl, reboot"."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from orchestrator.nlu.clauses import Clause
from orchestrator.nlu.coerce import form_taken
from orchestrator.nlu.drafts import Draft
from orchestrator.nlu.index import CatalogIndex
from orchestrator.nlu.labels import names_thing
from orchestrator.nlu.profile import Profile
from orchestrator.nlu.shapes import SlotKind
from orchestrator.nlu.slots import Slot
from orchestrator.nlu.text import Token
from orchestrator.nlu.thread import Thread
from orchestrator.nlu.wordorder import PLACES

_ONE = frozenset({"second", "former", "latter", "other"})


@dataclass(frozen=True, slots=True)
class _Head:
    """The things before a colon, and the sentence that it stands in."""

    things: tuple[Token, ...]
    placed: bool  # "on web1: …" says where, "web1: …" perhaps what
    sentence: int


class PlacesAhead:
    """Keeps what heads the orders of one request."""

    def __init__(self, index: CatalogIndex, thread: Thread) -> None:
        self._index = index
        self._thread = thread
        self._heads: list[_Head] = []
        self._headed = False  # things stand before the last colon

    def note(self, clause: Clause, heads: Sequence[Clause]) -> None:
        """Take the things of `heads`, before the colon of a clause if it has one."""
        if not clause.piece.colon:
            return
        things = [t for head in heads for t in head.tokens if names_thing(t, self._index)]
        self._headed = bool(things) and not any(head.verbs or head.negated for head in heads)
        if self._headed:
            placed = heads[0].piece.tokens[0].fold in PLACES
            self._heads.append(_Head((*things,), placed, self._thread.sentence))

    def heads(self, clause: Clause) -> bool:
        """Whether things stand before the colon of a clause: they are no title of a list."""
        return clause.piece.colon and self._headed

    def spread(self) -> None:
        """Give each step behind a colon the things before it: one step for each of them."""
        for head in self._heads:
            self._thread.drafts = [
                one
                for draft in self._thread.drafts
                for one in (
                    self._placed(draft, head) if draft.sentence == head.sentence else [draft]
                )
            ]

    def _placed(self, draft: Draft, head: _Head) -> list[Draft]:
        """Return the step for each thing before the colon, or as it is where it takes none."""
        profile = draft.profile
        if profile is None or _ONE & {token.fold for token in draft.clause.tokens}:
            return [draft]  # "on web1 and web2: restart nginx on the second one"
        for slot in _where(profile):
            if slot.kind is not SlotKind.HOST and (head.placed or draft.fill.spare):
                continue  # "on web1: create the database foo"
            known = profile.known.get(slot.name, ())
            values = [
                value
                for token in head.things
                if (token.fold in known or not self._index.is_known(token) or _has_digit(token))
                and (value := form_taken(slot, token.value)) is not None
            ]
            given = draft.parameters.get(slot.name)
            own = slot.name in draft.fill.values or (given is not None and given not in values)
            if own and slot.kind is SlotKind.HOST:
                break  # it says where of its own
            if not values or own or slot.many:
                continue
            return [
                replace(draft, parameters={**draft.parameters, slot.name: value})
                for value in dict.fromkeys(values)
            ]
        return [draft]


def _where(profile: Profile) -> list[Slot]:
    """Return the parameters that may say where, then what the capability acts on."""
    hosts = [slot for slot in profile.slots if slot.kind is SlotKind.HOST]
    main = profile.main_slot
    named = main is not None and main.kind is SlotKind.NAME and main.required
    return [*hosts, *([main] if main is not None and named and main not in hosts else [])]


def _has_digit(token: Token) -> bool:
    return any(map(str.isdigit, token.value))
