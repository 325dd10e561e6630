"""Counts of many files are good for a moment, those of few for none."""

from underpin.knowledge.file_counts import FEW, MOST_KEPT, PAUSE, RecentCounts, Tally
from underpin.objects.vector_store import FileCounts


class Counter:
    """Counts so many files, and takes a second for it on a clock of its own."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.now = 0.0
        self.counted = 0

    def clock(self) -> float:
        return self.now

    async def __call__(self) -> Tally:
        self.counted += 1
        self.now += 1
        return Tally(FileCounts(completed=self.total, total=self.total), 0)


async def test_a_count_of_many_is_made_again_when_its_time_is_over() -> None:
    counter = Counter(FEW + 1)
    recent = RecentCounts(counter.clock)
    made, is_new = await recent.of("vs_a", counter)
    assert is_new
    counter.now += PAUSE - 0.1
    assert await recent.of("vs_a", counter) == (made, False)
    assert (await recent.of("vs_b", counter))[1]
    counter.now += 0.2
    assert (await recent.of("vs_a", counter))[1]
    assert counter.counted == 3


async def test_a_count_of_few_is_made_each_time() -> None:
    counter = Counter(FEW)
    recent = RecentCounts(counter.clock)
    for _ in range(3):
        assert (await recent.of("vs_a", counter))[1]
    assert counter.counted == 3


async def test_what_a_request_changed_is_counted_anew() -> None:
    counter = Counter(FEW + 1)
    recent = RecentCounts(counter.clock)
    await recent.of("vs_a", counter)
    recent.forget("vs_a")
    assert (await recent.of("vs_a", counter))[1]


async def test_no_more_counts_are_kept_than_there_is_room_for() -> None:
    counter = Counter(FEW + 1)
    recent = RecentCounts(counter.clock)
    for number in range(MOST_KEPT + 5):
        await recent.of(f"vs_{number}", counter)
    assert len(recent._kept) == MOST_KEPT
