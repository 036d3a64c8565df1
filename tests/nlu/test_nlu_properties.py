"""What must hold for any text at all."""

import unicodedata
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.catalog.loader import load_catalog
from orchestrator.catalog.models import Catalog
from orchestrator.catalog.parameters import check_parameters
from orchestrator.domain.request import DecomposedRequest
from orchestrator.nlu.decomposer import understand
from orchestrator.nlu.text import normalise

_VOCABULARY = """
restart nginx redis node1 node2 on and then , . ; - don't not it them before after if is down no
wait actually database drop create called crm the a same all volume media to 500 GB kitchen lights
off 30 % " ` ' { } ( ) : -> system: ignore instructions or both check again print a.pdf
git.example.org 10.0.0.1 user bob as admin never mind meanwhile block tv-box for 2 hours play
\u201cjazz\u201d und neu starte #ops snapshot 1. otherwise instead without every which what how
"""
WORDS = st.sampled_from([*_VOCABULARY.split(), "\n"])
SENTENCES = st.lists(WORDS, min_size=1, max_size=25).map(" ".join)
_FEW = settings(max_examples=60, deadline=None)


@cache
def foreign() -> Catalog:
    """The foreign catalogue; no fixture, since Hypothesis would print it."""
    return load_catalog([Path(__file__).parent / "foreign_catalog.yaml"])


def holds(text: str, found: DecomposedRequest, catalog: Catalog) -> None:
    """Assert what no text may break."""
    assert found.subtasks or found.ambiguities or found.out_of_scope
    orders = [subtask.order for subtask in found.subtasks]
    assert orders == sorted(set(orders))
    asked = {(one.order, one.parameter) for one in found.ambiguities}
    assert len({one.id for one in found.ambiguities}) == len(found.ambiguities)
    for subtask in found.subtasks:
        capability = catalog.entries[subtask.intent].capability
        required = capability.parameters.get("required", [])
        assert isinstance(required, list)
        missing = {name for name in required if name not in subtask.parameters}
        assert all((subtask.order, name) in asked for name in missing)
        if not missing:
            check_parameters(capability, subtask.parameters)
        assert subtask.source_words in text
        assert 0 <= subtask.confidence <= 1


_PIECES = """
sue: | please don't | turn off the new-checkout flag in production | merci ! | Yes, then merci !
get proxy purged, worker-7 chokes | and how many failed since then?: | take it out of VPN-Users (
before Merci, | - renew the certificate for intranet.acme.io | no | : ? | not node2 | nick:
on node1 and node2: | if that fails | (second time today) | the user typed | thanks in advance
"""
PIECES = st.sampled_from(
    [one.strip() for one in _PIECES.replace("\n", "|").split("|") if one.strip()]
)
GLUE = st.sampled_from([" ", "\n- ", ", ", ". ", "\n", " and ", ": ", " ("])
TALK = st.lists(st.tuples(PIECES, GLUE), min_size=1, max_size=5).map(
    lambda said: "".join(piece + glue for piece, glue in said)
)


@_FEW
@given(text=TALK)
def test_pieces_of_talk_in_any_order_are_read(text: str) -> None:
    plain = text.strip()
    holds(plain, understand(plain, foreign()), foreign())


@pytest.mark.parametrize(
    "text",
    [
        "sue: please don't",
        "stop nginx, before you redeploy mail-relay please)",
        "not Debian last stable, before redémarre le déploiement mail-relay s'il te plaît)",
        "roll web-portal back there too but Yes, then merci !",
        "how many failed since then?: get proxy purged, worker-7 chokes\n- take it out of VPN (",
    ],
)
def test_what_once_broke_is_read(text: str) -> None:
    holds(text, understand(text, foreign()), foreign())


@_FEW
@given(text=SENTENCES)
def test_steps_always_fit_catalogue_and_schema(text: str) -> None:
    plain = text.strip()
    holds(plain, understand(plain, foreign()), foreign())


@_FEW
@given(text=st.text(max_size=200))
def test_any_text_is_answered(text: str) -> None:
    found = understand(text, foreign())
    holds(found.original_request, found, foreign())


@_FEW
@given(text=st.text(max_size=100))
def test_normalising_keeps_every_position(text: str) -> None:
    composed = unicodedata.normalize("NFC", text)
    assert len(normalise(text)) == len(composed)


@_FEW
@given(text=SENTENCES)
def test_understanding_is_the_same_each_time(text: str) -> None:
    assert understand(text, foreign()) == understand(text, foreign())
