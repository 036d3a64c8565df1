"""Output is bounded, harmless and free of secrets, wherever the cuts fall."""

import base64
import itertools
import json
import re
import time
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.output import LIVE_BYTES, MAX_BYTES, Output
from agent.plain_text import harmless, unfinished_escape
from agent.redact import MASK, Redactor, Secrets
from agent.settings import AgentSettings

SECRET = "hunter2/+=? ünd"
REDACTOR = Redactor([SECRET])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ümläut ☂ 👩\u200d💻\tend\n", "plain ümläut ☂ 👩\u200d💻\tend\n"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text\x1b]8;;http://x\x1b\\link", "textlink"),
        ("\x9b31mred\x9d0;title\x9c.", "red."),
        ("\x1bcreset\x1b(B", "reset"),
        ("10%\r50%\r\ndone", "10%\n50%\ndone"),
        ("bell\x07 null\x00 del\x7f esc\x1b", "bell␇ null␀ del␡ esc␛"),
        ("\u202egnp.exe\u2066 \u200b\ufeff", "<U+202E>gnp.exe<U+2066> <U+200B><U+FEFF>"),
        ("\x85next", "<U+0085>next"),
        ("\U000e0041tag", "<U+E0041>tag"),
    ],
)
def test_what_hides_or_commands_a_terminal_is_made_visible(text: str, shown: str) -> None:
    assert harmless(text) == shown


@given(st.text())
def test_harmless_text_stays_as_it_is(text: str) -> None:
    once = harmless(text)
    assert harmless(once) == once
    assert "\x1b" not in once


@pytest.mark.parametrize("hostile", ["\x1b]", "\x9d", "\x1b[", "\x1b", "\x9b1;"])
def test_hostile_escapes_cost_linear_time(hostile: str) -> None:
    began = time.process_time()
    harmless(hostile * 50_000)
    unfinished_escape(hostile * 50_000)
    assert time.process_time() - began < 1


def forms(secret: str) -> dict[str, str]:
    raw = secret.encode()
    return {
        "plain": f"token={secret}.",
        "base64": base64.b64encode(raw).decode(),
        "base64 after one byte": base64.b64encode(b":" + raw).decode(),
        "base64 after two, before one": base64.b64encode(b"u:" + raw + b"!").decode(),
        "base64 for addresses": base64.urlsafe_b64encode(raw).decode(),
        "url": quote(secret, safe=""),
        "url form": quote_plus(secret),
        "url lower case": re.sub("%..", lambda match: match[0].lower(), quote(secret, safe="")),
        "json": json.dumps({"password": secret}),
    }


@pytest.mark.parametrize("form", forms(SECRET))
def test_a_secret_is_hidden_in_every_form(form: str) -> None:
    shown = REDACTOR.hide(f"before {forms(SECRET)[form]} after")
    assert MASK in shown
    assert shown.startswith("before ")
    assert shown.endswith(" after")
    left = shown.replace(MASK, "")
    assert not any(SECRET[at : at + 5] in left for at in range(len(SECRET) - 5))
    core = base64.b64encode(SECRET.encode()).decode()[4:12]
    assert core not in left


@given(before=st.text(max_size=40), after=st.text(max_size=40), cuts=st.sets(st.integers(0, 120)))
def test_a_secret_is_hidden_across_every_border_of_chunks(
    before: str, after: str, cuts: set[int]
) -> None:
    """Given any chunks, neither live nor final output shows the secret."""
    raw = f"{before}{SECRET}{after}".encode()
    output = Output(lambda: REDACTOR)
    live = ""
    borders = [0, *sorted(cut for cut in cuts if cut < len(raw)), len(raw)]
    for start, end in itertools.pairwise(borders):
        output.feed(raw[start:end])
        live += output.live()
    assert "hunter2" not in live + output.final()
    assert harmless(output.final()) == output.final()


def _without_marks(shown: str) -> str:
    return re.sub(r"\n\[… [0-9,]+ bytes left out …\]\n", "", shown).replace(MASK, "")


@pytest.mark.parametrize("where", range(-20, 20))
def test_a_secret_is_hidden_where_the_middle_is_cut_out(where: int) -> None:
    half = MAX_BYTES // 2 - 64
    for begin in (half + where, 200_000 - half + where):
        raw = bytearray(b"x" * 200_000)
        raw[begin : begin + len(SECRET.encode())] = SECRET.encode()
        output = Output(lambda: REDACTOR)
        output.feed(bytes(raw))
        shown = output.final()
        assert set(_without_marks(shown)) == {"x"}
        assert len(shown.encode()) <= MAX_BYTES


@pytest.mark.parametrize("where", range(-20, 20))
def test_a_secret_is_hidden_where_live_output_is_cut(where: int) -> None:
    raw = bytearray(b"x" * 100_000)
    begin = len(raw) - LIVE_BYTES + where
    raw[begin : begin + len(SECRET.encode())] = SECRET.encode()
    output = Output(lambda: REDACTOR)
    output.feed(b"hunt")  # may be the first half of one: it goes with what is dropped
    assert output.live() == ""
    output.feed(bytes(raw))
    shown = output.live()
    assert "left out" in shown
    assert set(_without_marks(shown)) == {"x"}
    assert len(shown) <= LIVE_BYTES + 100


def test_live_output_comes_once_and_whole() -> None:
    output = Output()
    shown = []
    for piece in ("one\n", "tw", "o ☂"[:2], "\x1b[3", "1mred", "\r", "\n", "end"):
        output.feed(piece.encode())
        shown.append(output.live())
    assert "".join(shown) == "one\ntwo red\nend"
    output.feed("☂".encode()[:2])
    assert output.live() == ""
    output.feed("☂".encode()[2:])
    assert output.live() == "☂"


@pytest.mark.parametrize("size", [0, 1, MAX_BYTES - 1, MAX_BYTES])
def test_what_fits_is_kept_whole(size: int) -> None:
    raw = bytes(97 + at % 26 for at in range(size))
    output = Output()
    for start in range(0, size, 1000):
        output.feed(raw[start : start + 1000])
    assert output.final() == raw.decode()


def test_one_byte_too_many_is_cut_and_said() -> None:
    output = Output()
    output.feed(b"a" * MAX_BYTES + b"z")
    shown = output.final()
    assert "[… 129 bytes left out …]" in shown
    assert shown.endswith("az")
    assert len(shown.encode()) <= MAX_BYTES


def test_what_grows_by_being_made_harmless_is_cut_too() -> None:
    output = Output()
    output.feed(b"\x00" * MAX_BYTES)
    shown = output.final()
    assert len(shown.encode()) <= MAX_BYTES
    assert shown.startswith("␀")
    assert "left out" in shown


def test_short_and_common_words_are_no_secrets() -> None:
    redactor = Redactor(["1", "on", "true", "  ", "none"])
    assert redactor.hide("1 on true none") == "1 on true none"
    assert redactor.unfinished("tru") == 0


def test_secrets_come_from_the_environment_by_name() -> None:
    environment = {"API_TOKEN": "abcdef", "Db_Password": "ghijkl", "HOME": "/mnopqr"}
    shown = Secrets(environment=environment).redactor().hide("abcdef ghijkl /mnopqr")
    assert shown == f"{MASK} {MASK} /mnopqr"


def test_the_secret_in_a_file_that_a_variable_names_is_hidden_and_its_path_is_not(
    tmp_path: Path,
) -> None:
    file = tmp_path / "bot[1]"
    file.write_text("xoxb-very-secret\n", "utf-8")
    redactor = Secrets(environment={"SLACK_BOT_TOKEN_FILE": str(file)}).redactor()
    assert redactor.hide(f"{file}: xoxb-very-secret") == f"{file}: [redacted]"


def test_secrets_come_from_files_and_are_read_anew(tmp_path: Path) -> None:
    token, env, key = tmp_path / "token", tmp_path / ".env", tmp_path / "key"
    secrets = Secrets([token, env, key], {})
    assert secrets.redactor().hide("first-token") == "first-token"
    token.write_text("first-token\n")
    env.write_text("USER=administrator\nexport ADMIN_PASSWORD='correct horse'\n")
    key.write_text("-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0\nshort\n-----END KEY-----\n")
    shown = secrets.redactor().hide(
        "first-token administrator correct horse\n  MIIEvQIBADANBgkqhkiG9w0"
    )
    assert shown == f"{MASK} administrator {MASK}\n  {MASK}"
    assert secrets.redactor() is secrets.redactor()
    token.write_text("second-token\n")
    assert secrets.redactor().hide("first-token second-token") == f"first-token {MASK}"


def test_a_long_secret_file_is_known_by_its_lines(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("".join(f"line-of-a-long-secret-{n}\n" for n in range(1000)))
    redactor = Secrets([file], {}).redactor()
    assert redactor.longest < 100
    assert redactor.hide("> line-of-a-long-secret-999") == f"> {MASK}"


def test_secrets_of_services_are_found_by_pattern(tmp_path: Path) -> None:
    secrets = Secrets([tmp_path / "services" / "*" / ".env"], {})
    for service in ("one", "two"):
        (tmp_path / "services" / service).mkdir(parents=True)
        (tmp_path / "services" / service / ".env").write_text(f"DB_PASSWORD=pass-{service}\n")
    assert secrets.redactor().hide("pass-one pass-two") == f"{MASK} {MASK}"


def test_secrets_of_the_env_file_that_settings_are_read_from_are_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its values are not in the environment, so a child cannot be kept from reading the file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(
        "CHIFFON_SLACK_BOT_TOKEN = xoxb-from-file  # the bot\nCHIFFON_PORT=8099\n",
        encoding="utf-8",
    )
    agent = AgentSettings(home=tmp_path / "home", name="one", agent_type="infra")
    redactor = Secrets(agent.all_secret_files, {}).redactor()
    assert redactor.hide("it is xoxb-from-file on 8099") == "it is [redacted] on 8099"
