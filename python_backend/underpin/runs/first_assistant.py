"""The assistant that a new server begins with. It is made once; what people change of it afterwards stays."""

import logging
import time

from ..errors import AlreadyExists, NotFound
from ..ids import derived_id
from ..objects.assistant import Assistant
from ..objects.stored import DEFAULT_OWNER
from ..store.base import Scope, Store

logger = logging.getLogger("underpin.runs")

NAME = "Assistant"
INSTRUCTIONS = (
    "You are a helpful assistant for an engineering team. Answer from the documents that you are given where they hold the "
    "answer, and say so when they do not. Give units with every number. Be brief and clear; use Markdown tables for tables."
)


def first_assistant_id(configured: str | None) -> str:
    """OPENAI_ASSISTANT_ID, or an id that is the same at every start."""
    return configured or derived_id("asst_", "first assistant")


async def ensure_first_assistant(store: Store, assistant_id: str, *, last_messages: int, max_completion_tokens: int) -> Assistant:
    """The server's own assistant, made when it is not there. The two defaults of its runs are the settings' at each start; all
    else stays as people changed it."""
    scope = Scope(DEFAULT_OWNER)
    defaults = {"last_messages": last_messages, "max_completion_tokens": max_completion_tokens}
    try:
        return await store.update(Assistant, assistant_id, defaults, scope=scope)
    except NotFound:
        pass
    assistant = Assistant(
        id=assistant_id,
        seq=await store.next_seq(DEFAULT_OWNER),
        created_at=int(time.time()),
        name=NAME,
        instructions=INSTRUCTIONS,
        tools=[{"type": "file_search"}],
        last_messages=last_messages,
        max_completion_tokens=max_completion_tokens,
    )
    try:
        await store.add(assistant)
    except AlreadyExists:
        return await store.get(Assistant, assistant_id, scope=scope)
    logger.info("✅ Created assistant %s with file_search", assistant_id)
    return assistant
