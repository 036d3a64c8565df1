"""What there is to be spoken of: the services whose folders stand in this machine's homelab."""

from pathlib import Path

_MOST = 1_000


def inventory(homelab: Path) -> dict[str, tuple[str, ...]]:
    """Return the names of what there is, by the parameter that takes them.

    Of a machine without that folder it is empty; what stands elsewhere is named by `names` in a
    catalogue file.
    """
    try:
        found = sorted(each.parent.name for each in homelab.glob("services/*/compose.yaml"))
    except OSError:  # a folder that may not be read names nothing
        return {}
    return {"service": tuple(found[:_MOST])} if found else {}
