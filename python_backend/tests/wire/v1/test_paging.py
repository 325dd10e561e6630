"""Lists: order, limits and cursors, in the semantics that were recorded against the real API (§3)."""

from typing import Any

import openai
import pytest
from openai.types.beta import Thread


@pytest.fixture
def five(client: openai.OpenAI) -> Thread:
    """A thread of the messages 1 to 5, made within one second."""
    return client.beta.threads.create(messages=[{"role": "user", "content": str(number)} for number in range(1, 6)])


class Listed:
    def __init__(self, client: openai.OpenAI, thread: Thread) -> None:
        self._list = lambda **query: client.beta.threads.messages.list(thread.id, **query)
        self.ids = {message.content[0].text.value: message.id for message in self._list(limit=100)}

    def __call__(self, *, after: int | None = None, before: int | None = None, **query: Any) -> str:
        """The numbers of the page, and `+` when there are more."""
        cursors = {name: self.ids[str(number)] for name, number in (("after", after), ("before", before)) if number}
        page = self._list(**cursors, **query)
        texts = [message.content[0].text.value for message in page.data]
        assert page.first_id == (self.ids[texts[0]] if texts else None)
        assert page.last_id == (self.ids[texts[-1]] if texts else None)
        return "".join(texts) + ("+" if page.has_more else "")


@pytest.fixture
def listed(client: openai.OpenAI, five: Thread) -> Listed:
    return Listed(client, five)


@pytest.mark.parametrize(
    ("query", "page"),
    [
        ({}, "54321"),
        ({"order": "asc"}, "12345"),
        ({"limit": 2}, "54+"),
        ({"limit": 5}, "54321"),
        ({"limit": 4}, "5432+"),
        ({"after": 4}, "321"),
        ({"after": 4, "limit": 2}, "32+"),
        ({"after": 1}, ""),
        ({"after": 2, "order": "asc"}, "345"),
        ({"before": 1}, "5432"),
        ({"before": 3}, "54"),
        ({"before": 1, "limit": 2}, "32+"),
        ({"before": 5}, ""),
        ({"before": 4, "order": "asc"}, "123"),
        ({"after": 5, "before": 1}, "432"),
        ({"after": 1, "before": 5, "order": "asc"}, "234"),
        ({"after": 5, "before": 1, "limit": 1}, "4+"),
    ],
)
def test_a_page(listed: Listed, query: dict[str, Any], page: str):
    assert listed(**query) == page


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_the_sdks_iterator_reads_everything_once(client: openai.OpenAI, five: Thread, order: Any, limit: int):
    texts = [m.content[0].text.value for m in client.beta.threads.messages.list(five.id, order=order, limit=limit)]
    assert "".join(texts) == ("12345" if order == "asc" else "54321")


async def test_the_async_iterator_too(aclient: openai.AsyncOpenAI, five: Thread):
    texts = [m.content[0].text.value async for m in aclient.beta.threads.messages.list(five.id, limit=2)]
    assert "".join(texts) == "54321"


def test_twenty_are_listed_unless_more_are_asked_for(client: openai.OpenAI):
    many = client.beta.threads.create(messages=[{"role": "user", "content": str(number)} for number in range(25)])
    page = client.beta.threads.messages.list(many.id)
    assert (len(page.data), page.has_more) == (20, True)
    assert len(client.beta.threads.messages.list(many.id, limit=100).data) == 25


def test_assistants_are_listed_newest_first(client: openai.OpenAI):
    made = [client.beta.assistants.create(model="gpt-4o").id for _ in range(3)]
    assert [assistant.id for assistant in client.beta.assistants.list(limit=3).data] == made[::-1]
    assert [assistant.id for assistant in client.beta.assistants.list(before=made[0], limit=2).data] == [made[2], made[1]]
    assert [assistant.id for assistant in client.beta.assistants.list(order="asc", after=made[0])] == made[1:]


def test_an_empty_list_has_no_ends(client: openai.OpenAI):
    page = client.beta.threads.messages.list(client.beta.threads.create().id)
    assert (page.data, page.first_id, page.last_id, page.has_more) == ([], None, None, False)
