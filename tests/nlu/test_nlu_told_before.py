"""What people tell before they ask: of what they speak, for how long, and what is no name."""

from collections.abc import Callable

import pytest

from tests.nlu.found import Read, Steps, only, steps

Over = Callable[[str], Read]


def quota(user: str, size: str) -> Steps:
    return [("set_quota", {"username": user, "size": size})]


# --- what a pronoun stands for ---


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (
            "faculty",
            "lmoreno has left the institute, inactive since May. Please deactivate his account",
            [("disable_account", {"username": "lmoreno"})],
        ),
        (
            "faculty",
            "pc-vm7 is at over 95% full, I'm moving the PDFs. silence it for 2 hours",
            [("silence_alerts", {"host": "pc-vm7", "duration": "2h"})],
        ),
        (
            "faculty",
            "cn77 is flaky. pull it out of the pool so nothing new lands on it",
            [("drain_node", {"node": "cn77"})],
        ),
        (
            "homerack",
            "Can't reach the haos VM since lunch, tried two browsers. Please reboot it.",
            [("reboot_guest", {"guest": "haos"})],
        ),
        (
            "product",
            "Priya is not contracting to us any more, can you take her off billing-terraform",
            [("revoke_access", {"person": "priya", "system": "billing-terraform"})],
        ),
        (
            "product",
            "We are seeing order-sync pods crashing and restarting. give it 3 gigs of memory",
            [("set_memory_limit", {"service": "order-sync", "memory": "3Gi"})],
        ),
        (
            "logistics",
            "The build of fleet-app failed on branch feature/axles, please rerun it",
            [("run_pipeline", {"repository": "fleet-app", "branch": "feature/axles"})],
        ),
    ],
)
def test_a_pronoun_stands_for_a_name_and_no_common_word(
    name: str, text: str, expected: Steps, over: Over
) -> None:
    assert only(over(name)(text)) == expected


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "the coffee machine doesn't seem to be functional. Could you just turn it off?",
            "Could you just turn it off",
        ),
        (
            "I want to work with Blender on it. Please help to install it.",
            "Please help to install it",
        ),
    ],
)
def test_an_order_about_nothing_of_the_catalogue_is_told_back(
    text: str, told: str, over: Over
) -> None:
    found = over("faculty")(text)
    assert steps(found) == []
    assert told in found.out_of_scope


def test_a_verb_of_the_catalogue_still_asks_what_it_is_about(over: Over) -> None:
    found = over("platform")("monitoring says the disk is full, reboot it")
    assert [question.parameter for question in found.ambiguities] == ["machine"]


@pytest.mark.parametrize(
    "text",
    ["gitea is down. It needs a restart.", "gitea is down. it needs restarting"],
)
def test_it_needs_is_an_order(text: str, over: Over) -> None:
    assert only(over("homerack")(text)) == [("restart_service", {"service": "gitea"})]


# --- what is no name ---


def test_a_unit_is_no_user(over: Over) -> None:
    text = "please increase the limit for mtorres and jdiaz, all of them to 20 GB"
    assert only(over("faculty")(text)) == [*quota("mtorres", "20GB"), *quota("jdiaz", "20GB")]


def test_a_size_is_written_as_the_schema_wants_it(over: Over) -> None:
    assert only(over("faculty")("bump mtorres up to 25G")) == quota("mtorres", "25GB")


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("product", "who is on call for kafka this week?", [("on_call", {"team": "kafka"})]),
        (
            "product",
            "What is the queue size of mailer-bulk at the moment?",
            [("queue_depth", {"queue": "mailer-bulk"})],
        ),
        (
            "product",
            "did the build on main for libaxle pass?",
            [("pipeline_status", {"repository": "libaxle", "branch": "main"})],
        ),
        (
            "product",
            "deploy billing-api@release-4.3 to staging",
            [
                (
                    "deploy_service",
                    {"service": "billing-api", "version": "release-4.3", "environment": "staging"},
                )
            ],
        ),
        (
            "homerack",
            "When was the last successful backup of share-1?",
            [("backup_status", {"target": "share-1"})],
        ),
    ],
)
def test_words_beside_a_name_are_not_it(name: str, text: str, expected: Steps, over: Over) -> None:
    assert only(over(name)(text)) == expected


def test_a_path_ends_before_a_full_stop(over: Over) -> None:
    found = over("faculty")("I accidentally deleted /proj/ants/raw. Can you get it back?")
    assert steps(found) == [("restore_from_backup", {"path": "/proj/ants/raw"})]


# --- what is said behind a step ---


@pytest.mark.parametrize(
    ("text", "user"),
    [
        ("Offboarding of Nora. Please deactivate her account, username nwest", "nwest"),
        ("Could I have an account set up for Noah, user should be noahk7", "noahk7"),
    ],
)
def test_a_label_tells_more_than_what_was_guessed(text: str, user: str, over: Over) -> None:
    assert [p["username"] for _, p in only(over("faculty")(text))] == [user]


def test_what_only_says_the_step_is_no_second_one(over: Over) -> None:
    read = over("faculty")
    assert steps(read("one of my students forgot her password, can you reset it please")) == [
        ("reset_password", {})
    ]
    text = "can you pull the new images and redeploy the wiki stack on docker3"
    assert only(read(text)) == [("redeploy_stack", {"stack": "wiki", "host": "docker3"})]


def test_orders_that_differ_stay_two(read: Read) -> None:
    found = read("restart everything and then reload redis")
    assert steps(found) == [("restart_unit", {}), ("restart_unit", {"service": "redis"})]


def test_a_summary_is_the_text_behind_the_colon(over: Over) -> None:
    assert only(over("saas")("open a sev2 incident: login returns 502 for everybody")) == [
        ("open_incident", {"severity": "sev2", "summary": "login returns 502 for everybody"})
    ]


def test_cancel_that_job_takes_nothing_back(over: Over) -> None:
    text = "job 2044 won't stop. The owner is fine with killing it, so please cancel that job"
    assert only(over("faculty")(text)) == [("cancel_job", {"job_id": "2044"})]


# --- later ---


@pytest.mark.parametrize(
    "text",
    [
        "in about 10 days remove the vm tms-app-00",
        "in two weeks let's remove the vm tms-app-00",
        "in maybe 10 days, once the backups are working, let's remove the old server tms-app-00",
    ],
)
def test_what_is_to_begin_in_days_is_no_step_now(text: str, over: Over) -> None:
    found = over("logistics")(text)
    assert steps(found) == []
    assert found.out_of_scope


def test_that_morning_is_later(over: Over) -> None:
    found = over("homerack")("The move is on Sunday. Please stop gitea that morning at 8")
    assert steps(found) == []


# --- relative clauses ---


def test_a_name_in_a_relative_clause_is_not_acted_on(over: Over) -> None:
    found = over("services")("delete the bucket that feeds etl-2")
    assert [question.parameter for question in found.ambiguities] == ["bucket"]


# --- where a story must not lead ---


@pytest.mark.parametrize(
    ("name", "text", "target"),
    [
        ("faculty", "Disable noah's account. The account karl7 is fine.", "noah"),
        ("faculty", "Disable ben please, my login is ada3.", "ben"),
        ("platform", "disable nina. The user omar2 is still needed.", "nina"),
    ],
)
def test_what_is_said_of_another_login_changes_no_target(
    name: str, text: str, target: str, over: Over
) -> None:
    assert [[*p.values()] for _, p in steps(over(name)(text))] == [[target]]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("platform", "The vendor called. They need to reboot db1."),
        ("logistics", "The auditors came. They need to delete tms-app-01."),
        ("platform", "lab2 is broken. it needs to be deleted by bob"),
        ("platform", "web06 got a kernel update. It needs a reboot, right?"),
        ("hosting", "kick the users off app1"),
    ],
)
def test_what_others_need_is_no_order(name: str, text: str, over: Over) -> None:
    found = over(name)(text)
    assert steps(found) == []
    assert found.out_of_scope or found.ambiguities


@pytest.mark.parametrize(
    "text",
    ["delete the vm we used for testing", "reboot the machine for patching"],
)
def test_what_something_is_for_is_not_its_name(text: str, over: Over) -> None:
    assert [p for _, p in steps(over("platform")(text))] == [{}]


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("platform", "grafana is fine. Since postfix keeps crashing, restart it.", "postfix"),
        ("product", "checkout is fine. orders hangs. roll it back.", "orders"),
        ("platform", "restart the sidecar of checkout", "sidecar"),
    ],
)
def test_what_was_said_last_or_first_is_meant(name: str, text: str, value: str, over: Over) -> None:
    values = [v for _, parameters in steps(over(name)(text)) for v in parameters.values()]
    assert value in values


def test_no_version_of_a_remark_is_gone_back_to(over: Over) -> None:
    found = over("product")("Version 2.3 of checkout is broken, roll it back")
    assert [p.get("version") for _, p in steps(found)] == [None]


def test_orders_for_many_and_for_one_stay_two(over: Over) -> None:
    found = over("faculty")("lock the accounts of all interns and disable kim")
    assert len(steps(found)) == 2


def test_the_instance_of_a_unit_is_part_of_its_name(over: Over) -> None:
    found = over("hosting")("restart redis@6379 on app1")
    assert "redis" not in [v for _, p in steps(found) for v in p.values()]


def test_an_environment_behind_so_is_not_lost(over: Over) -> None:
    (_, parameters), *more = steps(over("product")("Restart checkout so the fix lands on staging"))
    assert parameters.get("environment") == "staging"
    assert not more


def test_what_somebody_is_taken_off_is_nobody(over: Over) -> None:
    found = over("product")("Priya left. Take her off billing-terraform, orders and payments")
    assert {p["person"] for _, p in steps(found)} == {"priya"}
    assert {"orders", "payments"} <= {*found.out_of_scope}


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("product", "who is on call this week?", [("on_call", {})]),
        (
            "faculty",
            "job 5044 hangs in that state for at least 2 hours. Can you cancel it please",
            [("cancel_job", {"job_id": "5044"})],
        ),
    ],
)
def test_a_length_of_time_is_no_name(name: str, text: str, expected: Steps, over: Over) -> None:
    assert steps(over(name)(text)) == expected


def test_a_label_of_another_sentence_changes_nothing(over: Over) -> None:
    found = over("faculty")("Please disable the account of noah. User is karl7.")
    assert [p["username"] for _, p in steps(found)] == ["noah"]


def test_where_something_goes_back_is_not_taken_from_a_remark(over: Over) -> None:
    found = over("product")("checkout crashes in staging, roll it back")
    assert [p.get("environment") for _, p in steps(found)] == [None]


# --- small things that a story is told with ---


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (
            "network",
            "CM-20417 is offline again. Reboot it.",
            [("reboot_modem", {"modem": "CM-20417"})],
        ),
        (
            "homerack",
            "add tobias to the vpn, device name thinkpad",
            [("add_vpn_peer", {"person": "tobias", "device": "thinkpad"})],
        ),
        (
            "product",
            "We see order-sync pods crashing and think it is memory. give order-sync 3 gigs",
            [("set_memory_limit", {"service": "order-sync", "memory": "3Gi"})],
        ),
        (
            "product",
            "activate new_ui for 25 per cent of users",
            [("set_feature_flag", {"flag": "new_ui", "state": "enabled", "percentage": 25})],
        ),
        (
            "platform",
            "Now that bob has left we need to disable bob",
            [("disable_user", {"username": "bob"})],
        ),
        (
            "logistics",
            "it seems edi-out is not dequeuing, how many messages are stuck in there?",
            [("queue_depth", {"queue": "edi-out"})],
        ),
        (
            "campus",
            "Do the tests of axle-fork pass?",
            [("run_tests", {"repository": "axle-fork"})],
        ),
        ("homerack", "check free space on backup1", [("disk_usage", {"host": "backup1"})]),
        (
            "homerack",
            "silence backup1 for the next hour",
            [("silence_alerts", {"target": "backup1", "duration": "1h"})],
        ),
        (
            "product",
            "add a silence for ApiDown, 2h should do",
            [("silence_alert", {"alert": "ApiDown", "duration": "2h"})],
        ),
    ],
)
def test_what_is_said_in_passing_is_read(name: str, text: str, expected: Steps, over: Over) -> None:
    assert only(over(name)(text)) == expected


def test_what_is_told_behind_a_story_is_no_step(over: Over) -> None:
    text = (
        "Angelina mistyped her password after changing it and is locked out. "
        "Could you let her back in?"
    )
    assert [intent for intent, _ in steps(over("logistics")(text))] == ["unlock_account"]
