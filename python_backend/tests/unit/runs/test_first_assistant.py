"""The assistant that a server begins with."""

from underpin.runs.first_assistant import ensure_first_assistant
from underpin.store.base import Scope


async def test_settings_of_a_later_start_reach_the_first_assistant_and_leave_the_rest(house):
    first = await ensure_first_assistant(house.store, "asst_first", last_messages=10, max_completion_tokens=1000)
    await house.store.update(type(first), first.id, {"instructions": "Answer in Dutch."}, scope=Scope(first.owner))
    again = await ensure_first_assistant(house.store, "asst_first", last_messages=4, max_completion_tokens=500)
    assert (again.last_messages, again.max_completion_tokens) == (4, 500)
    assert again.instructions == "Answer in Dutch."
    assert again.tools == [{"type": "file_search"}]
