"""What real servers send, written down from their documentation, and read by the client over HTTP.

Each file names its sources in its first lines. They are no proof that a server of today sends exactly this: docs/models.md says
which were tried as programs.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.faults.upstream import Chat, Status, Upstream
from tests.unit.models.chatting import KEY, answer, client, failure
from underpin.errors import ModelBroken, ModelError
from underpin.models.base import ChatMessage, Fact, Finish, ModelRequest, TextDelta, ToolCallDelta, UsageFact
from underpin.models.chat_completions import ChatCompletions

FOLDER = Path(__file__).parent / "recordings"
CLAY = [TextDelta("Clay"), TextDelta(" 粘土.")]
USAGE = UsageFact(11, 18)
STOP, CALLS = Finish("stop"), Finish("tool_calls")
SIGNED = {"google": {"thought_signature": "c2lnbmVk"}}

ANSWERS: dict[str, list[Fact]] = {
    "vllm_reasoning": [*CLAY, USAGE, STOP],
    "vllm_tool_call": [
        ToolCallDelta(0, "chatcmpl-tool-1f2e", "file_search", ""),
        ToolCallDelta(0, None, None, '{"query": '),
        ToolCallDelta(0, None, None, '"clay"}'),
        CALLS,
    ],
    "ollama": [*CLAY, USAGE, STOP],
    "ollama_tool_calls": [
        ToolCallDelta(0, "call_4ql1z2wp", "file_search", '{"query":"clay"}'),
        ToolCallDelta(1, "call_zz81ab2c", "file_search", '{"query":"silt"}'),
        CALLS,
    ],
    "lmstudio": [*CLAY, STOP],
    "azure": [*CLAY, USAGE, STOP],
    "azure_filtered": [TextDelta("Hey"), Finish("content_filter")],
    "openrouter": [*CLAY, USAGE, STOP],
    "gemini": [*CLAY, USAGE, STOP],
    "gemini_tool_calls": [
        ToolCallDelta(0, "call_297140", "file_search", '{"query":"clay"}', SIGNED),
        ToolCallDelta(1, "call_297141", "file_search", '{"query":"silt"}'),
        USAGE,
        CALLS,
    ],
    "anthropic_tool_call": [
        TextDelta("Let me look."),
        ToolCallDelta(0, "toolu_01", "file_search", ""),
        ToolCallDelta(0, None, None, '{"query":'),
        ToolCallDelta(0, None, None, ' "clay"}'),
        USAGE,
        CALLS,
    ],
    "openai_tool_calls_without_one": [*CLAY, STOP],
}
FAILURES: dict[str, tuple[list[Fact], type[ModelError], str]] = {
    "vllm_error": ([TextDelta("Clay is")], ModelBroken, "The engine is dead"),
    "llamacpp_error": ([TextDelta("Clay is")], ModelBroken, "the context is full"),
    "lmstudio_error": ([], ModelBroken, 'Failed to load model "qwen3". Error: not enough memory'),
    "openrouter_error": ([TextDelta("Clay is")], ModelBroken, "Provider disconnected unexpectedly"),
}
FORMS = {"as it is": (b"\n", None), "in pieces": (b"\n", 7), "with CRLF": (b"\r\n", None), "without empty lines": (b"", None)}


def recorded(name: str, end: bytes = b"\n") -> bytes:
    """The stream of a file: its lines but the first, which tell where it is from. `end` empty: without those between events."""
    lines = [line for line in (FOLDER / f"{name}.sse").read_bytes().split(b"\n") if not line.startswith(b"#")]
    return b"\n".join(line for line in lines if line) + b"\n" if not end else end.join(lines)


@pytest.fixture(params=FORMS)
def play(request: pytest.FixtureRequest, upstream: Upstream):
    """Lets the upstream play a file, in each form that bytes may come in."""
    end, split = FORMS[request.param]

    def play(name: str) -> None:
        upstream.behave(Chat(recorded(name, end), split=split, finish=None, usage=None, done=False))

    return play


@pytest.mark.parametrize("name", ANSWERS)
async def test_an_answer_of_a_real_server_is_read(play, model, name):
    play(name)
    assert await answer(model) == ANSWERS[name]


@pytest.mark.parametrize("name", FAILURES)
async def test_a_failure_of_a_real_server_is_told(play, model, name):
    kept, type_, text = FAILURES[name]
    play(name)
    said: list[Fact] = []
    error = await failure(model, said)
    assert said == kept
    assert type(error) is type_
    assert error.message == f"The model's server reported an error instead of its answer: {text}"


def test_every_file_is_played_and_names_its_source():
    assert {path.stem for path in FOLDER.iterdir()} == {*ANSWERS, *FAILURES}
    for path in FOLDER.iterdir():
        told = [line for line in path.read_text("utf-8").splitlines() if line.startswith("# ")]
        assert any("https://" in line or ".py" in line for line in told), f"{path.name} does not say where it is from"


async def test_ollama_gets_the_name_of_the_limit_that_it_knows(upstream, model):
    upstream.behave(Chat(recorded("ollama"), finish=None, usage=None, done=False))
    request = ModelRequest("m", (ChatMessage("user", "Hello"),), max_completion_tokens=9)
    await answer(model, request)
    await answer(model, request)
    limits = [(asked.json.get("max_completion_tokens"), asked.json.get("max_tokens")) for asked in upstream.asked]
    assert limits == [(9, None), (None, 9)]


@pytest.fixture
async def azure(upstream: Upstream) -> AsyncIterator[ChatCompletions]:
    """An address with a date, as Azure's older endpoints have them."""
    upstream.root = "/openai/deployments/our-gpt"
    model = client(f"{upstream.base_url}?api-version=2024-10-21")
    yield model
    await model.close()


async def test_azures_dated_endpoint_is_asked_with_its_header_and_its_query(upstream, azure):
    upstream.behave(Chat(recorded("azure"), finish=None, usage=None, done=False))
    assert await answer(azure) == ANSWERS["azure"]
    asked = upstream.asked[0]
    assert asked.path == "/openai/deployments/our-gpt/chat/completions?api-version=2024-10-21"
    assert asked.headers["api-key"] == KEY
    assert "authorization" not in asked.headers
    upstream.models = Status(404, {"error": {"code": "404", "message": "Resource not found"}})
    assert await azure.names(timeout_s=5) is None
    upstream.behave(Status(400, {"error": {"message": f"The api-version 2024-10-21 and {KEY} do not fit"}}))
    assert (await failure(azure)).message.endswith("The api-version 2024-10-21 and *** do not fit")
