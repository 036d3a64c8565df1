"""What the set `studio` showed: labelled values, dates, spellings, nouns with a light verb."""

from collections.abc import Callable

import pytest

from orchestrator.catalog.loader import load_catalog
from orchestrator.nlu.decomposer import DecomposeContext, RequestDecomposer
from tests.nlu.conftest import SETS
from tests.nlu.found import Read, Steps, only, steps

BLOG = "blog.acme.example"


@pytest.fixture(scope="module")
def studio(over: Callable[[str], Read]) -> Read:
    return over("studio")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            f"Add a CNAME record for {BLOG}, value cname.pages.example",
            [("set_dns_record", {"name": BLOG, "type": "CNAME", "value": "cname.pages.example"})],
        ),
        (
            f"point {BLOG} to 192.0.2.9, type A",
            [("set_dns_record", {"name": BLOG, "type": "A", "value": "192.0.2.9"})],
        ),
        (
            "pipeline status of sdk-js, branch develop",
            [("show_pipeline_status", {"repo": "sdk-js", "branch": "develop"})],
        ),
        (
            "rollback billing-api/staging",
            [("rollback_service", {"service": "billing-api", "environment": "staging"})],
        ),
        (
            'write a post mortem: "the router was down"',
            [("write_report", {"subject": "the router was down"})],
        ),
        (
            'write a postmortem: "the mirror was down"',
            [("write_report", {"subject": "the mirror was down"})],
        ),
        (
            'Fix this bug in repo checkout-api: "it retries forever"',
            [("change_code", {"repo": "checkout-api", "task": "it retries forever"})],
        ),
        (
            'Create a meeting "Q3 planning" tomorrow at 2pm',
            [("schedule_meeting", {"title": "Q3 planning", "date": "tomorrow", "time": "2pm"})],
        ),
        (
            "set up a meeting 'failover options' on wednesday",
            [("schedule_meeting", {"title": "failover options", "date": "wednesday"})],
        ),
        ("Take a safety snapshot of shop", [("backup_database", {"database": "shop"})]),
        (
            "Before you tear down the VM old-vps-1, take one last backup of reviewbot",
            [("backup_database", {"database": "reviewbot"}), ("delete_vm", {"host": "old-vps-1"})],
        ),
        (
            "take a backup of shop, then restore it from backup-20260522",
            [
                ("backup_database", {"database": "shop"}),
                ("restore_database", {"database": "shop", "backup": "backup-20260522"}),
            ],
        ),
        ("myapp wants 12 pods", [("scale_service", {"service": "myapp", "replicas": 12})]),
        (
            "What are the trade-offs between Fastly and CloudFront?",
            [("research_topic", {"topic": "trade-offs between Fastly and CloudFront"})],
        ),
        (
            "haz una copia de la base alumnos, reinicia moodle",
            [
                ("backup_database", {"database": "alumnos"}),
                ("restart_service", {"service": "moodle"}),
            ],
        ),
        (
            "¿podrían dar a c.arrieta acceso de escritura a syllabus-db?",
            [
                (
                    "grant_access",
                    {"user": "c.arrieta", "resource": "syllabus-db", "role": "write"},
                )
            ],
        ),
        ("someone has to power-cycle build9", [("reboot_host", {"host": "build9"})]),
        (
            "would it be possible to make m.ruiz admin on gitlab?",
            [("grant_access", {"user": "m.ruiz", "resource": "gitlab", "role": "admin"})],
        ),
    ],
)
def test_a_request_means(text: str, expected: Steps, studio: Read) -> None:
    assert only(studio(text)) == expected


def test_an_older_version_to_go_back_to_is_a_roll_back(studio: Read) -> None:
    found = studio("sql-engine won't come up in prod. back to v0.0.18")
    values = {"service": "sql-engine", "environment": "production", "version": "v0.0.18"}
    assert only(found) == [("rollback_service", values)]


@pytest.mark.parametrize(
    "text",
    ["back to work", "getting a 504 when i open tickets", "I have to restart nginx later myself"],
)
def test_what_only_sounds_like_an_order_is_none(text: str, studio: Read) -> None:
    assert steps(studio(text)) == []


def test_a_look_is_repeated_at_once_and_the_delay_told(studio: Read) -> None:
    found = studio("restart caddy on edge2, see if it's up, and check again after five minutes")
    caddy = {"service": "caddy", "host": "edge2"}
    look = ("check_service_status", caddy)
    assert steps(found) == [("restart_service", caddy), look, look]
    assert found.out_of_scope == ("after five minutes",)


def test_a_folder_of_the_catalogue_is_no_name_before_a_slash(over: Callable[[str], Read]) -> None:
    found = over("serverroom")("freeze tank/photos exactly as it is now")
    assert only(found) == [("nas_freeze_frame", {"dataset": "tank/photos"})]


def test_a_list_goes_on_behind_its_label(over: Callable[[str], Read]) -> None:
    found = over("hosting")("create an account for new hire bfair, groups dev and wiki")
    assert only(found) == [("create_account", {"username": "bfair", "groups": ["dev", "wiki"]})]


def test_a_wildcard_is_one_word(studio: Read) -> None:
    found = studio("Renew the TLS certificate *.labs.acme.example")
    assert steps(found) == [("renew_certificate", {})]
    assert found.ambiguities


def test_a_quoted_title_stays_where_more_is_quoted(studio: Read) -> None:
    found = studio('file an issue "login broken": "see the log"')
    assert steps(found)[0] == ("create_ticket", {"title": "login broken"})


async def test_a_look_of_the_request_before_is_repeated() -> None:
    catalog = load_catalog([SETS / "studio" / "catalog.yaml"])
    decomposer = RequestDecomposer(catalog=lambda: catalog)
    before = await decomposer.decompose("is grafana up on web1?")
    found = await decomposer.decompose("check again", DecomposeContext(earlier=before))
    look = ("check_service_status", {"service": "grafana", "host": "web1"})
    assert only(found) == [look]
