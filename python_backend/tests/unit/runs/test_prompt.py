"""What the model reads."""

from typing import Any

from tests.unit.runs.house import ANN, House, function
from tests.unit.runs.lookup import Lookup
from underpin.models.base import ChatMessage, Choice, FunctionSpec, ModelRequest, Picture, ToolCallSaid
from underpin.models.scripted import Scripted
from underpin.objects.message import ImageUrl, ImageUrlPart, Message, Text, TextPart
from underpin.objects.run import Run, TruncationStrategy
from underpin.objects.thread import Thread
from underpin.runs.prompt import request_for


async def say(house: House, thread: Thread, *said: tuple[str, str]) -> None:
    """Put messages into a thread: role and text."""
    for number, (role, text) in enumerate(said, start=1):
        content = [TextPart(text=Text(value=text))]
        fields = {"id": f"msg_{number}", "owner": "ann", "seq": number, "created_at": 1, "thread_id": thread.id, "role": role}
        await house.store.add(Message.model_validate({**fields, "content": content}))


def run_of(thread: Thread, **fields: Any) -> Run:
    given = {"id": "run_r", "owner": "ann", "created_at": 1, "thread_id": thread.id, "assistant_id": "asst_a", "model": "m"}
    return Run.model_validate({**given, **fields})


async def prompt(house: House, thread: Thread, *, searches: bool = True, **fields: Any) -> ModelRequest:
    model = Scripted()
    model.searches = searches
    return await request_for(house.store, run_of(thread, **fields), Choice(model, "chosen"), {"file_search": Lookup()})


async def prompt_within(house: House, thread: Thread, prompt_tokens: int, **fields: Any) -> ModelRequest:
    return await request_for(house.store, run_of(thread, **fields), Choice(Scripted(), "chosen"), {}, prompt_tokens)


async def test_instructions_come_first_and_messages_in_their_order(house: House) -> None:
    thread = await house.thread()
    await say(house, thread, ("user", "What is clay?"), ("assistant", "A soil."), ("user", "And silt?"))
    request = await prompt(house, thread, instructions="Be brief.")
    assert request.messages == (
        ChatMessage("system", "Be brief."),
        ChatMessage("user", "What is clay?"),
        ChatMessage("assistant", "A soil."),
        ChatMessage("user", "And silt?"),
    )
    assert request.model == "chosen"


async def test_only_the_last_messages_of_the_truncation_are_read(house: House) -> None:
    thread = await house.thread()
    await say(house, thread, *(("user", str(number)) for number in range(20)))
    last = TruncationStrategy(type="last_messages", last_messages=3)
    request = await prompt(house, thread, truncation_strategy=last)
    assert [message.text for message in request.messages] == ["17", "18", "19"]
    assert len((await prompt(house, thread)).messages) == 20


async def test_what_was_not_set_is_not_sent(house: House) -> None:
    request = await prompt(house, await house.thread())
    assert request == ModelRequest("chosen", ())
    fields = {"temperature": 0.2, "top_p": 0.5, "max_completion_tokens": 9, "parallel_tool_calls": False, "tool_choice": "none"}
    asked = await prompt(house, await house.thread(), response_format={"type": "json_object"}, reasoning_effort="low", **fields)
    assert {name: getattr(asked, name) for name in fields} == fields
    assert (asked.response_format, asked.reasoning_effort) == ({"type": "json_object"}, "low")


async def test_functions_are_described_and_search_only_to_models_that_search(house: House) -> None:
    thread = await house.thread()
    tools = [{"type": "file_search"}, function("f"), {"type": "code_interpreter"}]
    given = {"type": "object", "properties": {}}
    assert (await prompt(house, thread, tools=tools)).tools == (Lookup.spec, FunctionSpec("f", parameters=given))
    assert (await prompt(house, thread, tools=tools, searches=False)).tools == (FunctionSpec("f", parameters=given),)


async def test_images_are_shown_with_their_message(house: House) -> None:
    thread = await house.thread()
    parts = [
        TextPart(text=Text(value="Which soil?")),
        ImageUrlPart(image_url=ImageUrl(url="data:image/png;base64,AA==", detail="high")),
    ]
    await house.store.add(Message(id="msg_1", owner="ann", seq=1, created_at=1, thread_id=thread.id, role="user", content=parts))
    (message,) = (await prompt(house, thread)).messages
    assert message == ChatMessage("user", "Which soil?", images=(Picture("data:image/png;base64,AA==", "high"),))


async def test_an_answer_that_was_ended_before_its_first_word_is_left_out(house: House) -> None:
    """Several servers refuse an assistant's message without content."""
    thread = await house.thread()
    await say(house, thread, ("user", "What is clay?"), ("assistant", ""), ("user", "Again: what is clay?"))
    assert [message.role for message in (await prompt(house, thread)).messages] == ["user", "user"]


async def test_after_outputs_the_model_reads_what_it_called_and_what_came_back(house: House) -> None:
    thread = await house.thread()
    script = 'say "Let me look."\ncall f {"a": 1}\ncall g {}\nsay "Done."'
    run = await house.answer(thread, script)
    assert run.required_action is not None
    first, second = (call.id for call in run.required_action.submit_tool_outputs.tool_calls)
    asked: list[ModelRequest] = []

    class Listening(Scripted):
        def stream(self, request: ModelRequest) -> Any:
            asked.append(request)
            return super().stream(request)

    house.models._embedded = {"scripted": Listening()}  # type: ignore[assignment]
    await house.runner.submit(run, {second: "wet", first: "cold"})
    await house.over(run)
    assert asked[0].messages == (
        ChatMessage("user", script),
        ChatMessage(
            "assistant", "Let me look.", tool_calls=(ToolCallSaid(first, "f", '{"a": 1}'), ToolCallSaid(second, "g", "{}"))
        ),
        ChatMessage("tool", "cold", tool_call_id=first),
        ChatMessage("tool", "wet", tool_call_id=second),
    )


async def waiting(house: House, script: str, **fields: Any) -> Run:
    """A run of the script that waits for its outputs, with other fields."""
    thread = await house.thread()
    run = await house.answer(thread, script)
    return run.model_copy(update=fields)


async def prompt_of(house: House, run: Run) -> ModelRequest:
    return await request_for(house.store, run, Choice(Scripted(), "chosen"), {})


async def test_what_a_run_said_takes_no_place_from_the_threads_messages(house: House) -> None:
    script = 'say "Let me look."\ncall f {}'
    run = await waiting(house, script, truncation_strategy=TruncationStrategy(type="last_messages", last_messages=1))
    request = await prompt_of(house, run)
    assert [message.text for message in request.messages[:2]] == [script, "Let me look."]


async def test_a_forced_tool_is_forced_until_it_was_called(house: House) -> None:
    forced = {"type": "function", "function": {"name": "f"}}
    assert (await prompt(house, await house.thread(), tool_choice=forced)).tool_choice == forced
    for choice, told in ((forced, None), ("required", None), ("none", "none"), ("auto", None)):
        request = await prompt_of(house, await waiting(house, "call f {}", tool_choice=choice))
        assert request.tool_choice == told


async def test_messages_of_other_threads_and_owners_are_never_read(house: House) -> None:
    thread, other = await house.thread(), await house.thread()
    await say(house, other, ("user", "secret"))
    assert (await prompt(house, thread)).messages == ()
    foreign = await request_for(house.store, run_of(other, owner="bob"), Choice(Scripted(), "m"), {})
    assert foreign.messages == ()
    assert (await house.store.page(Message, other.id, scope=ANN)).data != []
