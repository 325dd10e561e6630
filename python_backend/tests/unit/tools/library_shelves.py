"""One library as all the shelves there are: for tests of what searches, without vector stores."""

from collections.abc import Sequence

from underpin.knowledge.base import Evidence, Found, Knowledge
from underpin.knowledge.filters import Filter


class LibraryShelves:
    """Implements Shelves. `asked` is what was searched for: owner, stores, query, limit, threshold."""

    def __init__(self, library: Knowledge) -> None:
        self._library = library
        self.still_read = 0
        self.asked: list[tuple[str, list[str], str, int, float]] = []

    async def search(
        self,
        owner: str,
        stores: Sequence[str],
        query: str,
        *,
        limit: int = 10,
        where: Filter | None = None,
        threshold: float = 0.0,
    ) -> list[Found]:
        self.asked.append((owner, list(stores), query, limit, threshold))
        return [found for found in await self._library.search(query, limit=limit) if found.score >= threshold]

    async def quotes(
        self, owner: str, stores: Sequence[str], question: str, found: Sequence[Found], *, context: str = "", limit: int = 5
    ) -> Evidence:
        return await self._library.quotes(question, found, context=context, limit=limit)

    async def being_read(self, owner: str, stores: Sequence[str]) -> int:
        return self.still_read

    async def topics(self, owner: str, stores: Sequence[str]) -> list[str]:
        return await self._library.topics()
