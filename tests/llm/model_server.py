"""A server that speaks as Ollama, OpenAI-compatible servers and Anthropic do, and misbehaves.

The shapes are those of the vendors' documentation: `POST /v1/chat/completions` (Ollama's OpenAI
compatibility, and OpenAI's own chat completions) and `POST /v1/messages` (Anthropic).
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from orchestrator.llm.client import Endpoint, ModelClient

PROVIDERS = ("ollama", "openai", "anthropic")
TOKENS_IN, TOKENS_OUT = 120, 30
PRICE = (3.0, 15.0)


@dataclass
class ModelServer:
    """What it answers next, and what it was asked.

    `content` is what the model says: an object for its one tool or as JSON text, else text.
    `fault` is how the server spoils it; see `_spoilt`.
    """

    port: int = 0
    content: Any = "Hello."
    fault: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)

    def client(self, provider: str) -> ModelClient:
        """Return a client of one kind; only Claude costs something."""
        url = f"http://127.0.0.1:{self.port}"
        if provider == "anthropic":
            paid = Endpoint(provider, "claude-test", url, key="key", is_free=False, price=PRICE)
            return ModelClient(paid)
        return ModelClient(Endpoint(provider, "small-test", f"{url}/v1"))

    async def chat(self, request: web.Request) -> web.StreamResponse:
        """Answer as Ollama and OpenAI-compatible servers do."""
        asked = await self._taken(request)
        text = self.content if isinstance(self.content, str) else json.dumps(self.content)
        cut = self.fault == "cut_json"
        body = {
            "id": "chatcmpl-712",
            "object": "chat.completion",
            "created": 1_751_830_000,
            "model": asked["model"],
            "system_fingerprint": "fp_ollama",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": self._told(text)},
                    "finish_reason": "length" if cut else "stop",
                }
            ],
            "usage": {
                "prompt_tokens": TOKENS_IN,
                "completion_tokens": TOKENS_OUT,
                "total_tokens": TOKENS_IN + TOKENS_OUT,
            },
        }
        error = {"error": {"message": "no", "type": "server_error", "param": None, "code": None}}
        return await self._spoilt(request, body, error)

    async def messages(self, request: web.Request) -> web.StreamResponse:
        """Answer as Anthropic does."""
        asked = await self._taken(request)
        is_tool = isinstance(self.content, dict) and bool(asked.get("tools"))
        text = self.content if isinstance(self.content, str) else json.dumps(self.content)
        tool = {"type": "tool_use", "id": "toolu_01", "name": "answer", "input": self.content}
        said = {"type": "text", "text": self._told(text)}
        plain = not is_tool or self.fault in {"prose", "cut_json", "empty_content", "fenced"}
        stop = "max_tokens" if self.fault == "cut_json" else "end_turn" if plain else "tool_use"
        body = {
            "id": "msg_01",
            "type": "message",
            "role": "assistant",
            "model": asked["model"],
            "content": [said if plain else tool],
            "stop_reason": stop,
            "stop_sequence": None,
            "usage": {"input_tokens": TOKENS_IN, "output_tokens": TOKENS_OUT},
        }
        error = {"type": "error", "error": {"type": "overloaded_error", "message": "no"}}
        return await self._spoilt(request, body, error)

    async def _taken(self, request: web.Request) -> dict[str, Any]:
        asked: dict[str, Any] = await request.json()
        self.asked.append(asked)
        self.headers.append(dict(request.headers))
        return asked

    def _told(self, text: str) -> str:
        if self.fault == "prose":
            return f"Sure! Here you are:\n{text}\nAnything else?"
        if self.fault == "fenced":
            return f"```json\n{text}\n```"
        if self.fault == "cut_json":
            return text[: len(text) // 2]
        return "" if self.fault == "empty_content" else text

    async def _spoilt(
        self, request: web.Request, body: dict[str, Any], error: dict[str, Any]
    ) -> web.StreamResponse:
        """Send the body as the fault says."""
        whole = json.dumps(body)
        if self.fault == "timeout":
            await self.let_go.wait()
        if self.fault.isdigit():
            headers = {"retry-after": "3600"} if self.fault == "429" else {}
            return web.json_response(error, status=int(self.fault), headers=headers)
        if self.fault == "hang_up" and request.transport is not None:
            request.transport.abort()
        if self.fault == "redirect":
            raise web.HTTPTemporaryRedirect("http://127.0.0.1:9/elsewhere")
        bodies = {
            "cut_body": whole[: len(whole) // 2],
            "empty_body": "",
            "html": "<html><body>502 Bad Gateway</body></html>",
            "huge": whole[:-1] + " " * 2_000_000 + "}",
            "null": "null",
            "list": "[]",
            "no_choices": json.dumps({**body, "choices": [], "content": []}),
            "no_usage": json.dumps({k: v for k, v in body.items() if k != "usage"}),
            "deep": "[" * 50_000 + "]" * 50_000,
        }
        kind = "text/html" if self.fault == "html" else "application/json"
        return web.Response(text=bodies.get(self.fault, whole), content_type=kind)


@asynccontextmanager
async def model_server() -> AsyncIterator[ModelServer]:
    """Run a server on a port of its own until the block ends."""
    server = ModelServer()
    app = web.Application()
    app.router.add_post("/v1/chat/completions", server.chat)
    app.router.add_post("/v1/messages", server.messages)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.port = runner.addresses[0][1]
    try:
        yield server
    finally:
        server.let_go.set()
        await runner.cleanup()
