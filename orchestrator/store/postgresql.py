"""Everything that a transaction has decided, as one statement for PostgreSQL.

Each table's rows travel as one JSON document, so the statement's text does not depend on how
many they are: it is prepared once. Foreign keys are checked at the end of the statement, so the
order of tables does not matter; a row is set once, which `Changes` sees to.
"""

from datetime import datetime
from functools import lru_cache

from pydantic_core import to_json
from sqlalchemy import Table
from sqlalchemy.dialects import postgresql

from orchestrator.store.changes import Changes, Row, Sums


def writing(changes: Changes, now: datetime) -> tuple[str, tuple[str, ...], int]:
    """Return a statement, its documents, and how many rows its guarded updates must move.

    It answers how many they moved, then for each table of `unless_known` how many rows were new.
    """
    parts: list[str] = []
    documents: list[str] = []
    moves: list[str] = []
    news: list[str] = []
    guarded = 0

    def document(rows: object) -> int:
        documents.append(to_json(rows).decode())
        return len(documents)

    for table, rows in changes.inserts.items():
        parts.append(_insert(table, _names(rows), document(rows)))
    for table, rows in changes.unless_known.items():
        rest = " ON CONFLICT DO NOTHING RETURNING 1"
        news.append(f"(SELECT count(*) FROM new_{len(documents) + 1})")  # noqa: S608 - our own name
        parts.append(_insert(table, _names(rows), document(rows), rest))
    for table, sums in changes.sums.items():
        rows = list(sums.rows.values())
        parts.append(_insert(table, _names(rows), document(rows), _adding(table, sums)))
    for table, by, columns, updates in changes.updates():
        for has_guard in (True, False):
            some = [each for each in updates if (each.sources is not None) is has_guard]
            if not some:
                continue
            rows = [{"key": each.key, "sources": each.sources, **each.values} for each in some]
            name = f"moved_{len(parts)}"
            parts.append(_update(table, by, columns, document(rows), name, guarded=has_guard))
            if has_guard:
                guarded += len(some)
                moves.append(f"(SELECT count(*) FROM {name})")  # noqa: S608 - our own name
    if changes.cards:
        parts.append(_redrawn(document(sorted(changes.cards)), document(now)))
    answer = ", ".join([" + ".join(moves) or "0", *news])
    return f"WITH {', '.join(parts)} SELECT {answer}", tuple(documents), guarded


def _names(rows: list[Row]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for row in rows for name in row))


@lru_cache(maxsize=256)
def _insert(table: Table, names: tuple[str, ...], place: int, rest: str = "") -> str:
    columns = _listed(names)
    return (
        f"new_{place} AS (INSERT INTO {table.name} ({columns}) SELECT {columns} FROM "  # noqa: S608
        f"jsonb_populate_recordset(NULL::{table.name}, CAST(${place}::text AS jsonb)){rest})"
    )


def _adding(table: Table, sums: Sums) -> str:
    rest = [column.name for column in table.columns if column.name not in sums.keys]
    values = [
        f"{name} = {table.name}.{name} + excluded.{name}"
        if name in sums.sums
        else f"{name} = excluded.{name}"
        for name in rest
    ]
    return f" ON CONFLICT ({_listed(sums.keys)}) DO UPDATE SET {', '.join(values)}"


@lru_cache(maxsize=256)
def _update(
    table: Table, by: str, columns: tuple[str, ...], place: int, name: str, *, guarded: bool
) -> str:
    dialect = postgresql.asyncpg.dialect()  # type: ignore[no-untyped-call]
    types = {each: table.c[each].type.compile(dialect=dialect) for each in columns}
    record = ", ".join(
        ['"key" text', '"sources" text[]', *(f'"{each}" {types[each]}' for each in columns)]
    )
    values = ", ".join(f'"{each}" = fresh."{each}"' for each in columns)
    guard = f" AND {table.name}.status = ANY (fresh.sources)" if guarded else ""
    return (
        f"{name} AS (UPDATE {table.name} SET {values} FROM "  # noqa: S608 - names of our own tables
        f"jsonb_to_recordset(CAST(${place}::text AS jsonb)) AS fresh({record}) "
        f"WHERE {table.name}.{by} = fresh.key{guard} RETURNING 1)"
    )


def _redrawn(keys: int, now: int) -> str:
    moment = f"CAST(CAST(${now}::text AS jsonb) #>> '{{}}' AS timestamptz)"
    plans = f"SELECT jsonb_array_elements_text(CAST(${keys}::text AS jsonb))"
    return (
        "redrawn AS (UPDATE cards SET version_wanted = version_wanted + 1, "  # noqa: S608 - as above
        f"updated_at = {moment} WHERE plan_id IN ({plans}))"
    )


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f'"{name}"' for name in names)
