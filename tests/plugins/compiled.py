"""One cache of compiled statements for all databases of a process.

SQLAlchemy keeps one for each engine, and each test opens an engine of its own: compiling the same
statements anew would be a tenth of what the tests compute.
"""

from sqlalchemy import Connection, Engine, event

_first: dict[type, Engine] = {}


@event.listens_for(Engine, "engine_connect")
def _share(connection: Connection) -> None:
    """Have a connection use the dialect, a part of the cache's key, and the cache of the first."""
    engine = connection.engine
    first = _first.setdefault(type(engine.dialect), engine)
    connection.dialect = first.dialect
    engine._compiled_cache = first._compiled_cache
