"""A list in memory pages as a list in the store does."""

from itertools import product
from pathlib import Path

import pytest

from underpin.api.v1.paging import Part
from underpin.api.v1.steps import _page
from underpin.errors import NotFound
from underpin.objects.run_step import CreatedMessage, MessageCreationDetails, RunStep
from underpin.store.base import Scope
from underpin.store.sqlite import SqliteStore

STEPS = [
    RunStep(
        id=f"step_{number}", owner="ann", seq=number, created_at=1, assistant_id="asst_a", thread_id="thread_t", run_id="run_r",
        type="message_creation", step_details=MessageCreationDetails(message_creation=CreatedMessage(message_id="msg_m")),
    )
    for number in range(1, 6)
]  # fmt: skip


async def test_a_page_in_memory_is_the_page_of_the_store(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    await store.open()
    try:
        for step in STEPS:
            await store.add(step)
        cursors = [None, *range(1, 6)]
        for order, after, before, limit in product(("asc", "desc"), cursors, cursors, (1, 2, 5)):
            kept = await store.page(
                RunStep, "run_r", scope=Scope("ann"), after=after, before=before, limit=limit, order=order
            )  # fmt: skip
            part = Part(limit, order, after and f"step_{after}", before and f"step_{before}")
            assert _page(STEPS, part) == kept, part
    finally:
        await store.close()


def test_a_cursor_that_is_not_there_is_named() -> None:
    with pytest.raises(NotFound, match="No run step found with id 'step_9'"):
        _page(STEPS, Part(20, "asc", "step_9", None))
