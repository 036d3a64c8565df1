"""Keys for REST: who may come in, as whom."""

from datetime import timedelta

from sqlalchemy import RowMapping, func, or_, select, update

from orchestrator.domain.ids import new_id
from orchestrator.domain.keys import ApiKey
from orchestrator.store.session import Session
from orchestrator.store.tables import api_keys


class Keys:
    """Verbs on `api_keys`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, name: str, key_hash: str, *, person: str, team: str) -> bool:
        """Keep a new key; False where one of that name is known, revoked ones included."""
        return await self._session.insert_new(
            api_keys,
            id=new_id(),
            name=name,
            key_hash=key_hash,
            team=team,
            person=person,
            created_at=self._session.now,
        )

    async def by_name(self, name: str) -> ApiKey | None:
        """Return a key by its name."""
        row = await self._session.one(select(api_keys).where(api_keys.c.name == name))
        return None if row is None else _key(row)

    async def valid(self, key_hash: str) -> ApiKey | None:
        """Return the key of that hash, unless it is revoked."""
        statement = select(api_keys).where(
            api_keys.c.key_hash == key_hash, api_keys.c.revoked_at.is_(None)
        )
        row = await self._session.one(statement)
        return None if row is None else _key(row)

    async def used(self, key_hash: str, every: timedelta) -> None:
        """Note that a key is in use, unless that was noted less than `every` ago."""
        last, now = api_keys.c.last_used_at, self._session.now
        await self._session.execute(
            update(api_keys)
            .where(api_keys.c.key_hash == key_hash, or_(last.is_(None), last <= now - every))
            .values(last_used_at=now)
        )

    async def revoke(self, name: str) -> bool:
        """Revoke a key; False where none of that name is valid."""
        statement = (
            update(api_keys)
            .where(api_keys.c.name == name, api_keys.c.revoked_at.is_(None))
            .values(revoked_at=self._session.now)
        )
        return await self._session.execute(statement) == 1

    async def listed(self) -> list[ApiKey]:
        """Return every key, the oldest first."""
        statement = select(api_keys).order_by(api_keys.c.id)
        return [_key(row) for row in await self._session.rows(statement)]

    async def count_valid(self) -> int:
        """Count the keys that are not revoked."""
        statement = select(func.count()).where(api_keys.c.revoked_at.is_(None))
        return int(await self._session.scalar(statement) or 0)


def _key(row: RowMapping) -> ApiKey:
    return ApiKey.model_validate({name: row[name] for name in ApiKey.model_fields})
