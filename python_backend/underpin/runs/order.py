"""What somebody asks for: a run on a thread, and which run that is when the same thing is asked twice."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pydantic import JsonValue

from ..errors import AlreadyExists, ConditionFailed, KeyReused, NotFound
from ..ids import derived_id, new_id
from ..objects.assistant import Assistant
from ..objects.idempotency_key import IdempotencyKey
from ..objects.message import ContentPart
from ..objects.run import Run, RunInput, TruncationStrategy
from ..objects.thread import Thread
from ..store.base import Scope, Store
from .searched import NO_OWN_ASSISTANT, OwnAssistant, stores_of

Takeover = Literal["cancel", "wait", "refuse"]
"""What a message on a busy thread does: cancel the active run, wait for its turn, or be refused."""


@dataclass(frozen=True)
class RunOrder:
    """`key` and `body_hash`: the Idempotency-Key of the request and the hash of what it asked for. `content` is the message that
    the run answers, None where it answers what stands in the thread. `additional` are messages to add before it (they get their
    ids here), `options` the run's fields that differ from the assistant's."""

    thread: Thread
    assistant: Assistant
    content: list[ContentPart] | None
    takeover: Takeover
    key: str | None = None
    body_hash: str = ""
    additional: tuple[RunInput, ...] = ()
    options: Mapping[str, object] = field(default_factory=dict)
    tool_resources: Mapping[str, JsonValue] | None = None
    """Those of the run, where it has others than its assistant."""
    run_id: str = field(default_factory=lambda: new_id("run_"))
    message_id: str = field(default_factory=lambda: new_id("msg_"))


def new_run(
    order: RunOrder, *, timeout_s: float, store_now: float, owned: dict[str, object], own: OwnAssistant = NO_OWN_ASSISTANT
) -> Run:
    """The run that an order makes, queued, with its message inside; `owned` are the fields of its first owner."""
    assistant, now = order.assistant, int(time.time())
    searched, of_thread = stores_of(assistant, order.thread, own, order.tool_resources)
    last = assistant.last_messages
    return Run.model_validate(
        {
            "id": order.run_id,
            "owner": order.thread.owner,
            "created_at": now,
            "expires_at": now + int(timeout_s),
            "deadline": store_now + timeout_s,
            "thread_id": order.thread.id,
            "assistant_id": assistant.id,
            "model": assistant.model,
            "instructions": assistant.instructions or "",
            "tools": assistant.tools,
            "vector_stores": searched,
            "awaited_stores": of_thread,
            "temperature": assistant.temperature,
            "top_p": assistant.top_p,
            "response_format": assistant.response_format,
            "reasoning_effort": assistant.reasoning_effort,
            "max_completion_tokens": assistant.max_completion_tokens,
            "truncation_strategy": TruncationStrategy(type="last_messages" if last else "auto", last_messages=last),
            "input": None if order.content is None else RunInput(message_id=order.message_id, content=order.content),
            "additional": [
                # Derived, so that a second try of the same request adds nothing twice.
                message.model_copy(update={"message_id": derived_id("msg_", order.message_id, at)})
                for at, message in enumerate(order.additional)
            ],
            **order.options,
            **owned,
        }
    )


@dataclass(frozen=True)
class Admitted:
    """`existing` is the run that the same request made before; else a run is to be made under these ids."""

    existing: Run | None
    run_id: str
    message_id: str


async def admit(store: Store, order: RunOrder, keep_s: float) -> Admitted:
    """Which run the order's Idempotency-Key stands for. Raises KeyReused when the key came with another body.

    A run that the model refused before it said a word is made anew, on the same message. Where the key is known but its run is
    not, its maker died or is about to insert it: the run is made under the same id, and the insert decides who made it.
    """
    if order.key is None:
        return Admitted(None, order.run_id, order.message_id)
    owner = order.thread.owner
    record = IdempotencyKey(
        id=derived_id("key_", owner, order.thread.id, order.key),
        owner=owner,
        thread_id=order.thread.id,
        body_hash=order.body_hash,
        run_id=order.run_id,
        message_id=order.message_id,
        forget_at=store.now() + keep_s,
    )
    try:
        await store.add(record)
        return Admitted(None, record.run_id, record.message_id)
    except AlreadyExists:
        known = await store.get(IdempotencyKey, record.id, scope=Scope(owner))
    if known.body_hash != order.body_hash:
        raise KeyReused("This Idempotency-Key was used with another body. Send the same body again, or a new key.")
    try:
        run = await store.get(Run, known.run_id, scope=Scope(owner))
    except NotFound:
        return Admitted(None, known.run_id, known.message_id)
    if not (run.ended and run.refused):
        return Admitted(run, run.id, known.message_id)
    return await _try_again(store, known, order.run_id)


async def _try_again(store: Store, known: IdempotencyKey, run_id: str) -> Admitted:
    scope = Scope(known.owner)
    try:
        await store.update(IdempotencyKey, known.id, {"run_id": run_id}, scope=scope, only_if={"run_id": known.run_id})
    except ConditionFailed:
        now = await store.get(IdempotencyKey, known.id, scope=scope)
        try:
            return Admitted(await store.get(Run, now.run_id, scope=scope), now.run_id, known.message_id)
        except NotFound:
            return Admitted(None, now.run_id, known.message_id)
    return Admitted(None, run_id, known.message_id)
