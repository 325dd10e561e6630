"""A title for a chat: the model writes it; the message's first words stand in where it cannot."""

import asyncio
import logging
from contextlib import aclosing

from ..errors import ModelError
from ..models.base import ChatMessage, ModelRequest, Models, TextDelta

logger = logging.getLogger("underpin.runs")

MOST_CHARACTERS = 60
FALLBACK = "New Chat"
WAIT_S = 15.0
_MOST_TOKENS = 200  # a title is a dozen; models that think first need room, and the answer is cut to length anyway
_READ_CHARACTERS = 2000
_INSTRUCTIONS = (
    "You name chats. Reply with a title of two to six words for a chat that begins with the user's message. "
    "Use the language of the message. No quotation marks, no full stop, nothing but the title."
)


async def title_for(models: Models, message: str, model_name: str) -> str:
    """At most 60 characters, one line, never empty. Takes at most WAIT_S seconds; raises nothing."""
    written = ""
    try:
        async with asyncio.timeout(WAIT_S):
            written = await _ask(models, message, model_name)
    except (ModelError, TimeoutError) as error:
        logger.warning("⚠️ No title from the model, the first words are used: %s", getattr(error, "message", "it took too long"))
    return _tidy(written) or _first_words(message)


async def _ask(models: Models, message: str, model_name: str) -> str:
    choice = await models.choose(model_name)
    if not choice.model.writes:
        return ""
    messages = (ChatMessage("system", _INSTRUCTIONS), ChatMessage("user", message[:_READ_CHARACTERS]))
    request = ModelRequest(model=choice.name, messages=messages, max_completion_tokens=_MOST_TOKENS)
    parts: list[str] = []
    async with aclosing(choice.model.stream(request)) as stream:
        async for batch in stream:
            parts += [fact.text for fact in batch if isinstance(fact, TextDelta)]
    return "".join(parts)


def _tidy(text: str) -> str:
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    return _cut(lines[0].strip("\"'“”„«»# *").removesuffix(".").strip()) if lines else ""


def _first_words(message: str) -> str:
    return _cut(" ".join(message.split())) or FALLBACK


def _cut(text: str) -> str:
    """Not inside a word where the words allow it."""
    if len(text) <= MOST_CHARACTERS:
        return text
    head = text[: MOST_CHARACTERS - 1]
    words = head.rsplit(" ", 1)[0] if " " in head[MOST_CHARACTERS // 2 :] else head
    return words.rstrip(" ,.;:-") + "…"
