"""What the model reads: instructions, the last messages that the run's truncation leaves, and what this run did so far."""

from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from ..files.files import Files
from ..files.pictures import picture_address
from ..models.base import ChatMessage, Choice, FunctionSpec, ModelRequest, Picture, ToolCallSaid
from ..objects.message import ImageFilePart, ImageUrlPart, Message
from ..objects.run import Run
from ..objects.run_step import MessageCreationDetails, RunStep
from ..store.base import Scope, Store
from ..tools.base import Tool
from .budget import that_fit, tokens_of_request
from .search_first import FILE_SEARCH, shown_passages

MOST_READ = 1000
"""As many as one page of the store holds."""
MOST_MESSAGES = 200
"""Without a truncation of the run's own: more than fits into most models' windows, and bounded however long the thread is."""


async def request_for(
    store: Store,
    run: Run,
    choice: Choice,
    tools: Mapping[str, Tool],
    prompt_tokens: int | None = None,
    files: Files | None = None,
    *,
    searched_first: bool = False,
) -> ModelRequest:
    """The model's request for the run as it stands in the store. Its cost does not grow with the thread.

    Where `prompt_tokens` are all that the run may still read, messages in the middle of the thread are dropped until about as
    many are left; what never drops is the newest message and what this run did. `searched_first`: what its searches found is told
    with the instructions, to a model that calls no tools.
    """
    scope = Scope(run.owner)
    last = run.truncation_strategy.last_messages or MOST_MESSAGES
    steps = (await store.page(RunStep, run.id, scope=scope, limit=1000, order="asc")).data
    own = sum(step.type == "message_creation" for step in steps)  # they take no place from the thread's
    page = await store.page(Message, run.thread_id, scope=scope, limit=min(last + own, MOST_READ), order="desc")
    messages = list(reversed(page.data))
    pictures = await _pictures(files, run.owner, messages)
    told = "\n\n".join(filter(None, (run.instructions, shown_passages(steps) if searched_first else "")))
    system = [ChatMessage("system", told)] if told else []
    thread = [_chat_message(message, pictures) for message in messages if _is_read(message, run)][-last:]
    done = _done_so_far(steps, {message.id: message for message in messages}, FILE_SEARCH if searched_first else None)
    functions = _functions(run, tools, choice.model.searches)
    if prompt_tokens is not None and run.truncation_strategy.type == "auto":
        thread = that_fit(thread, prompt_tokens - tokens_of_request([*system, *done], functions))
    return ModelRequest(
        model=choice.name,
        messages=(*system, *thread, *done),
        tools=functions,
        tool_choice=_tool_choice(run, steps),
        parallel_tool_calls=None if run.parallel_tool_calls else False,
        temperature=None if run.temperature == 1.0 else run.temperature,
        top_p=None if run.top_p == 1.0 else run.top_p,
        max_completion_tokens=run.max_completion_tokens,
        response_format=run.response_format if isinstance(run.response_format, dict) else None,
        reasoning_effort=run.reasoning_effort,
    )


def _tool_choice(run: Run, steps: Sequence[RunStep]) -> str | dict[str, JsonValue] | None:
    """A forced tool is forced once: else a model that must call it could never answer."""
    called = any(step.type == "tool_calls" for step in steps)
    return None if run.tool_choice == "auto" or (called and run.tool_choice != "none") else run.tool_choice


def _is_read(message: Message, run: Run) -> bool:
    """Not this run's own words, which come with its steps; nor an answer that ended before its first, which several servers
    refuse."""
    if message.role == "user":
        return True
    said = message.text() != "" or any(isinstance(part, ImageUrlPart | ImageFilePart) for part in message.content)
    return said and message.run_id != run.id


async def _pictures(files: Files | None, owner: str, messages: Sequence[Message]) -> dict[str, str]:
    """The addresses of the picture files that messages name, file id → address. One that was deleted is not shown."""
    named = [part.image_file.file_id for message in messages for part in message.content if isinstance(part, ImageFilePart)]
    unique = dict.fromkeys(named)
    found = {name: await picture_address(files, owner, name) for name in unique} if files is not None else {}
    return {name: address for name, address in found.items() if address is not None}


def _chat_message(message: Message, pictures: Mapping[str, str]) -> ChatMessage:
    images: list[Picture] = []
    for part in message.content:
        if isinstance(part, ImageUrlPart):
            images.append(Picture(part.image_url.url, part.image_url.detail))
        elif isinstance(part, ImageFilePart) and part.image_file.file_id in pictures:
            images.append(Picture(pictures[part.image_file.file_id], part.image_file.detail))
    return ChatMessage(message.role, message.text(), images=tuple(images))


def _done_so_far(steps: Sequence[RunStep], messages: Mapping[str, Message], untold: str | None) -> list[ChatMessage]:
    """The turns of this run, from its steps: what it said, what it called, what came back; without calls of the `untold` tool."""
    chat: list[ChatMessage] = []
    for step in steps:
        if isinstance(step.step_details, MessageCreationDetails):
            message = messages.get(step.step_details.message_creation.message_id)
            if message is not None:
                chat.append(_chat_message(message, {}))
        elif calls := [call for call in step.model_calls if call["name"] != untold]:
            # What was said before the calls belongs to their turn: many servers refuse two assistant messages in a row.
            said = chat.pop().text if chat and chat[-1].role == "assistant" else ""
            chat.append(ChatMessage("assistant", said, tool_calls=tuple(map(_call_said, calls))))
            chat += [ChatMessage("tool", str(c["output"] or ""), tool_call_id=str(c["id"])) for c in calls]
    return chat


def _call_said(told: Mapping[str, JsonValue]) -> ToolCallSaid:
    extra = told.get("extra")
    return ToolCallSaid(str(told["id"]), str(told["name"]), str(told["arguments"]), extra if isinstance(extra, dict) else None)


def _functions(run: Run, tools: Mapping[str, Tool], searches: bool) -> tuple[FunctionSpec, ...]:
    specs: list[FunctionSpec] = []
    for tool in run.tools:
        kind = str(tool.get("type"))
        if kind == "function":
            specs.append(_function(tool))
        elif kind in tools and searches:
            specs.append(tools[kind].spec)
    return tuple(specs)


def _function(tool: Mapping[str, JsonValue]) -> FunctionSpec:
    function = tool.get("function")
    if not isinstance(function, dict):
        return FunctionSpec(name="")
    parameters, strict = function.get("parameters"), function.get("strict")
    return FunctionSpec(
        name=str(function.get("name", "")),
        description=str(function.get("description") or ""),
        parameters=parameters if isinstance(parameters, dict) else {},
        strict=strict if isinstance(strict, bool) else None,
    )
