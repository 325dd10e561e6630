"""The client and what it answers, for the tests of this room."""

from typing import Any

from underpin.errors import ModelError
from underpin.models.base import ChatMessage, Fact, Finish, ModelRequest, TextDelta, UsageFact
from underpin.models.chat_completions import ChatCompletions
from underpin.models.tries import Patience

KEY = "sk-canary-5f0e2b"
REQUEST = ModelRequest("m", (ChatMessage("user", "What is clay?"),))
SAID = [TextDelta("Hello "), TextDelta("there."), UsageFact(7, 5), Finish("stop")]


def client(
    base_url: str, key: str | None = KEY, *, first_byte_s: float = 5, between_bytes_s: float = 5, **more: Any
) -> ChatCompletions:
    """A client that is quick to ask again."""
    times = {"connect_timeout_s": 5, "first_byte_timeout_s": first_byte_s, "between_bytes_timeout_s": between_bytes_s}
    return ChatCompletions(base_url, key, **times, **({"patience": Patience(pauses_s=(0.01, 0.01))} | more))


async def answer(model: ChatCompletions, request: ModelRequest = REQUEST) -> list[Fact]:
    return [fact async for batch in model.stream(request) for fact in batch]


async def failure(model: ChatCompletions, said: list[Fact] | None = None) -> ModelError:
    """The error of an answer; what was said before it goes into `said`."""
    said = [] if said is None else said
    try:
        async for batch in model.stream(REQUEST):
            said.extend(batch)
    except ModelError as error:
        return error
    raise AssertionError(f"no failure, but {said}")
