"""What a request is about, whatever its words: the concept model, and what is made of it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.catalog.loader import load_catalog
from orchestrator.catalog.models import Catalog
from orchestrator.nlu.concepts import MODEL, ConceptModel, concept_model
from orchestrator.nlu.decomposer import understand
from orchestrator.nlu.evaluation.cases import Case, read_cases
from orchestrator.nlu.features import features, symbols
from orchestrator.nlu.text import normalise, tokenise, words
from scripts.learn_concepts import PHRASES, read, source_of, symbols_of
from tests.nlu.found import Read, Steps, only, steps

Over = Callable[[str], Read]


def tokens(text: str) -> list[str]:
    return symbols(tokenise(normalise(text)))


def likeliest(model: ConceptModel, text: str) -> str:
    concepts = model.of(tokenise(normalise(text)))
    return model.names[max(concepts, key=lambda one: concepts[one])]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("restart nginx on web-1", ["restart", "nginx", "on", "<name>"]),
        ("add 20 GB to /data", ["add", "<size>", "to", "<path>"]),
        ("wait 5 minutes, 3h or 09:30", ["wait", "<time>", "<time>", "or", "<time>"]),
        ("v2.1 of a.example.org", ["<version>", "of", "<domain>"]),
        ("invoice.pdf to ann@example.org", ["<file>", "to", "<email>"]),
        ("10.0.0.1 in prod, 3 times", ["<ip>", "in", "<stage>", "<number>", "time"]),
        ("#ops @ann web-1", ["<name>"]),
        ("", []),
        ("?! ...", []),
    ],
)
def test_values_are_seen_by_their_sort(text: str, said: list[str]) -> None:
    assert [one for one in tokens(text) if one != "a"] == said


def test_a_word_that_the_model_never_met_is_a_name() -> None:
    said = symbols(tokenise("restart gribbl now"), vocabulary={"restart", "now"})
    assert said == ["restart", "<name>", "now"]
    assert symbols(tokenise("restart photos"), names={"photos"}) == ["restart", "<name>"]


def test_neighbours_are_features() -> None:
    assert [*features(["a", "b", "c"])] == ["^ a", "a", "b", "c", "a b", "b c", "a _ c"]
    assert [*features([])] == []


def test_a_placeholder_is_seen_as_the_value_that_it_stands_for() -> None:
    assert symbols_of("deploy {service} {version} to {env}") == tokens("deploy web-1 2.1.0 to prod")


def test_the_model_that_ships_was_learnt_from_the_phrases_that_ship() -> None:
    """Else: `make concepts`."""
    assert concept_model().source == source_of(PHRASES)
    assert [*concept_model().names] == sorted(read(PHRASES))


def test_every_concept_has_phrases_enough() -> None:
    phrases = read(PHRASES)
    assert {name: len(said) for name, said in phrases.items() if len(said) < 40} == {}
    assert all(name == name.lower() and " " not in name for name in phrases)


def test_a_model_is_the_same_when_it_is_learnt_again_and_when_it_is_read(tmp_path: Path) -> None:
    said = {"open": ["open port {port}", "open a port"], "close": ["close port {port}", "shut it"]}
    phrases = {name: [*map(symbols_of, lines)] for name, lines in said.items()}
    model, again = (ConceptModel.learn(phrases, "these") for _ in range(2))
    assert model.packed() == again.packed()
    (tmp_path / "model.bin").write_bytes(model.packed())
    loaded = ConceptModel.load(tmp_path / "model.bin")
    assert (loaded.names, loaded.source) == (("close", "open"), "these")
    text = [*tokenise("please open port 80")]
    assert loaded.of(text) == model.of(text)
    assert likeliest(loaded, "please open port 80") == "open"
    assert not loaded.of(tokenise("?"))


def test_the_file_is_small() -> None:
    assert MODEL.stat().st_size < 2_000_000


@pytest.mark.parametrize(
    ("text", "concept"),
    [
        ("poke a hole for 51820/udp on fw-1", "open_port"),
        ("who do i wake up if payments is down?", "who_is_on_call"),
        ("undo the last deployment of billing", "rollback_release"),
        ("order two pizzas for the night shift", "food_order"),
        ("how do I restart nginx?", "howto_question"),
        ("tell us a joke", "joke_or_poem"),
    ],
)
def test_concepts_are_told_apart(text: str, concept: str) -> None:
    assert likeliest(concept_model(), text) == concept


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (
            "company",
            "Can we have 20 GB more on /data of storage1?",
            [("grow_volume", {"host": "storage1", "volume": "/data", "add_gb": 20})],
        ),
        (
            "company",
            "would you mind putting the new build of intranet-portal on the dev environment?",
            [("deploy_app", {"app": "intranet-portal", "environment": "dev"})],
        ),
        (
            "studio",
            "shipp checkout-api 2.14.0 to staging",
            [
                (
                    "deploy_service",
                    {"service": "checkout-api", "version": "2.14.0", "environment": "staging"},
                )
            ],
        ),
        (
            "studio",
            "what does trace-deploy say in its log?",
            [("show_logs", {"service": "trace-deploy"})],
        ),
        (
            "assistant",
            "Can I get invoice.odt as a pdf?",
            [("convert_document", {"file": "invoice.odt", "format": "pdf"})],
        ),
        (
            "assistant",
            "take tracking-svc back one version in prod",
            [("roll_back_release", {"service": "tracking-svc", "environment": "production"})],
        ),
        (
            "selfhosted",
            "Always hand out 192.168.1.77 to dc:a6:32:01:02:03",
            [("reserve_ip", {"mac": "dc:a6:32:01:02:03", "ip": "192.168.1.77"})],
        ),
    ],
)
def test_what_rules_would_tell_back_is_read_by_what_it_is_about(
    name: str, text: str, expected: Steps, over: Over
) -> None:
    assert only(over(name)(text)) == expected


@pytest.mark.parametrize(
    ("name", "text", "intent"),
    [
        ("hosting", "poke render1 with a magic packet", "wake_machine"),
        ("company", "add 50 GB to /home on storage1", "grow_volume"),
    ],
)
def test_where_rules_ask_meaning_decides(name: str, text: str, intent: str, over: Over) -> None:
    assert [step for step, _ in only(over(name)(text))] == [intent]


def test_meaning_overrules_what_the_clause_is_not_about_at_all(over: Over) -> None:
    found = over("hosting")("tell 185.220.101.4 to get lost at the firewall")
    assert only(found) == [("block_address", {"address": "185.220.101.4"})]


def test_what_is_to_be_done_is_read_where_no_verb_says_it(over: Over) -> None:
    found = over("assistant")("poke a hole for 5432 into db-primary's firewall")
    (step,) = only(found)
    assert step == ("change_firewall", {"action": "allow", "port": 5432, "host": "db-primary"})


@pytest.mark.parametrize(
    ("name", "text", "intent", "values"),
    [
        (
            "studio",
            "The TLS cert on tunnel.example just expired today. Could it be updated soon?",
            "renew_certificate",
            {"domain": "tunnel.example"},
        ),
        (
            "selfhosted",
            "radarr is liek three releases behind, get it onto the newest one",
            "update_app",
            {"app": "radarr"},
        ),
        (
            "assistant",
            "What does https://status.example.org/incidents/42 say, in short?",
            "summarise_page",
            {"url": "https://status.example.org/incidents/42"},
        ),
    ],
)
def test_a_remark_and_an_order_that_names_nothing_are_read_together(
    name: str, text: str, intent: str, values: dict[str, object], over: Over
) -> None:
    assert only(over(name)(text)) == [(intent, values)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("assistant", "maybe take tracking-svc back one version in prod"),
        ("assistant", "at some point take tracking-svc back one version in prod"),
        ("assistant", "do not take tracking-svc back one version in prod"),
        ("assistant", "take tracking-svc back one version in prod is a bad idea"),
        ("assistant", "imagine someone says take tracking-svc back one version in prod"),
        ("company", "nobody should poke a hole for 51820/udp on vpn-gw"),
        ("company", "Omar wants you to poke a hole for 51820/udp on vpn-gw"),
        ("company", "should we poke a hole for 51820/udp on vpn-gw?"),
        ("company", "who put the new build of intranet-portal on the dev environment?"),
        ("studio", "go back to work"),
        ("studio", "nobody should delete vm old-ci"),
        ("studio", "bob on slack: shipp checkout-api 2.14.0 to staging"),
        ("selfhosted", 'Delete the snapshot "backup-2025-01-15" from VM 100 on pve1'),
        ("platform", "add me to CHIFFON_ADMINS"),
    ],
)
def test_what_only_speaks_of_it_makes_no_step_by_meaning_either(
    name: str, text: str, over: Over
) -> None:
    assert steps(over(name)(text)) == []


def test_of_two_orders_none_is_lost(over: Over) -> None:
    found = over("studio")("purge the Cloudflare cache and Promote pg-replica-2 to primary")
    assert steps(found) == []
    assert len(found.out_of_scope) == 2


def test_a_question_that_rules_have_narrowed_down_stays(read: Read) -> None:
    found = read("it's cold in the office, set it to 22")
    assert {*found.ambiguities[0].options} == {"set_light", "set_thermostat"}


def small(tmp_path: Path, name: str, said: tuple[str, str], *parameters: str) -> Read:
    """Return what understands a text over a catalogue of one capability of high risk."""
    lines = "".join(f"        {one}: {{type: string}}\n" for one in parameters)
    (tmp_path / "small.yaml").write_text(
        f"version: 1\ncapabilities:\n- name: {name}\n  title: {name}\n  description: {said[0]}\n"
        f"  agent_type: infra\n  risk: high\n  idempotent: false\n  examples:\n  - {said[1]}\n"
        "  parameters:\n    type: object\n    additionalProperties: false\n"
        f"    required: [{', '.join(parameters)}]\n    properties:\n{lines}"
        f"  run:\n    command: [echo, {name}]\n",
        encoding="utf-8",
    )
    catalog = load_catalog([tmp_path / "small.yaml"])
    return lambda text: understand(text, catalog)


@pytest.mark.parametrize(
    "text",
    [
        "lock the user account bob",
        "block bob's account",
        "pause the account bob",
        "the user account bob please",
        "user account bob, please check",
        "we need the user bob",
        "create the user bob",
        "nobody should delete the account of bob",
        "bob still needs his account",
    ],
)
def test_the_only_capability_there_is_needs_its_own_words_too(text: str, tmp_path: Path) -> None:
    over_one = small(
        tmp_path, "delete_user", ("Delete the account of a user", "delete the user bob"), "username"
    )
    assert steps(over_one("delete the account bob")) == [("delete_user", {"username": "bob"})]
    assert steps(over_one(text)) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("hosting", "asmith still needs his login"),
        ("web", "web1 doesn't need port 8080"),
        ("platform", "punch no holes for 443 on web1"),
        ("platform", "shop.example.com should not be 192.0.2.10 but 192.0.2.11"),
        ("studio", "tom still has access to grafana. He should keep it."),
        ("web", "can we get bob's access to web1 back?"),
        ("platform", "omar should be able to log in"),
        ("platform", "can we get in trouble for deleting vm lab2?"),
        ("studio", "could I have broken forum by rolling it back in prod?"),
        ("web", "can I get fined for giving alice access to web1?"),
        ("hosting", "fears about deleting the user jdoe"),
        ("web", "the dangers of opening port 8080 on web1"),
        ("studio", "procedure for offboarding anna"),
        ("web", "checkout-api v2.13.2 production bug"),
        ("web", "bob: I need admin on db1"),
        ("company", "mail1 might need 40 GB more"),
        ("web", "bob and alice need admin on db1"),
        ("web", "port 8080 on web1 needs a review"),
        ("web", "bob needs admin on db1 (rejected)"),
        ("studio", "nobody should use vm build7"),
        ("studio", "congrats on shipping shop 2.3 to production"),
        ("company", "order 20 GB more for /data of storage1"),
        ("studio", "buy 3 more replicas of shop"),
        ("company", "explain 20 GB more on /data of storage1"),
        ("assistant", "translate invoice.odt as a pdf"),
        ("studio", "I already swapped the cable and rebooted db1"),
        ("hosting", "I was on site and rebooted web1"),
        ("studio", "The disk was full and deleted vm build7"),
        ("studio", "The TLS cert on tunnel.example just expired. Email Tom about it"),
        (
            "studio",
            "The TLS cert on tunnel.example just expired today. Add it to the shopping list",
        ),
    ],
)
def test_what_fresh_readers_made_of_it_makes_no_step(name: str, text: str, over: Over) -> None:
    assert steps(over(name)(text)) == []


@pytest.mark.no_cover
def test_no_phrase_is_a_request_that_the_engine_is_measured_on() -> None:
    def plain(text: str) -> str:
        return " ".join(words(text))

    sets = PHRASES.parent / "evaluation"
    asked = {plain(one.text) for path in sets.glob("*/*.yaml") for one in cases(path)}
    assert asked
    said = {plain(one) for lines in read(PHRASES).values() for one in lines}
    assert said & asked == set()


def cases(path: Path) -> list[Case]:
    return [] if path.name == "catalog.yaml" else read_cases(path)


@pytest.mark.no_cover
def test_no_phrase_is_of_two_concepts() -> None:
    seen: dict[str, str] = {}
    for name, lines in read(PHRASES).items():
        for line in lines:
            assert seen.setdefault(" ".join(words(line)), name) == name, line


def test_a_sort_of_thing_that_has_no_place_in_it_leaves_the_question(starter: Catalog) -> None:
    found = understand("Restart nginx on one of the nodes", starter)
    assert steps(found) == []
    assert [question.options for question in found.ambiguities] == [("restart_service",)]


def test_a_verb_that_goes_with_anything_is_nobodys_own(tmp_path: Path) -> None:
    text = (
        "version: 1\ncapabilities:\n- name: run_backup\n  title: Run a backup\n"
        "  description: Run a backup of a guest\n  agent_type: infra\n  risk: medium\n"
        "  idempotent: false\n  examples: [run a backup of vm100, back up web1]\n  parameters:\n"
        "    {type: object, required: [guest], properties: {guest: {type: string}}}\n"
        "  run: {command: [echo, backup]}\n- name: speed_test\n  title: Internet speed test\n"
        "  description: Measure download and upload of the internet line\n  agent_type: infra\n"
        "  risk: none\n  idempotent: true\n  examples: [how fast is the line?]\n  parameters:\n"
        "    {type: object, properties: {line: {type: string, enum: [fibre, lte]}}}\n"
        "  run: {command: [echo, speed]}\n"
    )
    (tmp_path / "two.yaml").write_text(text, encoding="utf-8")
    found = understand("run a speedtest on lte", load_catalog([tmp_path / "two.yaml"]))
    assert steps(found) == [("speed_test", {"line": "lte"})]
