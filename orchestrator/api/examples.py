"""Examples for the OpenAPI document; a test holds each to its model."""

from typing import Any

from orchestrator.api.problems import MEDIA_TYPE, STATUS_OF, problem_of
from orchestrator.errors import Error, ErrorCode

Example = dict[str, Any]
Responses = dict[int | str, dict[str, Any]]

_REQUEST_ID = "019a2c1e-7b5a-7cc0-9d2e-0f3b8a6d4e21"
_PLAN_ID = "019a2c1e-7b60-7d11-8c4f-5a1b2c3d4e5f"
_TASK_ID = "019a2c1e-7b61-7e02-b1a0-1c2d3e4f5a6b"
_ATTEMPT_ID = "019a2c1e-9f02-7a33-8f10-2b3c4d5e6f70"
_AGENT_ID = "019a2c1d-0a01-7f44-a1b2-3c4d5e6f7081"
_DIGEST = "9f2c6b1e4d3a5f7081726354a5b6c7d8e9f00112233445566778899aabbccdde"
_SENTENCE = "Deploy Kuma Uptime"
_AT = "2026-11-22T10:02:00Z"

REQUEST_BODY: Example = {"request": _SENTENCE, "user_id": "alice"}
ANSWER_BODY: Example = {
    "user_id": "alice",
    "answers": [{"ambiguity_id": "service-1", "text": "nginx"}],
}
APPROVE_BODY: Example = {"approved": True, "user_id": "alice", "digest": _DIGEST}
CORRECTION_BODY: Example = {
    "user_id": "alice",
    "capability": "restart_service",
    "parameters": {"service": "uptime-kuma"},
    "plan_id": _PLAN_ID,
}
PHRASE_BODY: Example = {"user_id": "alice"}
NOTES_BODY: Example = {"user_id": "alice", "notes": "the host is back"}
RETRY_BODY: Example = {"user_id": "alice", "step": "1.2"}

SUBMIT: Example = {
    "error": None,
    "request_id": _REQUEST_ID,
    "status": "parsing_complete",
    "decomposed_request": {
        "original_request": _SENTENCE,
        "subtasks": [
            {
                "order": 1,
                "name": "Deploy Uptime Kuma",
                "intent": "deploy_service",
                "confidence": 0.93,
                "parameters": {"service": "uptime-kuma"},
                "source_words": _SENTENCE,
                "concurrent": False,
            }
        ],
        "ambiguities": [],
        "out_of_scope": [],
        "complexity_level": "simple",
        "decomposer_model": "embedded",
    },
    "ambiguities": [],
    "out_of_scope": [],
    "offers": [],
    "plan_id": _PLAN_ID,
    "plan_number": 1,
}
REQUEST: Example = {
    "request_id": _REQUEST_ID,
    "status": "parsing_complete",
    "request_text": _SENTENCE,
    "requester": "alice",
    "created_at": _AT,
    "plan_id": _PLAN_ID,
    "plan_number": 1,
}
OPTIONS: Example = {
    "request_id": _REQUEST_ID,
    "plan_id": _PLAN_ID,
    "plan_number": 1,
    "words": _SENTENCE,
    "parts": [{"order": 1, "name": "Deploy Uptime Kuma"}],
    "nearest": [
        {
            "name": "deploy_service",
            "description": "Deploy a service on the homelab",
            "risk": "medium",
            "understood": True,
        },
        {
            "name": "restart_service",
            "description": "Restart a service",
            "risk": "medium",
            "understood": False,
        },
    ],
}
FORM: Example = {
    "capability": "restart_service",
    "description": "Restart a service",
    "risk": "medium",
    "parameters_schema": {
        "type": "object",
        "additionalProperties": False,
        "required": ["service"],
        "properties": {"service": {"type": "string", "description": "Name of the service"}},
    },
    "suggested": {"service": "uptime-kuma"},
}
PHRASES: Example = {
    "plan_id": _PLAN_ID,
    "phrases": [
        {
            "capability": "restart_service",
            "text": _SENTENCE,
            "remembered": False,
            "means": ["deploy_service"],
        }
    ],
}
REMEMBERED: Example = {
    "plan_id": _PLAN_ID,
    "phrases": [{"capability": "restart_service", "text": _SENTENCE, "remembered": True}],
}
PLAN: Example = {
    "plan_id": _PLAN_ID,
    "request_id": _REQUEST_ID,
    "number": 1,
    "revision": 1,
    "request_text": _SENTENCE,
    "requester": "alice",
    "tasks": [
        {
            "task_id": _TASK_ID,
            "step_number": 1,
            "name": "Deploy Uptime Kuma",
            "capability": "deploy_service",
            "agent_type": "infra",
            "parameters": {"service": "uptime-kuma"},
            "risk": "medium",
            "idempotent": True,
            "resources": {"cpu_cores": 1, "memory_mb": 256, "duration_seconds": 120},
            "entry_digest": _DIGEST,
            "digest": _DIGEST,
            "source_words": _SENTENCE,
            "confidence": 0.93,
        }
    ],
    "human_readable_summary": "1. Deploy Uptime Kuma",
    "status": "pending_approval",
    "complexity_level": "simple",
    "digest": _DIGEST,
    "created_at": _AT,
}
APPROVED: Example = {
    "error": None,
    "plan_id": _PLAN_ID,
    "status": "approved",
    "dispatch_started": True,
}
STATUS: Example = {
    "plan_id": _PLAN_ID,
    "number": 1,
    "request_text": _SENTENCE,
    "status": "completed",
    "tasks": [
        {
            "task_id": _TASK_ID,
            "step_number": 1,
            "name": "Deploy Uptime Kuma",
            "status": "completed",
            "agent_id": _AGENT_ID,
            "agent_name": "embedded",
            "attempts": 1,
            "duration_seconds": 0.8,
        }
    ],
    "execution_logs": [
        {
            "step_number": 1,
            "task_id": _TASK_ID,
            "attempt_id": _ATTEMPT_ID,
            "attempt_number": 1,
            "agent_id": _AGENT_ID,
            "work_type": "deploy_service",
            "status": "succeeded",
            "exit_code": 0,
            "output": "prepared",
        }
    ],
    "summary": {
        "total": 1,
        "waiting": 0,
        "dispatched": 0,
        "executing": 0,
        "completed": 1,
        "failed": 0,
    },
}
PLANS: Example = {
    "plans": [
        {
            "plan_id": _PLAN_ID,
            "number": 1,
            "revision": 1,
            "status": "completed",
            "request_text": _SENTENCE,
            "requester": "alice",
            "created_at": _AT,
            "steps": 1,
            "completed": 1,
        }
    ]
}
EVENT: Example = {
    "sequence": 1,
    "kind": "request_submitted",
    "actor": "alice",
    "at": _AT,
    "details": {},
}
AUDIT: Example = {"plan_id": _PLAN_ID, "number": 1, "events": [EVENT]}
WHY: Example = {
    "plan_id": _PLAN_ID,
    "number": 1,
    "step_number": 1,
    "understood": ["Step 1 comes from “Deploy Kuma Uptime”, 93 % sure."],
    "routing": [
        {
            "step_number": 1,
            "task_id": _TASK_ID,
            "attempt_number": 1,
            "agent_id": _AGENT_ID,
            "agent_name": "embedded",
            "score": 50.0,
            "sentence": "embedded is the only infra agent that can deploy_service.",
            "candidates": [
                {
                    "agent_id": _AGENT_ID,
                    "name": "embedded",
                    "score": 50.0,
                    "parts": {"success": 20.0, "recent": 0, "specialization": 20.0, "load": 10.0},
                }
            ],
            "at": _AT,
        }
    ],
    "events": [EVENT],
}
AGENTS: Example = {
    "agents": [
        {
            "agent_id": _AGENT_ID,
            "name": "embedded",
            "agent_type": "infra",
            "online": True,
            "labels": {},
            "capabilities": ["deploy_service"],
            "load": 0.1,
            "last_seen_at": _AT,
        }
    ]
}
GAPS: Example = {"gaps": [{"text": "make coffee", "times": 3, "last_asked_at": _AT}]}
READY: Example = {"ready": True, "parts": {"database": "ok", "broker": "ok", "agents": "ok"}}
NOT_READY = {"ready": False, "parts": {"database": "The database does not answer.", "broker": "ok"}}

_SAMPLES = {
    ErrorCode.INVALID_REQUEST: ("user_id: Field required.", "Correct the named field."),
    ErrorCode.UNAUTHORISED: ("The token is missing or wrong.", "Send `Authorization: Bearer …`."),
    ErrorCode.FORBIDDEN: ("alice may not approve this plan.", "Ask an approver."),
    ErrorCode.NOT_FOUND: ("There is no plan #99.", "`chiffon status` lists the plans."),
    ErrorCode.CONFLICT: ("The plan was approved by bob at 10:02.", "Look at its status."),
    ErrorCode.TOO_LARGE: ("The body is larger than 64 KiB.", "Ask for less at once."),
    ErrorCode.TOO_MANY_REQUESTS: ("You have sent too many requests.", "Try again in 2 s."),
    ErrorCode.INTERNAL_ERROR: ("Something unexpected went wrong.", "Look for the fault id."),
    ErrorCode.UNAVAILABLE: ("The database does not answer, so nothing was changed.", ""),
}


def answers(example: Example, description: str, *problems: ErrorCode) -> Responses:
    """Return the documented answers of a call: its example and its problem documents.

    A token may always be missing, input always be wrong Chiffon always be at
    fault, and its database always be away.
    """
    codes = dict.fromkeys(
        (
            ErrorCode.INVALID_REQUEST,
            ErrorCode.UNAUTHORISED,
            ErrorCode.FORBIDDEN,
            *problems,
            ErrorCode.INTERNAL_ERROR,
            ErrorCode.UNAVAILABLE,
        )
    )
    documented: Responses = {
        200: {"description": description, "content": {"application/json": {"example": example}}}
    }
    for code in codes:
        documented[STATUS_OF[code]] = _problem_answer(code)
    documented["default"] = {
        "description": "Any other problem, in the same form",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    return documented


def _problem_answer(code: ErrorCode) -> dict[str, Any]:
    message, hint = _SAMPLES[code]
    problem = problem_of(Error(code=code, message=message, hint=hint))
    return {
        "description": problem.title,
        "content": {
            MEDIA_TYPE: {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "example": problem.model_dump(mode="json", exclude_none=True),
            }
        },
    }
