"""Modals and the Home tab, as the views that Slack's `views.*` methods take."""

from typing import Any

from slackblocks import InputBlock, ModalView, PlainTextInput

from bot import ids
from bot.blocks.answers import ways_to_ask
from bot.blocks.parts import context, divider, fitting, header, section
from bot.blocks.rows import plan_line
from orchestrator.domain.views import PlanList

MAX_REASON = 500


def reject_view(button: ids.PlanButton, number: int) -> dict[str, Any]:
    """Return the modal that asks why a plan is rejected; the reason may be left out."""
    asked = InputBlock(
        label="Why? Whoever asked will read it.",
        element=PlainTextInput(ids.REASON_INPUT, multiline=True, max_length=MAX_REASON),
        block_id=ids.REASON_BLOCK,
        optional=True,
    )
    modal = ModalView(
        title=f"Reject plan #{number}"[:24],
        submit="Reject",
        close="Back",
        private_metadata=button.encoded(),
        callback_id=ids.REJECT_VIEW,
        blocks=[asked],
    )
    view: dict[str, Any] = modal.to_dict()
    view["blocks"].insert(0, section(f"Nothing of plan #{number} will run."))
    return view


def home_view(plans: PlanList) -> dict[str, Any]:
    """Return the Home tab: how to ask, and the newest plans."""
    lines = [plan_line(plan) for plan in plans.plans]
    newest = fitting(lines, "`/chiffon plans` lists them.") or [
        context("No plan yet. Ask for something.")
    ]
    return {
        "type": "home",
        "blocks": [
            header("Chiffon"),
            section(
                "Say what you want. I plan it, show the plan, and run nothing before approval."
            ),
            *ways_to_ask(),
            divider(),
            header("Newest plans"),
            *newest,
        ],
    }
