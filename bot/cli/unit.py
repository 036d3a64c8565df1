"""systemd units for `up`, `serve` and `agent`: pure text."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import SettingsError

_MARK = "# Written by `chiffon service install`; sha256 of what follows: "
_STATE = Path("/var/lib")
_PLAIN = re.compile(r"[\w@+=:,./-]+")

# Steps of an agent may use sudo, the container engine's socket, devices and other people's files:
# so nothing here that implies NoNewPrivileges, as most of systemd's fences do under User=.
_SYSTEM = """\
ProtectSystem=full
ProtectControlGroups=yes
"""

# `serve` starts no command of anybody's.
_SERVE = """\
ProtectSystem=strict
ProtectControlGroups=yes
NoNewPrivileges=yes
CapabilityBoundingSet=
PrivateTmp=yes
PrivateDevices=yes
ProtectHome=read-only
ProtectHostname=yes
ProtectClock=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictNamespaces=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
SystemCallArchitectures=native
"""


@dataclass(frozen=True)
class Service:
    """One service: the command after `chiffon`, and where it lives.

    `account` is who a system unit runs as; without one it is a user's own unit.
    """

    name: str
    words: Sequence[str]
    program: Path
    home: Path
    environment_file: Path
    account: str | None = None

    @property
    def unit(self) -> str:
        """The unit's file name."""
        return f"chiffon-{self.name}.service"

    @property
    def has_state_folder(self) -> bool:
        """Whether systemd makes the home: below /var/lib, for a system unit."""
        return self.account is not None and _STATE in self.home.parents

    def text(self) -> str:
        """Return the unit, under a line that tells later whether somebody changed it.

        Raises:
            SettingsError: a word cannot stand in a unit.
        """
        body = "\n\n".join(("\n".join(self._unit()), "\n".join(self._service()), self._install()))
        return f"{_MARK}{_hash(body)}\n{body}\n"

    def _unit(self) -> Iterator[str]:
        yield "[Unit]"
        yield f"Description=Chiffon: {_escaped(' '.join(self.words))}"
        if self.account:
            yield "Wants=network-online.target"
            yield "After=network-online.target postgresql.service rabbitmq-server.service"
        yield "StartLimitIntervalSec=0"

    def _service(self) -> Iterator[str]:
        command = " ".join(_quoted(word) for word in (str(self.program), *self.words))
        yield "[Service]"
        yield "Type=exec"
        yield f"ExecStart={command}"
        yield f"Environment={_quoted(f'CHIFFON_HOME={self.home}')}"
        yield f"EnvironmentFile=-{_path(self.environment_file)}"
        yield f"WorkingDirectory={_path(self.home)}"
        yield "Restart=on-failure"
        yield "RestartSec=5"
        # What runs may finish within 30 s; its processes are told by Chiffon, not by systemd.
        yield "KillMode=mixed"
        yield "TimeoutStopSec=45"
        yield "UMask=0077"
        yield "LimitCORE=0"
        yield from self._who()

    def _who(self) -> Iterator[str]:
        if self.account is None:
            return
        yield f"User={_escaped(self.account)}"
        if self.has_state_folder:
            yield f"StateDirectory={_path(self.home.relative_to(_STATE))}"
            yield "StateDirectoryMode=0700"
        else:
            yield f"ReadWritePaths={_path(self.home)}"
        yield from (_SERVE if self.words[0] == "serve" else _SYSTEM).splitlines()

    def _install(self) -> str:
        target = "multi-user.target" if self.account else "default.target"
        return f"[Install]\nWantedBy={target}"


def is_untouched(text: str) -> bool:
    """Tell whether a unit is as Chiffon wrote it."""
    first, _, body = text.partition("\n")
    return first == f"{_MARK}{_hash(body.removesuffix(chr(10)))}"


def _hash(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()


def _escaped(word: str) -> str:
    if not word.isprintable():
        raise SettingsError(
            f"{word!r} cannot stand in a systemd unit: leave control characters out."
        )
    return word.replace("%", "%%")


def _quoted(word: str) -> str:
    plain = _escaped(word).replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    return plain if _PLAIN.fullmatch(plain) else f'"{plain}"'


def _path(path: Path) -> str:
    text = _escaped(str(path))
    if " " in text:
        raise SettingsError(f"{path}: systemd wants a path without spaces here; use another one.")
    return text
