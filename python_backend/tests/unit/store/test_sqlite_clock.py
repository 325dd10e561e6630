"""The clock of the store: time of day at first, then the boot clock alone, and never back."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from underpin.errors import StoreUnavailable
from underpin.objects.thread import Thread
from underpin.store.base import Scope
from underpin.store.sqlite import SqliteStore
from underpin.store.sqlite_clock import AHEAD_S, HostClocks, boot_clock, boot_id

NOON = 1_800_000_000.0


@dataclass
class Host:
    """A host whose clocks a test sets."""

    boot_s: float = 500.0
    wall_s: float = NOON
    boot_id: str = "first boot"

    def clocks(self) -> HostClocks:
        return HostClocks(boot=lambda: self.boot_s, wall=lambda: self.wall_s, boot_id=lambda: self.boot_id)

    def pass_time(self, seconds: float) -> None:
        self.boot_s += seconds
        self.wall_s += seconds

    def boot(self, boot_id: str = "next boot") -> None:
        self.boot_id = boot_id
        self.boot_s = 3.0


async def opened(folder: Path, host: Host) -> SqliteStore:
    store = SqliteStore(folder, clocks=host.clocks())
    await store.open()
    return store


async def now_after_reopening(folder: Path, host: Host) -> float:
    store = await opened(folder, host)
    try:
        return store.now()
    finally:
        await store.close()


async def test_now_begins_at_the_time_of_day_and_goes_on_with_the_boot_clock(tmp_path: Path) -> None:
    host = Host()
    store = await opened(tmp_path, host)
    assert store.now() == NOON
    host.pass_time(7.5)
    assert store.now() == NOON + 7.5
    await store.close()


async def test_setting_the_time_of_day_moves_nothing(tmp_path: Path) -> None:
    host = Host()
    store = await opened(tmp_path, host)
    for jump in (-300, 300, -1e9):
        host.wall_s += jump
        assert store.now() == NOON
        assert await now_after_reopening(tmp_path, host) == NOON
    await store.close()


async def test_all_processes_of_a_boot_have_one_clock(tmp_path: Path) -> None:
    host = Host()
    first = await opened(tmp_path, host)
    host.pass_time(60)
    host.wall_s += 3600
    second = await opened(tmp_path, host)
    assert first.now() == second.now() == NOON + 60
    await first.close()
    await second.close()


async def test_after_a_boot_now_is_the_time_of_day_again(tmp_path: Path) -> None:
    host = Host()
    await now_after_reopening(tmp_path, host)
    host.wall_s += 86_400
    host.boot()
    assert await now_after_reopening(tmp_path, host) == NOON + 86_400


async def test_a_boot_is_seen_even_when_the_host_has_been_up_for_longer_than_before(tmp_path: Path) -> None:
    host = Host()
    await now_after_reopening(tmp_path, host)
    host.wall_s += 86_400
    host.boot()
    host.boot_s = 80_000
    assert await now_after_reopening(tmp_path, host) == NOON + 86_400


async def test_a_host_that_boots_with_a_wrong_time_of_day_does_not_go_back(tmp_path: Path) -> None:
    host = Host()
    store = await opened(tmp_path, host)
    for number in range(200):
        host.pass_time(1)
        await store.add(Thread(id=f"thread_{number}", created_at=1))
        told = store.now()
    await store.close()
    host.wall_s = 0.0
    for boot in range(3):
        host.boot(f"boot {boot}")
        now = await now_after_reopening(tmp_path, host)
        assert told <= now <= told + AHEAD_S
        told = now


async def test_a_killed_process_is_as_good_as_a_closed_one(tmp_path: Path) -> None:
    """What was reached is written before it is told: nothing waits for the close."""
    host = Host()
    store = await opened(tmp_path, host)
    host.pass_time(1000)
    await store.add(Thread(id="thread_t", created_at=1))
    host.pass_time(AHEAD_S - 0.01)
    told = store.now()
    await store.update(Thread, "thread_t", {"active_until": told}, scope=Scope("default-user"))
    host.wall_s = 0.0
    host.boot()
    assert await now_after_reopening(tmp_path, host) >= told
    await store.close()


async def test_without_a_boot_id_a_boot_clock_that_went_back_is_a_boot(tmp_path: Path) -> None:
    host = Host(boot_id="")
    store = await opened(tmp_path, host)
    host.pass_time(100)
    await store.add(Thread(id="thread_t", created_at=1))
    assert await now_after_reopening(tmp_path, host) == NOON + 100
    await store.close()
    host.boot("")
    host.wall_s += 50
    assert await now_after_reopening(tmp_path, host) == NOON + 150


async def test_the_clock_costs_one_small_write_in_a_while(tmp_path: Path) -> None:
    host = Host()
    store = await opened(tmp_path, host)
    reached = set()
    for _ in range(100):
        host.pass_time(0.1)
        await store.next_seq("ann")
        row = await store.database.read(lambda connection: connection.execute("SELECT reached_s FROM clock").fetchone())
        assert row[0] >= store.now()
        reached.add(row[0])
    assert len(reached) <= 2
    await store.close()


def test_a_store_that_was_never_opened_has_no_time(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable):
        SqliteStore(tmp_path).now()


async def test_the_hosts_own_clocks_are_taken_by_default(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    await store.open()
    assert abs(store.now() - store.clocks.wall()) < 5
    assert boot_clock() <= boot_clock()
    assert boot_id() == boot_id()
    await store.close()
