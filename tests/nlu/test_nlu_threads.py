"""Requests of several steps: repeated for another thing, announced, told beside, corrected."""

import pytest

from tests.nlu.found import Read, only, steps


def restart(service: str, host: str) -> tuple[str, dict[str, object]]:
    return "restart_service", {"service": service, "host": host}


def stop(service: str, host: str) -> tuple[str, dict[str, object]]:
    return "stop_service", {"service": service, "host": host}


def reboot(host: str) -> tuple[str, dict[str, object]]:
    return "reboot_host", {"host": host}


# --- the same for another ---


@pytest.mark.parametrize(
    "text",
    [
        "stop nginx on web1 and reboot web1, same on web2",
        "stop nginx on web1, then reboot web1; do the same for web2",
        "stop nginx on web1, reboot web1. Repeat for web2.",
        "stop nginx on web1, reboot it, likewise on web2",
        "stop nginx on web1, reboot it; same procedure on web2",
    ],
)
def test_all_steps_on_a_thing_are_repeated_for_the_next(text: str, hosting: Read) -> None:
    wanted = [stop("nginx", "web1"), reboot("web1"), stop("nginx", "web2"), reboot("web2")]
    assert only(hosting(text)) == wanted


def test_steps_are_repeated_for_each_of_a_list(hosting: Read) -> None:
    found = only(hosting("stop nginx on web1, reboot web1. Repeat for web2 and web3."))
    assert [s for s in found if s[0] == "reboot_host"] == [*map(reboot, ("web1", "web2", "web3"))]
    assert len(found) == 6


def test_what_shares_its_target_is_repeated_with_it(hosting: Read) -> None:
    found = only(hosting("check disk and load of db1, then the same for db2"))
    assert [(name, values["host"]) for name, values in found] == [
        ("disk_space", "db1"),
        ("host_load", "db1"),
        ("disk_space", "db2"),
        ("host_load", "db2"),
    ]


def test_one_step_is_varied_as_before(hosting: Read) -> None:
    found = only(hosting("restart nginx on web1, web2, and same on web3"))
    assert found == [restart("nginx", host) for host in ("web1", "web2", "web3")]


@pytest.mark.parametrize("text", ["Repeat for web2", "do the same for web2", "same on web2"])
def test_nothing_is_repeated_where_nothing_was_said(text: str, hosting: Read) -> None:
    assert not [s for s in hosting(text).subtasks if s.intent in {"reboot_host", "stop_service"}]


def test_a_quoted_repetition_repeats_nothing(hosting: Read) -> None:
    assert only(hosting('reboot web1. Tom wrote: "same on web2"')) == [reboot("web1")]


def test_another_is_a_step_of_its_own(hosting: Read) -> None:
    text = "ping web1, then restart nginx on web1, then another ping of web1"
    assert [name for name, _ in only(hosting(text))] == [
        "ping_host",
        "restart_service",
        "ping_host",
    ]


# --- lists and headings ---


@pytest.mark.parametrize(
    "text",
    [
        "1/ restart nginx on web1\n2/ reboot web2",
        "Step 1: restart nginx on web1. Step 2: reboot web2.",
        "Schritt 1: starte nginx auf web1 neu\nSchritt 2: reboote web2",
        "Evening maintenance: restart nginx on web1, then reboot web2",
        "Cleanup night:\n- restart nginx on web1\n- reboot web2",
        "Graceful restart: restart nginx on web1, reboot web2",
        "restarting always helps: restart nginx on web1, then reboot web2",
        "Start by:\n1. restarting nginx on web1\n2. rebooting web2",
    ],
)
def test_marks_and_headings_are_no_steps(text: str, hosting: Read) -> None:
    assert only(hosting(text)) == [restart("nginx", "web1"), reboot("web2")]


def test_a_heading_that_names_something_is_a_step(hosting: Read) -> None:
    found = steps(hosting("reboot web1: restart nginx on web2 after that"))
    assert reboot("web1") in found


@pytest.mark.parametrize(
    "text",
    [
        "Please restart the service. Service: nginx, Host: web1",
        "Host: web1\nService: nginx\nPlease restart it",
        "restart nginx - host: web1",
        "Please restart nginx, Host: web1",
    ],
)
def test_fields_are_values(text: str, hosting: Read) -> None:
    assert only(hosting(text)) == [restart("nginx", "web1")]


# --- before and after ---


@pytest.mark.parametrize(
    "text",
    [
        "before you reboot web1 take a backup of orders",
        "Before rebooting web1, do a backup of orders",
        "Make a backup of orders before doing the reboot of web1",
        "take a backup of orders before the move, then reboot web1",
    ],
)
def test_what_goes_before_is_found_without_a_comma(text: str, hosting: Read) -> None:
    assert only(hosting(text)) == [("backup_now", {"target": "orders"}), reboot("web1")]


def test_once_done_an_order_follows(hosting: Read) -> None:
    assert only(hosting("once drained restart nginx on web1")) == [restart("nginx", "web1")]


# --- what is told ---


@pytest.mark.parametrize(
    "text",
    [
        "nginx on web1 hung, restart it",
        "restart nginx on web1 (does not affect users)",
        "restart nginx on web1, and happy new year!",
        "restart nginx on web1, but the monitoring didn't notice",
        "restart nginx on web1 in any case",
        "as discussed in the meeting, restart nginx on web1",
        "Restarting redis fixed it yesterday. Restart nginx on web1",
        "nginx hangs and needs a restart, says Tom. So please restart nginx on web1.",
    ],
)
def test_remarks_are_no_steps(text: str, hosting: Read) -> None:
    assert only(hosting(text)) == [restart("nginx", "web1")]


@pytest.mark.parametrize("text", ["About web1. Please reboot it.", "Regarding web1: reboot it"])
def test_what_is_spoken_of_is_meant(text: str, hosting: Read) -> None:
    assert only(hosting(text)) == [reboot("web1")]


@pytest.mark.parametrize(
    "text",
    [
        "web1 and web2 are acting up, reboot them",
        "web1 and web2 hang, please reboot both",
        "reboot web1 and web2",
    ],
)
def test_both_of_a_remark_are_meant(text: str, hosting: Read) -> None:
    assert only(hosting(text)) == [reboot("web1"), reboot("web2")]


def test_what_is_denied_is_no_referent(hosting: Read) -> None:
    found = steps(hosting("is nginx up on web1? cannot login. restart it"))
    assert found[-1] == restart("nginx", "web1")


def test_no_clause_is_lost(hosting: Read) -> None:
    found = hosting("restart nginx on web1, but status only for redis on web1")
    assert len(found.subtasks) + len(found.ambiguities) + len(found.out_of_scope) > 1


# --- corrections, politeness, languages ---


@pytest.mark.parametrize(
    "text",
    [
        "reboot web1 - sorry, I meant web2",
        "reboot web1... er, make that web2",
        "reboot web1, no sorry, web2",
        "reboot web1. Ich wollte sagen web2",
    ],
)
def test_a_correction_replaces(text: str, hosting: Read) -> None:
    assert only(hosting(text)) == [reboot("web2")]


@pytest.mark.parametrize(
    "text",
    [
        "we would be very grateful if nginx on web1 could be restarted",
        "go ahead with the restart of nginx on web1",
        "nginx mal neu starten auf web1",
        "can sb restart nginx on web1",
        "proceed to restart nginx on web1",
    ],
)
def test_an_order_in_many_words(text: str, hosting: Read) -> None:
    assert only(hosting(text)) == [restart("nginx", "web1")]


@pytest.mark.parametrize(
    "text",
    [
        "quelqu'un sait si nginx tourne encore sur web1 ?",
        "weiß jemand, ob nginx auf web1 noch läuft?",
        "does anyone know if nginx is running on web1?",
    ],
)
def test_who_asks_whether_gets_a_look(text: str, hosting: Read) -> None:
    assert only(hosting(text)) == [("service_status", {"service": "nginx", "host": "web1"})]


def test_a_german_order_of_two_words_around_its_noun(hosting: Read) -> None:
    assert only(hosting("ein Backup von orders machen")) == [("backup_now", {"target": "orders"})]


@pytest.mark.parametrize(
    "text",
    [
        "the docs recommend to reboot web1",
        "our runbook advises to reboot web1",
        "under no circumstances reboot web1",
        "auf keinen Fall web1 rebooten",
        "The phrase reboot web1 appears in the manual",
        "rebooting web1 helped last time",
        "about web1.",
    ],
)
def test_what_is_recommended_cited_or_ruled_out_is_not_done(text: str, hosting: Read) -> None:
    assert not steps(hosting(text))


def test_waiting_for_a_step_is_no_step(hosting: Read) -> None:
    text = "reboot web1, wait for it to come up, then restart nginx on web1"
    assert only(hosting(text)) == [reboot("web1"), restart("nginx", "web1")]


@pytest.mark.parametrize(
    "text",
    [
        "stop nginx on web1, back up orders, then start it again",
        "after you've stopped nginx on web1, back up orders, then start nginx again",
        "stop nginx on web1, back up orders and start it back up",
    ],
)
def test_what_was_stopped_is_started_again(text: str, hosting: Read) -> None:
    wanted = ("start_service", {"service": "nginx", "host": "web1"})
    assert only(hosting(text)) == [
        stop("nginx", "web1"),
        ("backup_now", {"target": "orders"}),
        wanted,
    ]


def test_what_was_stopped_elsewhere_keeps_its_place(hosting: Read) -> None:
    found = only(hosting("stop nginx on web1, reboot web2, then start nginx again"))
    assert found[-1] == ("start_service", {"service": "nginx", "host": "web1"})


@pytest.mark.parametrize(
    "text",
    [
        "Anna rebooted web1 yesterday; reboot web2",
        "reboot web2 not web1",
        "reboot web1; wait, no, don't. Reboot web2",
        "I already rebooted web1, now reboot web2 please",
    ],
)
def test_only_what_is_asked_for_is_done(text: str, hosting: Read) -> None:
    assert only(hosting(text)) == [reboot("web2")]


def test_an_at_sign_says_where(hosting: Read) -> None:
    assert only(hosting("restart nginx @ web1")) == [restart("nginx", "web1")]


@pytest.mark.parametrize("service", ["redis", "postgres"])
def test_a_pair_of_thing_and_place_is_no_step_on_the_first_thing(
    service: str, hosting: Read
) -> None:
    found = only(hosting(f"restart nginx on web1 and {service} on web2"))
    assert found == [restart("nginx", "web1"), restart(service, "web2")]


@pytest.mark.parametrize(
    "text",
    [
        "reboot web2 and back in the office at 5",
        "Name: reboot web1\nreboot web2",
        "Reason: reboot web1\nPlease reboot web2",
        "reboot web2. Do not repeat this for web1",
        "reboot web2. What happens if I do the same on web1?",
    ],
)
def test_neither_fields_nor_asides_nor_denials_repeat(text: str, hosting: Read) -> None:
    assert steps(hosting(text)) == [reboot("web2")]


@pytest.mark.parametrize(
    "text",
    [
        "doing the reboot of web1 broke it",
        "Doing a reboot of web1 took ages",
        "rebooting web1 lost data",
        "performing the restore of orders was premature",
        "doing the backup of orders locked us out",
        "reboot of web1 broke it",
    ],
)
def test_what_a_deed_did_is_no_order(text: str, hosting: Read) -> None:
    found = hosting(text)
    assert not found.subtasks
    assert found.out_of_scope == (text,)
    assert only(hosting("doing the reboot of web1 now")) == [reboot("web1")]


@pytest.mark.parametrize("more", ["web too", "web as well", "then web"])
def test_what_goes_back_is_scaled_and_not_rolled_back(more: str, hosting: Read) -> None:
    found = only(hosting(f"scale api to 1, then back to 3, {more}"))
    scaled = [("api", 1), ("api", 3), ("web", 3)]
    assert found == [("scale_app", {"app": app, "replicas": n}) for app, n in scaled]


@pytest.mark.parametrize(
    ("said", "which"),
    [("first", "orders"), ("former", "orders"), ("second", "customers"), ("latter", "customers")],
)
def test_an_ordinal_is_one_of_the_two_just_named(said: str, which: str, hosting: Read) -> None:
    found = only(hosting(f"backup orders and customers, restore the {said}"))
    saved = [("backup_now", {"target": target}) for target in ("orders", "customers")]
    assert found == [*saved, ("restore_backup", {"target": which})]


def test_an_ordinal_of_other_than_two_is_asked_about(hosting: Read) -> None:
    for text in ("backup orders, restore the former", "reboot web1, web2, web3, ping the first"):
        assert hosting(text).ambiguities


# --- a row of labels ---


@pytest.mark.parametrize(
    "behind",
    ["no", "don't", "don't touch", "skip", "done", "later", "not today", "?", "it was fine"],
)
def test_a_label_is_a_target_of_its_own_words_only(behind: str, hosting: Read) -> None:
    assert steps(hosting(f"web1: reboot, web2: {behind}")) == [reboot("web1")]


def test_each_label_of_a_row_has_its_order(hosting: Read) -> None:
    assert steps(hosting("web1: reboot\nweb2: no\nweb3: reboot")) == [
        *map(reboot, ("web1", "web3"))
    ]
    assert steps(hosting("web1: reboot, web2: yes")) == [*map(reboot, ("web1", "web2"))]
    assert steps(hosting("reboot web1, web2: no")) == [reboot("web1")]


# --- nothing is lost ---


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("stop nginx on web1, then redis there, and postgres on db1", "then redis there"),
        ("stop nginx on web1. And the backup?", "the backup"),
    ],
)
def test_an_order_that_is_not_understood_is_told(text: str, told: str, hosting: Read) -> None:
    found = hosting(text)
    assert found.out_of_scope == (told,)
    assert steps(found)[0] == stop("nginx", "web1")


@pytest.mark.parametrize(
    "limit",
    ["but not before the backup", "but not until I say so", "wait for my ok", "wait until you say"],
)
def test_what_holds_a_step_up_is_told(limit: str, team: Read) -> None:
    found = team(f"reboot web1, {limit}")
    assert steps(found) == [("reboot_machine", {"machine": "web1"})]
    assert found.out_of_scope == (limit.removeprefix("but "),)


@pytest.mark.parametrize("pause", ["wait for it to come up", "wait until it is done"])
def test_a_step_waits_for_the_one_before_anyway(pause: str, team: Read) -> None:
    found = only(team(f"reboot web1, {pause}, then reboot web2"))
    assert found == [("reboot_machine", {"machine": machine}) for machine in ("web1", "web2")]


@pytest.mark.parametrize(
    "text", ["reboot web1, web2 (skip), web3", "reboot:\n- web1\n- web2 (skip)\n- web3"]
)
def test_one_of_a_list_is_skipped(text: str, hosting: Read) -> None:
    assert only(hosting(text)) == [*map(reboot, ("web1", "web3"))]
