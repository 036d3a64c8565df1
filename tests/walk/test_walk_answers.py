"""A no, a question back, a thing that cannot be done, and a plan that waits through a restart."""

import signal

from tests.walk.program import KUMA, Program
from tests.walk.terminal import Terminal


def _asked(program: Program, *words: str) -> Terminal:
    return Terminal(program, "ask", *words)


def test_a_typed_no_rejects_and_nothing_is_done(shared: Program) -> None:
    with _asked(shared, "Deploy vaultwarden") as terminal:
        terminal.wait_for("approve? [y/N]")
        terminal.type("n")
        assert terminal.finish() == 1
    assert "is rejected; nothing was done" in terminal.text
    assert not (shared.homelab / "services" / "vaultwarden").exists()


def test_enter_alone_decides_nothing_and_says_how_to_decide(shared: Program) -> None:
    with _asked(shared, "Deploy grafana") as terminal:
        terminal.wait_for("approve? [y/N]")
        terminal.type("")
        assert terminal.finish() == 1
    assert "waits. `chiffon plan approve" in terminal.text
    assert not (shared.homelab / "services" / "grafana").exists()


def test_an_ambiguous_request_is_asked_back_and_the_answer_makes_the_plan(shared: Program) -> None:
    with _asked(shared, "deploy a service") as terminal:
        terminal.wait_for("> ")
        assert "Which service" in terminal.text
        terminal.type("jellyfin")
        terminal.wait_for("approve? [y/N]")
        assert 'service = "jellyfin"' in terminal.text
        terminal.type("y")
        assert terminal.finish() == 0
    assert (shared.homelab / "services" / "jellyfin" / "compose.yaml").is_file()


def test_ctrl_c_at_the_question_plans_nothing(shared: Program) -> None:
    with _asked(shared, "deploy a service") as terminal:
        terminal.wait_for("> ")
        terminal.press_ctrl_c()
        assert terminal.finish() == 1
    assert "Nothing was planned" in terminal.text


def test_what_nobody_can_do_is_said_with_what_can_be_done(shared: Program) -> None:
    said = shared.run("ask", "--yes", "Bake me a chocolate cake")
    assert said.status == 1
    assert "Nothing here can do “Bake me a chocolate cake”" in said.text
    assert "chiffon catalog list" in said.text
    with shared.api() as client:
        gaps = client.get("/gaps").json()["gaps"]
    assert any("chocolate cake" in gap["text"] for gap in gaps)


def test_what_nobody_understood_is_put_right_and_done(shared: Program) -> None:
    asked = shared.run("ask", "sing a lullaby to mosquitto")
    assert asked.status == 1
    request_id = asked.text.partition("`chiffon correct ")[2].partition("`")[0]
    with Terminal(shared, "correct", request_id) as terminal:
        terminal.wait_for("What did you mean?")
        terminal.type("deploy_service")
        terminal.wait_for("service [mosquitto]: ")
        terminal.type("nonsense")
        terminal.wait_for("must be one of")
        terminal.wait_for("service: ")
        terminal.type("mosquitto")
        terminal.wait_for("approve? [y/N]")
        assert "where nothing was understood" in terminal.text
        terminal.type("y")
        assert terminal.finish() == 0
    assert (shared.homelab / "services" / "mosquitto" / "compose.yaml").is_file()


def test_a_waiting_plan_can_be_approved_after_a_power_cut(program: Program) -> None:
    """And SIGTERM ends as cleanly as Ctrl-C, after which other tests start anew."""
    first = program.up()
    waiting = program.run("ask", KUMA)  # nobody answers
    assert "Plan #1 waits" in waiting.out
    first.kill()
    second = program.up()
    said = program.ok("plan", "approve", "1", "--follow")
    assert "2 of 2 steps done" in said
    assert (program.homelab / "services" / "uptime-kuma" / "compose.yaml").is_file()
    second.signal(signal.SIGTERM)
    assert second.wait() == 0
    assert not (program.home / "address").exists()
