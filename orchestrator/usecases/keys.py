"""Keys for people and programs: make, list, revoke, and whom a key lets in."""

from orchestrator.domain.approval import LOCAL_TEAM
from orchestrator.domain.keys import (
    USE_NOTED_EVERY,
    ApiKey,
    checked_name,
    checked_person,
    checked_team,
    hash_of,
    looks_like_key,
    new_key,
)
from orchestrator.domain.views import KeyHolder
from orchestrator.errors import Conflict, ErrorCode, Refused
from orchestrator.store.reach import is_empty
from orchestrator.store.unit_of_work import Store, UnitOfWork


async def add_key(store: Store, name: str, person: str, team: str = LOCAL_TEAM) -> str:
    """Make a key that acts as one person, keep its hash and return the key itself, once.

    Raises:
        Refused: the name, the person or the team is not usable.
        Conflict: a key of that name is known; names of revoked keys are not used again.
    """
    name, person, team = checked_name(name), checked_person(person), checked_team(team)
    key = new_key()

    async def write(uow: UnitOfWork) -> None:
        if not await uow.keys.add(name, hash_of(key), person=person, team=team):
            message = f"There is a key {name!r} already."
            raise Conflict(message, "Choose another name; `chiffon keys list` shows them all.")

    await store.transact(write)
    return key


async def list_keys(store: Store) -> list[ApiKey]:
    """Return every key, revoked ones too, the oldest first."""

    async def read(uow: UnitOfWork) -> list[ApiKey]:
        return await uow.keys.listed()

    return await store.read(read)


async def revoke_key(store: Store, name: str) -> bool:
    """Revoke a key from now on, for every replica; False where it had been already.

    Raises:
        Refused: there is no key of that name.
    """

    async def write(uow: UnitOfWork) -> bool:
        if await uow.keys.revoke(name):
            return True
        if await uow.keys.by_name(name) is None:
            hint = "`chiffon keys list` shows them all."
            raise Refused(ErrorCode.NOT_FOUND, f"There is no key {name!r}.", hint)
        return False

    return await store.transact(write)


async def check_key(store: Store, key: str) -> KeyHolder:
    """Say whom a key lets in; looked up each time, so that a revoked one is refused at once.

    Raises:
        Refused: nobody's key, or a revoked one.
    """
    key_hash = hash_of(key)

    async def look(uow: UnitOfWork) -> tuple[ApiKey | None, bool]:
        found = await uow.keys.valid(key_hash)
        last = None if found is None else found.last_used_at
        return found, last is None or last <= uow.now - USE_NOTED_EVERY

    found, due = (None, False) if not looks_like_key(key) else await store.read(look)
    if found is None:
        raise Refused(
            ErrorCode.UNAUTHORISED,
            "The key is not known, or was revoked.",
            "`chiffon keys add NAME --person PERSON` makes one.",
        )
    if due:
        await store.transact(lambda uow: uow.keys.used(key_hash, USE_NOTED_EVERY))
    return KeyHolder(name=found.name, person=found.person, team=found.team)


async def has_valid_key(store: Store) -> bool:
    """Say whether anybody holds a key; nobody does in a database without tables.

    Raises:
        SettingsError: the database cannot be reached or trusted.
    """
    if await is_empty(store):
        return False

    async def count(uow: UnitOfWork) -> int:
        return await uow.keys.count_valid()

    return await store.read(count) > 0
