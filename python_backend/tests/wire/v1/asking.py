"""Short words for what many tests do: a thread with one message, a stream read to its end."""

from typing import Any

import openai
from openai.types.beta import Assistant, Thread
from openai.types.beta.threads import Run


def ask(client: openai.OpenAI, script: str) -> Thread:
    """A new thread with one message: the script that the model follows."""
    return client.beta.threads.create(messages=[{"role": "user", "content": script}])


def run(client: openai.OpenAI, assistant: Assistant, script: str, **options: Any) -> Run:
    """A run on a new thread, polled until it ends or waits."""
    thread = ask(client, script)
    return client.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id, **options)


def stream(client: openai.OpenAI, assistant: Assistant, script: str, **options: Any) -> list[Any]:
    """The events of a run on a new thread."""
    thread = ask(client, script)
    return list(client.beta.threads.runs.create(thread_id=thread.id, assistant_id=assistant.id, stream=True, **options))


def names(events: list[Any]) -> list[str]:
    """The events' names, runs of deltas as one."""
    named = [event.event for event in events]
    return [name for at, name in enumerate(named) if not name.endswith(".delta") or named[at - 1 : at] != [name]]


def answer(client: openai.OpenAI, run: Run) -> str:
    """What the run said last."""
    message = client.beta.threads.messages.list(run.thread_id, run_id=run.id).data[0]
    return message.content[0].text.value


def outputs(run: Run, *texts: str) -> list[Any]:
    """Outputs for the calls that the run waits for."""
    calls = run.required_action.submit_tool_outputs.tool_calls
    return [{"tool_call_id": call.id, "output": text} for call, text in zip(calls, texts, strict=True)]
