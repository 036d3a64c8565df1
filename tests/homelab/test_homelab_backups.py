"""backup_service, restore_service, update_service: nothing lost, whatever fails on the way."""

import hashlib
import os
import tarfile
from pathlib import Path

import pytest

from agent.homelab import backups, files
from agent.homelab.places import Homelab
from tests.homelab.scene import ChangeTemplate, FakeDocker, Run, Site


@pytest.fixture
def lived_in(home: Homelab, demo: Path, run: Run) -> Path:
    """The folder of a demo service with something in it."""
    run("deploy", service="demo")
    folder = home.service("demo")
    (folder / "data" / "notes.txt").write_text("first")
    return folder


def archives(home: Homelab) -> list[Path]:
    return sorted(home.backups.glob("*.tar.gz"))


def test_a_backup_is_an_archive_with_its_digest_beside_it(
    home: Homelab, run: Run, lived_in: Path
) -> None:
    result = run("backup", service="demo")

    assert result.status == 0
    (path,) = archives(home)
    assert str(path) in result.out
    digest, name = Path(f"{path}.sha256").read_text().split()
    assert (digest, name) == (hashlib.sha256(path.read_bytes()).hexdigest(), path.name)
    assert path.stat().st_mode & 0o777 == 0o600
    with tarfile.open(path) as archive:
        assert {"demo/.env", "demo/compose.yaml", "demo/data/notes.txt"} <= set(archive.getnames())
    assert [path for path in home.backups.iterdir() if path.name.startswith(".")] == []


def test_restore_puts_back_content_modes_and_keeps_what_was_there(
    home: Homelab, run: Run, lived_in: Path
) -> None:
    run("backup", service="demo")
    (lived_in / "data" / "notes.txt").write_text("second")

    result = run("restore", service="demo")

    assert result.status == 0
    assert (lived_in / "data" / "notes.txt").read_text() == "first"
    assert (lived_in / ".env").stat().st_mode & 0o777 == 0o600
    (aside,) = home.replaced.iterdir()
    assert str(aside) in result.out
    assert (aside / "data" / "notes.txt").read_text() == "second"
    assert list((home.root / ".restoring").iterdir()) == []


def test_the_latest_is_taken_and_another_can_be_named(
    home: Homelab, run: Run, lived_in: Path
) -> None:
    run("backup", service="demo")
    (lived_in / "data" / "notes.txt").write_text("second")
    run("backup", service="demo")
    (lived_in / "data" / "notes.txt").write_text("third")

    assert run("restore", service="demo", backup="latest").status == 0
    assert (lived_in / "data" / "notes.txt").read_text() == "second"
    assert run("restore", service="demo", backup=archives(home)[0].name).status == 0
    assert (lived_in / "data" / "notes.txt").read_text() == "first"
    for unclear in ("Z", "nonsense", "../../etc/passwd"):
        assert "names no single backup" in run("restore", service="demo", backup=unclear).err


def test_a_removed_service_comes_back_from_its_backup(
    home: Homelab, run: Run, lived_in: Path
) -> None:
    run("backup", service="demo")
    run("remove", service="demo", delete_data="true")
    assert not lived_in.exists()

    assert run("restore", service="Demo").status == 0
    assert (lived_in / "data" / "notes.txt").read_text() == "first"
    assert not home.replaced.exists()


def test_a_damaged_backup_is_refused_before_anything_is_touched(
    home: Homelab, run: Run, lived_in: Path
) -> None:
    run("backup", service="demo")
    (path,) = archives(home)
    path.write_bytes(path.read_bytes()[:-1] + b"x")

    result = run("restore", service="demo")

    assert result.status == 1
    assert "is damaged or was changed" in result.err
    assert not home.replaced.exists()
    Path(f"{path}.sha256").unlink()
    assert "has no digest beside it" in run("restore", service="demo").err


def test_restoring_what_was_never_backed_up_says_so(run: Run, lived_in: Path) -> None:
    assert "There is no backup of demo" in run("restore", service="demo").err
    assert "No service is called" in run("restore", service="never").err


def forged(home: Homelab, member: tarfile.TarInfo) -> Path:
    """Write an archive with a right digest and one hostile member."""
    home.backups.mkdir(parents=True, exist_ok=True)
    path = home.backups / "demo-20260101T000000.000000Z.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.addfile(member)
    digest = files.digest_of(path)
    backups.digest_file(path).write_text(f"{digest}  {path.name}\n")
    return path


@pytest.mark.parametrize(
    ("name", "kind", "target"),
    [
        ("../../outside", tarfile.REGTYPE, ""),
        ("demo/link", tarfile.SYMTYPE, "/etc/passwd"),
        ("demo/link", tarfile.SYMTYPE, "../../../outside"),
        ("demo/device", tarfile.CHRTYPE, ""),
        ("other/file", tarfile.REGTYPE, ""),
    ],
)
def test_an_archive_cannot_write_outside(
    name: str, kind: bytes, target: str, home: Homelab, run: Run, lived_in: Path
) -> None:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    forged(home, member)

    result = run("restore", service="demo")

    assert result.status == 1
    assert "nothing was changed" in result.err
    assert (lived_in / "data" / "notes.txt").read_text() == "first"
    assert not (home.root / "outside").exists()
    assert not home.replaced.exists()


def test_a_backup_that_could_not_be_restored_is_not_made(
    home: Homelab, run: Run, lived_in: Path
) -> None:
    (lived_in / "data" / "link").symlink_to("/etc/passwd")

    result = run("backup", service="demo")

    assert result.status == 1
    assert "could not be restored" in result.err
    assert list(home.backups.iterdir()) == []


def test_links_within_and_pipes_do_no_harm(home: Homelab, run: Run, lived_in: Path) -> None:
    (lived_in / "data" / "link").symlink_to("notes.txt")
    os.mkfifo(lived_in / "data" / "pipe")

    assert run("backup", service="demo").status == 0
    assert run("restore", service="demo").status == 0
    assert (lived_in / "data" / "link").read_text() == "first"
    assert not (lived_in / "data" / "pipe").exists()


def test_a_backup_on_a_full_disk_leaves_nothing(
    home: Homelab, run: Run, lived_in: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backups, "write_atomic", full)

    result = run("backup", service="demo")

    assert result.status == 1
    assert "No space left on device" in result.err
    assert list(home.backups.iterdir()) == []


def test_a_restore_that_cannot_be_put_in_place_puts_the_old_one_back(
    home: Homelab, run: Run, lived_in: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("backup", service="demo")
    (lived_in / "data" / "notes.txt").write_text("second")
    real = Path.rename

    def breaks(path: Path, target: Path) -> Path:
        if ".restoring" in str(path):
            raise OSError(5, "Input/output error")
        return real(path, target)

    monkeypatch.setattr(Path, "rename", breaks)

    assert run("restore", service="demo").status == 1
    assert (lived_in / "data" / "notes.txt").read_text() == "second"


class TestWithDocker:
    """The engine answers; every call that it gets can fail."""

    @pytest.fixture
    def running(self, docker: FakeDocker, lived_in: Path, run: Run) -> FakeDocker:
        run("start", service="demo")
        (docker.folder / "calls").unlink()
        return docker

    def test_containers_are_paused_for_the_copy(self, run: Run, running: FakeDocker) -> None:
        assert run("backup", service="demo").status == 0
        assert running.verbs == ["ps", "pause", "unpause"]
        assert running.state("demo") == "running"

    def test_stopped_containers_are_left_stopped(self, run: Run, running: FakeDocker) -> None:
        run("stop", service="demo")
        assert run("backup", service="demo").status == 0
        assert running.state("demo") == "exited"

    def test_containers_left_paused_by_a_crash_are_let_go(
        self, run: Run, running: FakeDocker
    ) -> None:
        (running.folder / "state-demo").write_text("paused\n")
        assert run("backup", service="demo").status == 0
        assert running.state("demo") == "running"

    @pytest.mark.parametrize("call", ["ps", "pause"])
    def test_a_backup_that_cannot_pause_is_not_made(
        self, call: str, home: Homelab, run: Run, running: FakeDocker
    ) -> None:
        running.fail(call)
        result = run("backup", service="demo")
        assert result.status == 1
        assert "boom" in result.err
        assert archives(home) == []

    def test_a_pause_that_fails_half_way_is_undone(
        self, home: Homelab, run: Run, running: FakeDocker
    ) -> None:
        running.fail("pause", "boom: one of two\n")
        running.fail("unpause", "Container demo-2 is not paused\n")
        result = run("backup", service="demo")
        assert "boom: one of two" in result.err
        assert archives(home) == []
        assert running.verbs == ["ps", "pause", "unpause", "ps"]

    def test_containers_still_paused_are_said_with_the_way_out(
        self, home: Homelab, run: Run, running: FakeDocker
    ) -> None:
        running.fail("unpause")
        result = run("backup", service="demo")
        assert result.status == 1
        assert "is whole, but the containers are still paused" in result.err
        assert "compose.yaml unpause" in result.err
        assert len(archives(home)) == 1

    def test_no_backup_and_still_paused_is_said_too(
        self, run: Run, running: FakeDocker, lived_in: Path
    ) -> None:
        (lived_in / "data" / "link").symlink_to("/etc/passwd")
        running.fail("unpause")
        assert "No backup was made, and the containers" in run("backup", service="demo").err

    def test_restore_stops_and_starts_what_ran(
        self, run: Run, running: FakeDocker, lived_in: Path
    ) -> None:
        run("backup", service="demo")
        (running.folder / "calls").unlink()
        result = run("restore", service="demo")
        assert result.status == 0
        assert running.verbs == ["ps", "down", "up"]
        assert "so it was started again" in result.out

    @pytest.mark.parametrize("call", ["ps", "down"])
    def test_a_restore_that_cannot_stop_changes_nothing(
        self, call: str, home: Homelab, run: Run, running: FakeDocker, lived_in: Path
    ) -> None:
        run("backup", service="demo")
        (lived_in / "data" / "notes.txt").write_text("second")
        running.fail(call)
        assert run("restore", service="demo").status == 1
        assert (lived_in / "data" / "notes.txt").read_text() == "second"
        assert not home.replaced.exists()

    def test_a_restore_that_cannot_start_again_says_so(
        self, run: Run, running: FakeDocker, lived_in: Path
    ) -> None:
        run("backup", service="demo")
        running.fail("up")
        result = run("restore", service="demo")
        assert result.status == 1
        assert "could not be started again" in result.err
        assert "demo is restored" in result.out

    def test_what_may_be_running_is_not_replaced_without_an_engine(
        self, run: Run, running: FakeDocker, lived_in: Path
    ) -> None:
        run("backup", service="demo")
        running.fail("version")
        result = run("restore", service="demo")
        assert result.status == 1
        assert "it has been started before" in result.err


class TestUpdate:
    """update_service: back up, pull, up, check."""

    @pytest.fixture
    def running(self, docker: FakeDocker, lived_in: Path, run: Run) -> FakeDocker:
        run("start", service="demo")
        (docker.folder / "calls").unlink()
        return docker

    def test_it_brings_the_newer_template(
        self,
        home: Homelab,
        run: Run,
        running: FakeDocker,
        demo: Path,
        lived_in: Path,
        newer_template: ChangeTemplate,
    ) -> None:
        newer_template(demo)
        result = run("update", service="demo")
        assert result.status == 0
        assert "demo:2.0" in (lived_in / "compose.yaml").read_text()
        assert running.verbs == ["ps", "pause", "unpause", "pull", "up"]
        assert "demo is updated." in result.out
        assert len(archives(home)) == 1
        assert "newest template" in run("update", service="demo").out

    def test_an_edited_compose_file_is_kept(
        self, run: Run, running: FakeDocker, lived_in: Path
    ) -> None:
        path = lived_in / "compose.yaml"
        path.write_text(path.read_text().replace("1.0", "1.5"))
        result = run("update", service="demo")
        assert result.status == 0
        assert "edited by hand and is kept" in result.out
        assert "demo:1.5" in path.read_text()

    def test_a_service_of_ones_own_is_updated_by_its_own_file(
        self, home: Homelab, run: Run, running: FakeDocker
    ) -> None:
        (home.services / "own").mkdir()
        (home.services / "own" / "compose.yaml").write_text("services: {own: {image: own:1}}\n")
        result = run("update", service="own")
        assert result.status == 0
        assert "own has no template" in result.out
        assert "that was not checked" in result.out

    def test_without_an_engine_nothing_happens(
        self, home: Homelab, run: Run, lived_in: Path
    ) -> None:
        result = run("update", service="demo")
        assert result.status == 1
        assert result.err.startswith("demo was not updated: no Docker engine answers here.")
        assert archives(home) == []

    @pytest.mark.parametrize("edited", [False, True])
    def test_a_failed_pull_leaves_everything_as_it_was(
        self,
        edited: bool,
        run: Run,
        running: FakeDocker,
        demo: Path,
        lived_in: Path,
        newer_template: ChangeTemplate,
    ) -> None:
        path = lived_in / "compose.yaml"
        if edited:
            path.write_text(path.read_text() + "# mine\n")
        before = path.read_bytes()
        newer_template(demo)
        running.fail("pull", "manifest unknown\n")
        result = run("update", service="demo")
        assert result.status == 1
        assert "manifest unknown" in result.err
        assert "its compose.yaml is as before" in result.err
        assert path.read_bytes() == before
        running.heal("pull")
        assert run("update", service="demo").status == 0
        assert ("demo:2.0" in path.read_text()) is not edited

    def test_a_failed_start_says_half_updated_and_the_way_back(
        self, run: Run, running: FakeDocker, home: Homelab
    ) -> None:
        running.fail("up")
        result = run("update", service="demo")
        assert result.status == 1
        assert "half updated" in result.err
        assert "Now: demo running" in result.err
        assert archives(home)[0].name in result.err

    def test_an_answer_of_docker_that_is_no_json_stops_it(
        self, run: Run, running: FakeDocker, home: Homelab
    ) -> None:
        running.answer("ps", "neither json nor nothing\n")
        result = run("update", service="demo")
        assert result.status == 1
        assert "cannot be read" in result.err
        assert archives(home) == []

    def test_no_answer_after_the_update_is_a_failure(
        self, run: Run, running: FakeDocker, site: Site
    ) -> None:
        site.status = 500
        result = run("update", service="demo", wait=0)
        assert result.status == 1
        assert "is updated and started, but does not answer" in result.err
        assert "restore demo" in result.err
