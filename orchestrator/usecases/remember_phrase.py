"""Remember what a person's words meant: an approver adds them to the catalogue's examples."""

import asyncio
from collections.abc import Iterator, Sequence

import structlog
from pydantic import JsonValue

from orchestrator.catalog.models import Catalog
from orchestrator.catalog.remembered import unfit
from orchestrator.crash_points import crash_point
from orchestrator.domain.approval import highest, may_approve
from orchestrator.domain.digest import canonical_hash
from orchestrator.domain.lifecycle import PlanStatus
from orchestrator.domain.request import DecomposedRequest
from orchestrator.domain.views import (
    Identity,
    Phrase,
    PhraseList,
    PhraseMeaning,
    RememberResult,
)
from orchestrator.errors import CatalogError, Conflict, ErrorCode, Refused
from orchestrator.nlu.decomposer import engine_for, understand
from orchestrator.nlu.guard import is_guarded
from orchestrator.nlu.text import words
from orchestrator.store.repositories.plans import StoredPlan
from orchestrator.store.unit_of_work import UnitOfWork
from orchestrator.usecases.context import Context
from orchestrator.usecases.lookup import plan_by

_log = structlog.get_logger(__name__)
_ENDED_OTHERWISE = frozenset(
    {PlanStatus.SUPERSEDED, PlanStatus.REJECTED, PlanStatus.EXPIRED, PlanStatus.CANCELLED}
)


async def phrases_of(ctx: Context, reference: str) -> PhraseList:
    """Return the words that a person corrected in a plan, with what they mean so far.

    Raises:
        Refused: no such plan.
    """
    stored, found = await ctx.store.read(lambda uow: _load(uow, reference))
    said = () if stored.plan.status in _ENDED_OTHERWISE else tuple(_chosen(found))
    catalog = ctx.catalog()
    engine_for(catalog)  # built here, where nobody else builds it
    return PhraseList(
        plan_id=stored.plan.plan_id,
        phrases=tuple([await asyncio.to_thread(_meaning, each, catalog) for each in said]),
    )


def _meaning(phrase: Phrase, catalog: Catalog) -> PhraseMeaning:
    today = understand(phrase.text, catalog)
    return PhraseMeaning(
        capability=phrase.capability,
        text=phrase.text,
        remembered=_is_known(phrase, catalog),
        means=tuple(dict.fromkeys(each.intent for each in today.subtasks)),
    )


async def remember_phrases(
    ctx: Context, reference: str, who: Identity, source_key: str | None
) -> RememberResult:
    """Save the words that a person corrected as examples of what they chose.

    Done again, it changes nothing; who may approve the plan may do it.

    Raises:
        Refused: no such plan, this person may not, nothing was corrected, the words look like
            pasted or injected ones, or the catalogue cannot be written.
    """
    stored, found = await ctx.store.read(lambda uow: _load(uow, reference))
    said = [*_chosen(found)]
    known = all(_is_known(each, ctx.catalog()) for each in said)
    try:
        _check(ctx, stored, who, said)
        await _write(ctx, said)
    except Refused as refusal:
        await _tell(ctx, stored, who, "phrase_refused", {"reason": refusal.error.message})
        raise
    key = None if source_key is None else canonical_hash([stored.plan.plan_id, source_key])
    listed: list[JsonValue] = [each.model_dump(include={"capability", "text"}) for each in said]
    if not known or not await ctx.store.read(lambda uow: _is_told(uow, stored, listed)):
        await _tell(ctx, stored, who, "phrase_remembered", {"phrases": listed}, key)
    remembered = (each.model_copy(update={"remembered": True}) for each in said)
    return RememberResult(plan_id=stored.plan.plan_id, phrases=tuple(remembered))


def phrases_to_remember(
    found: DecomposedRequest | None, status: PlanStatus, catalog: Catalog
) -> tuple[Phrase, ...]:
    """Return what a card may offer to remember, and what of it is remembered already."""
    if found is None or status in _ENDED_OTHERWISE:
        return ()
    said = _chosen(found)
    return tuple(
        each.model_copy(update={"remembered": _is_known(each, catalog)})
        for each in said
        if _is_known(each, catalog) or why_not(each, catalog) is None
    )


def why_not(phrase: Phrase, catalog: Catalog) -> str | None:
    """Say why words are no example to learn from; None: they are one."""
    if fault := unfit(phrase.text):
        return fault
    if not words(phrase.text) or is_guarded(phrase.text):
        return "The words hold what looks pasted or injected, so they are no example."
    if phrase.capability not in catalog:
        return f"The catalogue has no capability {phrase.capability!r} any more."
    other = engine_for(catalog).index.remembered.get(tuple(words(phrase.text)))
    if other is not None and other.name != phrase.capability:
        return f"These words are remembered as an example of {other.name} already."
    return None


def _is_known(phrase: Phrase, catalog: Catalog) -> bool:
    entry = catalog.get(phrase.capability)
    return entry is not None and phrase.text in entry.spoken.examples


def _chosen(found: DecomposedRequest) -> Iterator[Phrase]:
    for subtask in found.subtasks:
        text = " ".join(subtask.source_words.split())
        if subtask.chosen and text:
            yield Phrase(capability=subtask.intent, text=text)


async def _load(uow: UnitOfWork, reference: str) -> tuple[StoredPlan, DecomposedRequest]:
    stored = await plan_by(uow, reference)
    request = await uow.requests.get(stored.plan.request_id)
    found = request.decomposition if request else None
    if found is None:  # a plan is always of something understood
        raise Refused(ErrorCode.NOT_FOUND, f"Plan #{stored.plan.number} has no request.")
    return stored, found


def _check(ctx: Context, stored: StoredPlan, who: Identity, said: Sequence[Phrase]) -> None:
    verdict = may_approve(
        who,
        requester=stored.requester,
        highest_risk=highest([task.risk for task in stored.plan.tasks]),
        admins=ctx.approvers_beside(who),
    )
    if not verdict.allowed:
        raise Refused(ErrorCode.FORBIDDEN, verdict.reason, verdict.hint)
    if not said or stored.plan.status in _ENDED_OTHERWISE:
        raise Conflict(
            f"Nothing of plan #{stored.plan.number} is there to be remembered.",
            "Phrases come from plans that whoever asked has corrected.",
        )
    for phrase in said:
        if reason := why_not(phrase, ctx.catalog()):
            raise Refused(ErrorCode.INVALID_REQUEST, reason, "It is not remembered.")


async def _write(ctx: Context, phrases: Sequence[Phrase]) -> None:
    if ctx.remember is None:
        raise Refused(ErrorCode.CONFLICT, "This Chiffon has no overlay catalogue to write to.")
    for phrase in phrases:
        try:
            await asyncio.to_thread(ctx.remember, phrase.capability, phrase.text)
        except CatalogError as fault:
            _log.warning("phrase_not_written", reason=str(fault))
            message = "The phrase could not be written into the catalogue."
            raise Refused(ErrorCode.CONFLICT, message, str(fault)) from fault


async def _tell(
    ctx: Context,
    stored: StoredPlan,
    who: Identity,
    kind: str,
    details: dict[str, JsonValue],
    key: str | None = None,
) -> None:
    """Put it into the plan's story, once a key; the card shows what is remembered now."""

    async def keep(uow: UnitOfWork) -> None:
        await plan_by(uow, stored.plan.plan_id, lock=True)
        if key is not None and not await uow.mail.is_new(key, "remember"):
            return
        await uow.requests.meet(who)
        await uow.audit.add(
            kind,
            actor=who.person,
            request_id=stored.plan.request_id,
            plan_id=stored.plan.plan_id,
            details={**details, **who.as_details()},
        )
        uow.conversation.redraw(stored.plan.plan_id)
        crash_point("phrase.before_commit")

    await ctx.store.transact(keep)
    crash_point("phrase.after_commit")
    _log.info(kind, plan=stored.plan.number, person=who.person)


async def _is_told(uow: UnitOfWork, stored: StoredPlan, listed: list[JsonValue]) -> bool:
    """Say whether the story holds it: a process may have died between the file and the commit."""
    events = await uow.audit.of_request(stored.plan.request_id, stored.plan.plan_id)
    told = (each.details for each in events if each.kind == "phrase_remembered")
    return any(details.get("phrases") == listed for details in told)
