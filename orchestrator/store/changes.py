"""Writes that a transaction has decided on and not made yet: they go out together.

A transaction that holds a plan's row knows what stands in the database, so a write need not be
waited for before the next thing is decided. Guarded updates keep their guard: one that does not
find its row where it should be makes the whole transaction start anew (`Stale`).
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Table

Row = dict[str, object]


class Stale(Exception):
    """A row was changed by somebody else after it was read; the transaction must run again."""


@dataclass
class Update:
    """New values of one row; where `sources` is given, only if its status is one of them."""

    key: str
    values: Row
    sources: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Sums:
    """Rows to add up in a table: columns of `keys` name a row, those of `sums` are added."""

    keys: tuple[str, ...]
    sums: tuple[str, ...]
    rows: dict[tuple[object, ...], Row] = field(default_factory=dict)

    def add(self, row: Row) -> None:
        """Add a row to the others of its key; what is no sum is replaced."""
        key = tuple(row[name] for name in self.keys)
        known = self.rows.get(key)
        if known is not None:
            row = row | {name: _added(known[name], row[name]) for name in self.sums}
        self.rows[key] = row


def _added(one: object, other: object) -> float:
    if isinstance(one, int | float) and isinstance(other, int | float):
        return one + other
    raise TypeError(f"{one!r} and {other!r} cannot be added")


class Changes:
    """What is to be written, by table, in the order in which tables came."""

    def __init__(self) -> None:
        self.inserts: dict[Table, list[Row]] = {}
        self.unless_known: dict[Table, list[Row]] = {}
        self.sums: dict[Table, Sums] = {}
        self.cards: set[str] = set()
        self._updates: dict[tuple[Table, str], dict[str, Update]] = {}
        self._fresh: dict[tuple[Table, str, object], Row] = {}
        self.count = 0

    def __bool__(self) -> bool:
        return bool(self.count or self.cards)

    def insert(self, table: Table, row: Row, *keys: str) -> None:
        """Insert a row; columns of `keys` are those by which it may still be updated."""
        self.count += 1
        self.inserts.setdefault(table, []).append(row)
        for key in keys:
            self._fresh[table, key, row[key]] = row

    def insert_unless_known(self, table: Table, row: Row) -> None:
        """Insert a row unless a unique key already has it."""
        self.count += 1
        self.unless_known.setdefault(table, []).append(row)

    def add_up(self, table: Table, keys: tuple[str, ...], sums: tuple[str, ...], row: Row) -> None:
        """Add the columns `sums` of a row to the one with the same `keys`, or insert it."""
        self.count += 1
        self.sums.setdefault(table, Sums(keys, sums)).add(row)

    def update(
        self,
        table: Table,
        key: str,
        values: Mapping[str, object],
        *,
        by: str = "id",
        sources: Collection[str] | None = None,
    ) -> None:
        """Set columns of the row whose column `by` is `key`; one statement sets a row once."""
        self.count += 1
        fresh = self._fresh.get((table, by, key))
        if fresh is not None:
            fresh.update(values)
            return
        guard = None if sources is None else tuple(sorted(sources))
        known = self._updates.setdefault((table, by), {}).setdefault(key, Update(key, {}, guard))
        known.values.update(values)
        known.sources = known.sources or guard

    def updates(self) -> Iterator[tuple[Table, str, tuple[str, ...], list[Update]]]:
        """Yield table, key column, columns to set and the rows, for rows that set the same."""
        for (table, by), found in self._updates.items():
            alike: dict[tuple[str, ...], list[Update]] = {}
            for each in found.values():
                alike.setdefault(tuple(each.values), []).append(each)
            for columns, rows in alike.items():
                yield table, by, columns, rows
