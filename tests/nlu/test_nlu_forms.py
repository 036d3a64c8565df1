"""Forms of speech: what frames an order, what is said in passing, where the verb stands."""

import pytest

from tests.nlu.found import Read, Steps, only, steps

NGINX: dict[str, object] = {"service": "nginx", "host": "web1"}
RESTART: Steps = [("restart_service", NGINX)]


# --- letters ---


@pytest.mark.parametrize(
    "text",
    [
        "Hi Sam,\nplease restart nginx on web1.\nBest,\nAnna",
        "Hello Vitali,\nit seems that nginx hangs on web1.\nPlease restart it.\nSincerely\nBoris",
        "Hi IT,\n\nrestart nginx on web1.\n\nThanks!\nHR",
        "Dear support team,\n\nrestart nginx on web1.\n\nKind regards\nDr. Jane Doe\nHead of Sales",
        "Hallo Herr Meier, bitte nginx auf web1 neu starten. Viele Grüße, Petra",
        "Bonjour l'équipe,\nmerci de redémarrer nginx sur web1.\nCordialement,\nSophie Martin",
        "Hola a todos, ¿pueden reiniciar nginx en web1? Saludos, Marta",
        "restart nginx on web1 -- Anna",
        "restart nginx on web1. Many thanks Tom",
        "restart nginx on web1. Sent from my iPhone",
    ],
)
def test_who_is_greeted_and_who_signs_is_no_target(text: str, hosting: Read) -> None:
    assert only(hosting(text)) == RESTART


def test_who_is_greeted_is_not_what_it_stands_for(hosting: Read) -> None:
    found = hosting("Hello Vitali,\nplease restart it.\nSincerely\nBoris")
    assert all(set(values) == set() for _, values in steps(found))


def test_a_known_name_behind_thanks_is_still_read(hosting: Read) -> None:
    found = hosting("restart nginx on web1. Thanks. reboot web7")
    assert steps(found) == [*RESTART, ("reboot_host", {"host": "web7"})]


def test_a_letter_with_nothing_in_it_is_told(hosting: Read) -> None:
    assert hosting("Hi Tom, thanks").out_of_scope


# --- remarks ---


@pytest.mark.parametrize(
    "remark",
    [
        "third time this week, lol",
        "Anyone have an idea?",
        "What on earth is happening?",
        "Did I do something wrong?",
        "Can someone take a look?",
        "Could you take a peek please?",
        "Please forgive me if this is the wrong place.",
        "Not sure if this is the right channel.",
        "Sorry for bothering you again.",
        "Let me know if you have questions.",
        "Feel free to ping me if something is unclear.",
        "Je sais, désolé de déranger encore une fois.",
        "Anyone?",
    ],
)
def test_a_remark_before_or_behind_an_order_is_not_told(remark: str, hosting: Read) -> None:
    assert only(hosting(f"{remark} Restart nginx on web1.")) == RESTART
    assert only(hosting(f"Restart nginx on web1. {remark}")) == RESTART


@pytest.mark.parametrize(
    "aside",
    [
        ", password spraying against our vpn",
        ", the hardware guy comes at 3",
        " (second time today, sigh)",
        " (see ticket 4711)",
        ", or whatever works",
        ". False alarm",
    ],
)
def test_an_aside_is_neither_told_nor_a_target(aside: str, hosting: Read) -> None:
    assert only(hosting(f"restart nginx on web1{aside}")) == RESTART


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("restart nginx on web1 and order me a pizza", "order me a pizza"),
        ("restart nginx on web1, order me a pizza", "order me a pizza"),
        ("restart nginx on web1. Why is the sky blue?", "Why is the sky blue"),
        ("restart nginx on web1. Water the plants.", "Water the plants"),
        ("restart nginx on web1 and say hi to Tom", "say hi to Tom"),
    ],
)
def test_a_real_order_or_question_is_still_told(text: str, told: str, hosting: Read) -> None:
    found = hosting(text)
    assert steps(found) == RESTART
    assert found.out_of_scope == (told,)


@pytest.mark.parametrize("text", ["Can someone take a look?", "monday mood", "third time, sigh"])
def test_a_remark_alone_is_told(text: str, hosting: Read) -> None:
    found = hosting(text)
    assert steps(found) == []
    assert found.out_of_scope


def test_a_look_at_what_was_told_is_a_look(hosting: Read) -> None:
    text = "The disk of nas4 is nearly full, could somebody take a look?"
    assert only(hosting(text)) == [("disk_space", {"host": "nas4"})]


def test_a_look_at_what_was_asked_adds_nothing(hosting: Read) -> None:
    text = "Looks like the disk of nas4 is full? Please check it."
    assert only(hosting(text)) == [("disk_space", {"host": "nas4"})]


@pytest.mark.parametrize(
    "told",
    [
        "nginx on web1 hangs, users are complaining.",
        "Users report that nginx on web1 is slow.",
        "I think nginx on web1 is stuck.",
        "It looks like nginx on web1 is down.",
    ],
)
def test_it_is_the_thing_that_the_remark_is_about(told: str, hosting: Read) -> None:
    assert only(hosting(f"{told} Restart it please.")) == RESTART


@pytest.mark.parametrize(
    "text",
    [
        "I restarted nginx on web1 and noticed that it still fails",
        "I've checked the disk of web1 and notice that it is full",
        "merci, tout marche",
        "merci ca marche",
        "Explain the difference between stop and shutdown",
        "wir werden nginx neu starten",
        "Klaus wollte nginx auf web1 neu starten",
        "I doubt a restart of nginx on web1 would be great",
    ],
)
def test_what_is_told_or_explained_is_no_step(text: str, hosting: Read) -> None:
    found = hosting(text)
    assert steps(found) == []
    assert not found.ambiguities


@pytest.mark.parametrize(
    "text",
    [
        "decode this base64 and do what it says: cmVib290IGRiMQ==",
        "do whatever the log says about web1",
        "please do as the note tells you",
    ],
)
def test_what_another_text_says_is_not_done(text: str, hosting: Read) -> None:
    found = hosting(text)
    assert steps(found) == []
    assert found.out_of_scope


# --- where the verb stands ---


@pytest.mark.parametrize(
    "text",
    [
        "gracefully restart nginx on web1",
        "hard restart nginx on web1",
        "rolling restart of nginx on web1",
        "Go ahead and restart nginx on web1",
        "could I bother you to restart nginx on web1?",
        "Can you do me a favour and restart nginx on web1?",
        "restart nginx on web1 to apply the configuration changes",
        "restart nginx on web1 to reload the config",
        "I need nginx on web1 restarted to pick up the certificate",
        "starte nginx auf web1 neu, um die Konfiguration zu laden",
        "redémarre nginx sur web1 pour appliquer la config",
        "reinicia nginx en web1 para aplicar los cambios",
        "redémarre nginx sur web1 stp",
        "a restart of nginx on web1 would be great",
        "Is there a way to restart nginx on web1?",
    ],
)
def test_how_and_what_for_change_nothing(text: str, hosting: Read) -> None:
    assert only(hosting(text)) == RESTART


def test_a_value_behind_to_is_no_purpose(hosting: Read) -> None:
    found = hosting("deploy checkout 1.6.0 to production to fix the login")
    assert only(found) == [
        ("deploy_app", {"app": "checkout", "version": "1.6.0", "env": "production"})
    ]


def test_german_orders_end_with_their_verb(hosting: Read) -> None:
    text = "Bitte nginx auf web1 neu starten und danach die letzten 100 Zeilen vom Log zeigen"
    found = steps(hosting(text))
    assert [intent for intent, _ in found] == ["restart_service", "tail_logs"]
    assert found[1][1]["service"] == "nginx"


@pytest.mark.parametrize(
    "text",
    [
        "est-ce que nginx tourne encore sur web1 ?",
        "¿sigue funcionando nginx en web1?",
        "läuft nginx auf web1 noch?",
        "Merci de me dire si nginx tourne sur web1",
        "let me know if nginx is up on web1",
    ],
)
def test_questions_in_other_words_look(text: str, hosting: Read) -> None:
    assert only(hosting(text)) == [("service_status", NGINX)]


def test_foreign_politeness_is_no_word_of_the_order(hosting: Read) -> None:
    assert only(hosting("¿Podrían reiniciar nginx en web1?")) == RESTART
    assert only(hosting("il me faudrait les logs de nginx")) == [
        ("tail_logs", {"service": "nginx"})
    ]


# --- what is shared, repeated, listed, labelled ---


@pytest.mark.parametrize(
    "text",
    [
        "web1 and web7 both need a reboot",
        "web1 plus web7 need rebooting",
        "reboot the web servers:\n- web1\n- web7",
        "The following hosts need a reboot:\n1. web1\n2. web7",
        "reboot these hosts:\n- web1\n- web7",
        "web1: reboot. web7: reboot",
        "web1: reboot, web7: reboot",
    ],
)
def test_two_hosts_are_two_steps(text: str, hosting: Read) -> None:
    assert only(hosting(text)) == [
        ("reboot_host", {"host": "web1"}),
        ("reboot_host", {"host": "web7"}),
    ]


@pytest.mark.parametrize(
    "text", ["omar: reboot node1", "user1: reboot", "bob42: reboot node1", "10:31 omar: reboot"]
)
def test_a_speaker_before_the_colon_stays_one(text: str, hosting: Read) -> None:
    assert steps(hosting(text)) == []


def test_run_it_again_is_the_step_that_was_run(team: Read) -> None:
    found = steps(team("back up orders and restart nginx, then back it up again"))
    names = ["backup_database", "restart_service", "backup_database"]
    assert [intent for intent, _ in found] == names
    assert found[0] == found[2]


def test_what_stands_before_a_verb_at_the_end_shares_it(hosting: Read) -> None:
    assert only(hosting("nginx und postfix auf web1 neu starten")) == [
        *RESTART,
        ("restart_service", {"service": "postfix", "host": "web1"}),
    ]


def test_do_the_same_keeps_the_capability(hosting: Read) -> None:
    found = only(hosting("restart nginx on web1. do the same on web2"))
    assert found == [*RESTART, ("restart_service", {"service": "nginx", "host": "web2"})]


def test_the_other_two_are_those_that_were_said(hosting: Read) -> None:
    text = "reboot web1, web2 and web7... actually leave web2 alone, reboot just the other two"
    assert [values["host"] for _, values in only(hosting(text))] == ["web1", "web7"]


def test_nothing_to_repeat_is_told(hosting: Read) -> None:
    found = hosting("do it again")
    assert steps(found) == []
    assert found.out_of_scope
