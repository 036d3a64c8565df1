"""Remembered phrases: data in a file of their own, never able to break the catalogue."""

from pathlib import Path

import pytest

from orchestrator.catalog.catalogue import LiveCatalog
from orchestrator.catalog.loader import load_catalog
from orchestrator.catalog.remembered import MAX_PHRASES, RememberedPhrases
from orchestrator.errors import CatalogError

ENTRY = """\
version: 1
capabilities:
  - name: greet
    description: Greet somebody
    agent_type: infra
    risk: low
    examples: [greet ann]
    run: {command: [echo, hello]}
"""


@pytest.fixture
def below(tmp_path: Path) -> Path:
    """A catalogue of one capability."""
    path = tmp_path / "below.yaml"
    path.write_text(ENTRY)
    return path


@pytest.fixture
def overlay(tmp_path: Path) -> Path:
    """An overlay folder that is not made yet."""
    return tmp_path / "overlay"


@pytest.fixture
def paths(below: Path, overlay: Path) -> list[Path]:
    """The catalogue's files and folders once the overlay is there."""
    return [below, overlay]


@pytest.fixture
def phrases(below: Path, overlay: Path) -> RememberedPhrases:
    """The phrases of that overlay."""
    return RememberedPhrases(overlay, lambda: [below, overlay] if overlay.is_dir() else [below])


@pytest.mark.parametrize(
    "phrase",
    [
        "say hi",
        "hi: [there], {a: b} # c",
        "- name: shutdown",
        "'quoted\" & *alias !tag | > %YAML ---",
        "yes",
        "0777",
        "null",
        "grüß Ötzi 👋",
        "  padded  ",
        "a\\nb \\",
        "{{ host }}",
    ],
)
def test_whatever_people_say_is_read_back_as_it_was_said(
    phrases: RememberedPhrases, paths: list[Path], phrase: str
) -> None:
    phrases.add("greet", phrase)
    catalog = load_catalog(paths)
    assert catalog.entries.keys() == {"greet"}
    assert catalog.entries["greet"].phrases == (phrase,)
    assert catalog.entries["greet"].spoken.examples == ("greet ann", phrase)


def test_no_hash_changes_so_that_plans_and_agents_stay_as_they_are(
    phrases: RememberedPhrases, below: Path
) -> None:
    before = load_catalog([below]).entries["greet"]
    after = phrases.add("greet", "say hi").entries["greet"]
    assert (after.digest, after.capability) == (before.digest, before.capability)


def test_the_same_again_writes_nothing_and_others_are_kept(
    phrases: RememberedPhrases, overlay: Path, paths: list[Path]
) -> None:
    phrases.add("greet", "say hi")
    first = (overlay / "remembered.yaml").stat().st_ino
    phrases.add("greet", "say hi")
    assert (overlay / "remembered.yaml").stat().st_ino == first
    phrases.add("greet", "wave")
    assert load_catalog(paths).entries["greet"].phrases == ("say hi", "wave")
    assert {path.name for path in overlay.iterdir()} <= {"remembered.yaml", "remembered.lock"}


def test_a_running_catalogue_takes_it_up(phrases: RememberedPhrases, below: Path) -> None:
    overlay = below.parent / "overlay"
    live = LiveCatalog(lambda: [below, overlay] if overlay.is_dir() else [below])
    phrases.add("greet", "say hi")
    assert live.current().entries["greet"].phrases == ("say hi",)
    assert live.problem is None


@pytest.mark.parametrize(
    ("capability", "phrase", "reason"),
    [
        ("shutdown", "say hi", "no capability `shutdown`"),
        ("greet", "", "1 to 200"),
        ("greet", "x" * 201, "1 to 200"),
        ("greet", "two\nlines", "one line"),
        ("greet", "hi\u202ethere", "hidden"),
    ],
)
def test_what_is_no_phrase_or_of_nothing_is_refused_and_leaves_no_file(
    phrases: RememberedPhrases, overlay: Path, capability: str, phrase: str, reason: str
) -> None:
    with pytest.raises(CatalogError, match=reason):
        phrases.add(capability, phrase)
    assert list(overlay.glob("*.yaml")) == []
    assert list(overlay.glob(".remembered-*")) == []


def test_a_capability_takes_so_many_and_no_more(phrases: RememberedPhrases, overlay: Path) -> None:
    overlay.mkdir()
    lines = [f"    - say hi {number}" for number in range(MAX_PHRASES)]
    file = overlay / "remembered.yaml"
    file.write_text("\n".join(["version: 1", "phrases:", "  greet:", *lines, ""]))
    before = file.read_text()
    with pytest.raises(CatalogError, match=str(MAX_PHRASES)):
        phrases.add("greet", "one more")
    assert file.read_text() == before


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("phrases: [say hi]", "must be a mapping"),
        ("phrases: {greet: say hi}", "must be a list"),
        ("phrases: {greet: [1]}", "it must be a text"),
        ("phrases: {}", "`capabilities` is empty"),
    ],
)
def test_a_file_of_another_form_is_refused_with_its_line(
    overlay: Path, below: Path, written: str, reason: str
) -> None:
    overlay.mkdir()
    (overlay / "remembered.yaml").write_text(f"version: 1\n{written}\n")
    with pytest.raises(CatalogError, match=reason) as raised:
        load_catalog([below, overlay])
    assert "remembered.yaml:" in str(raised.value)


def test_phrases_of_a_capability_that_is_gone_only_warn(overlay: Path, below: Path) -> None:
    overlay.mkdir()
    (overlay / "remembered.yaml").write_text("version: 1\nphrases: {gone: [say hi]}\n")
    catalog = load_catalog([below, overlay])
    assert "remembered.yaml:2: `gone` is no capability" in catalog.warnings[0]
