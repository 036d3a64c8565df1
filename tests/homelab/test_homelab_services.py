"""start, stop, restart, list, remove, prune: what Docker does, what the files say."""

from pathlib import Path

import pytest

from agent.homelab.places import Homelab
from tests.homelab.scene import FakeDocker, Run, Site


@pytest.fixture
def prepared(home: Homelab, demo: Path, run: Run) -> Path:
    """The folder of a prepared demo service."""
    run("deploy", service="demo")
    (home.service("demo") / "data" / "notes.txt").write_text("kept")
    return home.service("demo")


@pytest.mark.parametrize("verb", ["start", "stop", "restart"])
def test_without_an_engine_nothing_is_claimed(verb: str, run: Run, prepared: Path) -> None:
    result = run(verb, service="demo")

    assert result.status == 1
    assert "no Docker engine answers here. Start Docker" in result.err
    assert result.out == ""


def test_start_stop_restart(run: Run, prepared: Path, docker: FakeDocker) -> None:
    assert "demo is started: demo running." in run("start", service="demo").out
    assert "demo is restarted: demo running." in run("restart", service="demo").out
    assert "demo is stopped: demo exited." in run("stop", service="demo").out
    assert docker.verbs == ["up", "ps", "ps", "restart", "ps", "stop", "ps"]


def test_a_service_that_does_not_answer_after_its_start_is_said(
    run: Run, prepared: Path, docker: FakeDocker, site: Site
) -> None:
    site.status = 500

    assert "It does not answer yet" in run("start", service="demo", wait=0).out


@pytest.mark.parametrize(
    ("verb", "call"),
    [
        ("start", "up"),
        ("start", "ps"),
        ("stop", "stop"),
        ("stop", "ps"),
        ("restart", "ps"),
        ("restart", "restart"),
        ("start", "compose-version"),
        ("stop", "version"),
    ],
)
def test_a_docker_call_that_fails_is_one_sentence_with_its_last_lines(
    verb: str, call: str, run: Run, prepared: Path, docker: FakeDocker
) -> None:
    run("start", service="demo")
    docker.fail(call)

    result = run(verb, service="demo")

    assert result.status == 1
    assert result.out == ""
    assert result.err.count("\n") == 1
    assert "boom" in result.err or "Docker engine" in result.err


def test_a_call_that_takes_too_long_is_ended(
    run: Run, prepared: Path, docker: FakeDocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.homelab.docker.PULL_SECONDS", 0.3)
    docker.hang("up")

    result = run("start", service="demo")

    assert result.status == 1
    assert "did not end within" in result.err


def test_a_stop_that_did_not_stop_is_a_failure(
    run: Run, prepared: Path, docker: FakeDocker
) -> None:
    docker.answer("ps", '{"Service": "demo", "State": "running", "Health": "healthy"}\n')

    assert "demo still runs (demo)" in run("stop", service="demo").err


def test_nothing_to_restart_is_said(run: Run, prepared: Path, docker: FakeDocker) -> None:
    assert "has no container to restart; start it first" in run("restart", service="demo").err


def test_list_without_and_with_an_engine(home: Homelab, run: Run, demo: Path) -> None:
    assert "The homelab has no service yet." in run("list").out
    assert "Can be deployed: demo." in run("list").out
    run("deploy", service="demo")

    result = run("list")

    assert "demo: prepared." in result.out
    assert "What runs is not known: no Docker engine answers here." in result.out
    assert "all there is, is there" in result.out


def test_list_says_each_state(run: Run, prepared: Path, docker: FakeDocker) -> None:
    assert "demo: prepared, never started." in run("list").out
    docker.answer("ps", '[{"Service": "demo", "State": "running", "Health": "healthy"}]')
    assert "demo: demo running (healthy)." in run("list").out
    docker.fail("ps")
    assert "demo: not known, “docker compose --file ps" in run("list").out


def test_remove_keeps_the_data_and_a_new_deploy_finds_it(run: Run, prepared: Path) -> None:
    result = run("remove", service="demo")

    assert result.status == 0
    assert "its data stays" in result.out
    assert (prepared / "data" / "notes.txt").read_text() == "kept"
    assert (prepared / "compose.yaml.removed").is_file()
    assert "is not in the homelab" in run("remove", service="demo").err
    assert run("deploy", service="demo").status == 0
    assert (prepared / "data" / "notes.txt").read_text() == "kept"


def test_remove_with_its_data_leaves_the_backups(home: Homelab, run: Run, prepared: Path) -> None:
    run("backup", service="demo")

    result = run("remove", service="demo", delete_data="true")

    assert result.status == 0
    assert not prepared.exists()
    assert f"Kept in {home.backups}: 1 backup of it." in result.out


def test_the_data_of_a_removed_service_can_still_be_deleted(run: Run, prepared: Path) -> None:
    run("remove", service="demo")

    assert run("remove", service="demo", delete_data="true").status == 0
    assert not prepared.exists()


def test_remove_takes_the_containers_down_first(
    run: Run, prepared: Path, docker: FakeDocker
) -> None:
    run("start", service="demo")

    assert run("remove", service="demo").status == 0
    assert docker.state("demo") is None


@pytest.mark.parametrize("call", ["version", "compose-version", "down"])
@pytest.mark.parametrize("delete_data", ["true", "false"])
def test_what_may_still_run_is_not_removed(
    call: str, delete_data: str, run: Run, prepared: Path, docker: FakeDocker
) -> None:
    run("start", service="demo")
    docker.fail(call)

    assert run("remove", service="demo", delete_data=delete_data).status == 1
    assert (prepared / "compose.yaml").is_file()
    assert (prepared / "data" / "notes.txt").is_file()


def test_a_deletion_that_fails_half_way_says_so(
    run: Run, prepared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path / "data"))

    monkeypatch.setattr("agent.homelab.remove.shutil.rmtree", denied)

    result = run("remove", service="demo", delete_data="true")

    assert result.status == 1
    assert "only partly deleted" in result.err
    assert "Permission denied" in result.err


class TestPrune:
    """prune: what is listed goes, nothing else."""

    @pytest.fixture
    def worn(self, home: Homelab, run: Run, prepared: Path) -> Homelab:
        """Three backups and two folders put aside."""
        for _ in range(3):
            run("backup", service="demo")
        for _ in range(2):
            run("restore", service="demo")
        return home

    def test_a_dry_run_lists_and_removes_nothing(self, worn: Homelab, run: Run) -> None:
        before = sorted(worn.root.rglob("*"))
        result = run("prune", keep=1, dry_run="true")
        assert result.out.count("Old backup demo-") == 2
        assert result.out.count("Put aside by a restore: demo-") == 1
        assert "Nothing was removed; 3 things would go." in result.out
        assert [path for path in sorted(worn.root.rglob("*")) if "lock" not in path.name] == [
            path for path in before if "lock" not in path.name
        ]

    def test_the_newest_stay(self, worn: Homelab, run: Run) -> None:
        newest = max(worn.backups.glob("*.tar.gz"))
        result = run("prune", keep=1)
        assert "3 things removed." in result.out
        assert sorted(worn.backups.iterdir()) == [newest, Path(f"{newest}.sha256")]
        assert len(list(worn.replaced.iterdir())) == 1
        assert "Nothing to remove." in run("prune", keep=1).out
        assert run("restore", service="demo").status == 0

    def test_only_containers_of_this_homelab_go(
        self, home: Homelab, run: Run, prepared: Path, docker: FakeDocker
    ) -> None:
        gone = home.services / "gone" / "compose.yaml"
        docker.answer(
            "compose-ls",
            f'[{{"Name": "chiffon-gone", "ConfigFiles": "{gone}"}},'
            f'{{"Name": "chiffon-demo", "ConfigFiles": "{prepared}/compose.yaml"}},'
            '{"Name": "elsewhere", "ConfigFiles": "/srv/x/compose.yaml,/srv/y.yaml"}, {}]',
        )
        docker.answer("image-ls", "sha256:bbbb\nsha256:aaaa\nsha256:aaaa\n")
        result = run("prune")
        assert result.status == 0
        assert "Containers of chiffon-gone" in result.out
        assert "3 things removed." in result.out
        assert docker.calls[-2:] == [
            "compose --project-name chiffon-gone down --remove-orphans",
            "image rm sha256:aaaa sha256:bbbb",
        ]

    @pytest.mark.parametrize("call", ["compose-ls", "image-ls"])
    def test_a_list_that_fails_removes_nothing(
        self, call: str, worn: Homelab, run: Run, docker: FakeDocker
    ) -> None:
        docker.fail(call)
        assert run("prune", keep=1).status == 1
        assert len(list(worn.backups.glob("*.tar.gz"))) == 3

    @pytest.mark.parametrize("call", ["project-down", "image-rm"])
    def test_a_removal_that_fails_is_said(
        self, call: str, home: Homelab, run: Run, docker: FakeDocker
    ) -> None:
        gone = home.services / "gone" / "compose.yaml"
        docker.answer("compose-ls", f'[{{"Name": "p", "ConfigFiles": "{gone}"}}]')
        docker.answer("image-ls", "sha256:aaaa\n")
        docker.fail(call)
        result = run("prune")
        assert result.status == 1
        assert "boom" in result.err
