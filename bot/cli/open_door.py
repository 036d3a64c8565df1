"""What must be so before Chiffon listens beyond the loopback: somebody holds a key."""

from orchestrator.errors import SettingsError
from orchestrator.settings import Settings
from orchestrator.store.unit_of_work import Store
from orchestrator.usecases.keys import has_valid_key


async def require_key(settings: Settings) -> None:
    """Refuse to open Chiffon to the network while nobody holds a key.

    Raises:
        SettingsError: there is no valid key, or the database cannot be asked.
    """
    store = Store(settings.resolved_database_url)
    try:
        if await has_valid_key(store):
            return
    finally:
        await store.close()
    raise SettingsError(
        f"CHIFFON_HOST={settings.host} would open Chiffon to the network, and nobody holds a key. "
        "Make one first: `chiffon keys add NAME --person PERSON`; or leave CHIFFON_HOST at "
        "127.0.0.1."
    )
