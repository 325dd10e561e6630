"""What every Store promises about free-form JSON: whatever a client sent comes back as it was, in type, order and letter."""

import itertools
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contracts.stored_things import ANN, message, run, thread
from underpin.errors import BadInput
from underpin.objects.assistant import Assistant
from underpin.objects.message import Message, text_content
from underpin.objects.run import Run
from underpin.objects.thread import Thread
from underpin.objects.thread_event import ThreadEvent
from underpin.store.base import Scope, Store

fresh = itertools.count()

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
KEYS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")) | st.sampled_from(
    [
        "",
        ".",
        "a.b",
        "$",
        "$set",
        "$.a",
        "a$b",
        '"',
        'a"b',
        "'",
        "\\",
        "[0]",
        "#-1",
        "_id",
        "id",
        "doc",
        "__proto__",
        " ",
        "é",
        "é",
    ]
)
NUMBERS = (
    st.integers()
    | st.integers(-(2**80), 2**80)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([1.0, -0.0, 1e16, 1e300, 5e-324, 2**53, 2**53 + 1, 2**63, -(2**63) - 1, 0.1])
)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
EVERYTHING = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def to_the_letter(value: object) -> str:
    """Unlike ==, it tells 1 from 1.0 and from true, and sees the order of keys."""
    return json.dumps(value)


@EVERYTHING
@given(data=st.dictionaries(KEYS, JSON, max_size=5))
async def test_json_comes_back_as_it_was_added(store: Store, data: dict[str, object]) -> None:
    event = ThreadEvent.model_validate(
        {"id": f"event_{next(fresh)}", "owner": "ann", "thread_id": "t", "name": "n", "data": data}
    )
    await store.add(event)
    assert to_the_letter((await store.get(ThreadEvent, event.id, scope=ANN)).data) == to_the_letter(data)


@EVERYTHING
@given(old=st.dictionaries(KEYS, JSON, max_size=3), new=st.lists(st.dictionaries(KEYS, JSON, max_size=3), max_size=3))
async def test_json_comes_back_as_it_was_changed_and_what_stands_beside_it_stays(
    store: Store, old: dict[str, object], new: list[dict[str, object]]
) -> None:
    given_fields = {"id": f"asst_{next(fresh)}", "owner": "ann", "created_at": 1, "tool_resources": old, "response_format": old}
    await store.add(Assistant.model_validate(given_fields))
    changed = await store.update(Assistant, given_fields["id"], {"tools": new, "name": "x"}, scope=ANN)  # type: ignore[arg-type]
    for found in (changed, await store.get(Assistant, changed.id, scope=ANN)):
        assert to_the_letter(found.tools) == to_the_letter(new)
        assert to_the_letter(found.tool_resources) == to_the_letter(old)
        assert to_the_letter(found.response_format) == to_the_letter(old)


@EVERYTHING
@given(metadata=st.dictionaries(KEYS, TEXT, max_size=5), said=TEXT)
async def test_text_and_metadata_come_back_letter_by_letter(store: Store, metadata: dict[str, str], said: str) -> None:
    sent = message(str(next(fresh)), content=text_content(said), metadata=metadata)
    await store.add(sent)
    found = await store.update(Message, sent.id, {"status": "incomplete"}, scope=ANN)
    assert (found.text(), to_the_letter(found.metadata)) == (said, to_the_letter(metadata))


@EVERYTHING
@given(text=TEXT.filter(lambda text: "\0" not in text))
async def test_a_condition_finds_any_text(store: Store, text: str) -> None:
    sent = run(str(next(fresh)), instructions=text)
    await store.add(sent)
    found = await store.update(Run, sent.id, {"worker": "w"}, scope=ANN, only_if={"instructions": text})
    assert found.instructions == text


@EVERYTHING
@given(name=TEXT)
async def test_ids_and_owners_may_be_any_text(store: Store, name: str) -> None:
    sent = thread(f"{next(fresh)}{name}", owner=f"ann{name}", seq=1)
    await store.add(sent)
    scope = Scope(sent.owner)
    assert await store.get(Thread, sent.id, scope=scope) == sent
    assert sent in (await store.page(Thread, sent.owner, scope=scope, limit=1000)).data


async def test_a_float_stays_a_float_and_a_big_number_stays_exact(store: Store) -> None:
    await store.add(run())
    schema = {"minimum": 1.0, "maximum": 10**30, "const": 1e-7, "default": 12345678901234567890}
    await store.update(Run, "run_r", {"tools": [{"parameters": schema}], "lease_until": 100, "temperature": 1}, scope=ANN)
    found = await store.update(Run, "run_r", {"worker": "w"}, scope=ANN)
    assert to_the_letter(found.tools) == to_the_letter([{"parameters": schema}])
    assert to_the_letter([found.lease_until, found.temperature]) == "[100.0, 1.0]"


async def test_a_megabyte_of_text_comes_back(store: Store) -> None:
    said = "Löß \u2028\u0000\ufeff 👩‍👩‍👧 العربية " * 30_000
    await store.add(message(content=text_content(said)))
    await store.update(Message, "msg_m", {"metadata": {"a": "b"}}, scope=ANN)
    assert (await store.get(Message, "msg_m", scope=ANN)).text() == said


@pytest.mark.parametrize("depth", [1, 50, 190, 200, 220, 245, 250, 251, 252, 253, 254])
async def test_deep_json_is_either_refused_or_read_again(store: Store, depth: int) -> None:
    deep: object = 1
    for _ in range(depth):
        deep = [deep]
    await store.add(thread())
    try:
        changed = await store.update(Thread, "thread_t", {"tool_resources": {"a": deep}}, scope=ANN)
    except (BadInput, ValueError):
        assert depth > 200
        assert await store.get(Thread, "thread_t", scope=ANN) == thread()
    else:
        assert await store.get(Thread, "thread_t", scope=ANN) == changed
        assert to_the_letter(changed.tool_resources) == to_the_letter({"a": deep})
