"""A unit on the disk: written, replaced or removed, and never against a person's own changes."""

from dataclasses import dataclass
from pathlib import Path

from bot.cli.unit import Service, is_untouched
from orchestrator.errors import SettingsError


@dataclass(frozen=True)
class Units:
    """The folder of units: root's, or a user's own."""

    folder: Path
    system: bool

    @property
    def systemctl(self) -> str:
        """How a person speaks to this systemd."""
        return "systemctl" if self.system else "systemctl --user"

    def write(self, service: Service, *, replace: bool) -> str:
        """Write the unit; return what was done, and what to type next.

        Raises:
            SettingsError: there is one that Chiffon did not write or somebody changed since, and
                `replace` is false; or it cannot be written.
        """
        path, text = self.folder / service.unit, service.text()
        before = _read(path)
        if before is not None and not replace and not is_untouched(before):
            raise SettingsError(
                f"{path} was changed by hand. Compare it with `chiffon service show …`; "
                "`--replace` writes it anew."
            )
        if before != text:
            _write(path, text)
        done = "Written" if before is None else "As it was" if before == text else "Replaced"
        start = "enable --now" if before is None else "restart"
        return f"{done}: {path}\n{self._next(start, service.unit)}"

    def remove(self, unit: str, *, replace: bool) -> str:
        """Remove the unit; return what was done, and what to type next.

        Raises:
            SettingsError: it is enabled, or changed by hand and `replace` is false, or stays.
        """
        path = self.folder / unit
        before = _read(path)
        if before is None:
            raise SettingsError(f"There is no {path}: nothing to remove.")
        if any(self.folder.glob(f"*.wants/{unit}")):
            raise SettingsError(
                f"{unit} is enabled. Type `{self.systemctl} disable --now {unit}` first."
            )
        if not replace and not is_untouched(before):
            raise SettingsError(f"{path} was changed by hand; `--replace` removes it all the same.")
        try:
            path.unlink()
        except OSError as fault:
            raise SettingsError(f"{path} cannot be removed: {fault.strerror}.") from fault
        return f"Removed: {path}\nNext: {self.systemctl} daemon-reload"

    def _next(self, start: str, unit: str) -> str:
        words = f"Next: {self.systemctl} daemon-reload && {self.systemctl} {start} {unit}"
        if self.system:
            return words
        return f"{words}\nTo run while you are logged out, too: loginctl enable-linger"


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as fault:
        raise SettingsError(f"{path} cannot be read: {fault}.") from fault


def _write(path: Path, text: str) -> None:
    fresh = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(text, encoding="utf-8")
        fresh.chmod(0o644)  # systemd asks for no less, and no secret is in it
        fresh.replace(path)
    except OSError as fault:
        raise SettingsError(f"{path} cannot be written: {fault.strerror}.") from fault
