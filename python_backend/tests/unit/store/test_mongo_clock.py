"""MongoDB's time on this host: within the round trips, never back, and no jumps when somebody sets the server's clock."""

import random
from dataclasses import dataclass, field

import pytest

from underpin.errors import StoreUnavailable
from underpin.store.mongo_clock import JUMP_S, RATE, TICK_S, ServerClock

NOON = 1_800_000_000.0


@dataclass
class World:
    """A host and a server whose clocks a test moves."""

    host_s: float = 500.0
    server_ahead_s: float = NOON
    clock: ServerClock = field(init=False)

    def __post_init__(self) -> None:
        self.clock = ServerClock(lambda: self.host_s)

    @property
    def server_s(self) -> float:
        return self.host_s + self.server_ahead_s

    def sample(self, there_s: float = 0.0, back_s: float = 0.0) -> None:
        asked = self.clock.asked()
        self.host_s += there_s
        said = int(self.server_s * 1000) / 1000
        self.host_s += back_s
        self.clock.answered(asked, said)

    def error_s(self) -> float:
        return self.clock.now() - self.server_s


def test_a_clock_that_was_told_nothing_has_no_time() -> None:
    with pytest.raises(StoreUnavailable):
        World().clock.now()


def test_one_sample_is_right_to_half_its_round_trip() -> None:
    for there_s, back_s in ((0.0, 0.2), (0.2, 0.0), (0.1, 0.1)):
        world = World()
        world.sample(there_s, back_s)
        assert abs(world.error_s()) <= 0.1 + TICK_S


def test_between_samples_the_hosts_own_clock_goes_on() -> None:
    world = World()
    world.sample()
    before = world.clock.now()
    world.host_s += 1000
    assert world.clock.now() == pytest.approx(before + 1000)


def test_a_slow_round_trip_says_little_and_changes_nothing() -> None:
    world = World()
    world.sample()
    assert abs(world.error_s()) <= TICK_S
    world.sample(there_s=4.0, back_s=0.0)
    world.host_s += 100
    assert abs(world.error_s()) <= TICK_S


def test_better_samples_make_a_bad_first_one_good() -> None:
    world = World()
    world.sample(there_s=2.0, back_s=0.0)
    assert abs(world.error_s()) > 0.9
    world.sample(0.001, 0.001)
    world.host_s += 1.0 / RATE
    assert abs(world.error_s()) <= 0.003


@pytest.mark.parametrize("step_s", [30.0, -30.0, -3600.0])
def test_a_server_whose_clock_is_set_is_followed_slowly(step_s: float) -> None:
    world = World()
    world.sample()
    world.server_ahead_s += step_s
    before = world.clock.now()
    for _ in range(10):
        world.host_s += 1
        world.sample()
        now = world.clock.now()
        assert 1 - RATE - TICK_S <= now - before <= 1 + RATE + TICK_S
        before = now
    world.host_s += abs(step_s) / RATE
    assert abs(world.error_s()) <= 2 * TICK_S


def test_two_hosts_agree_while_the_server_is_followed() -> None:
    one, two = World(), World(host_s=9_000.0, server_ahead_s=NOON - 8_500.0)
    for world in (one, two):
        world.sample()
        world.server_ahead_s += 20.0
    for turn in range(200):
        for world in (one, two):
            world.host_s += 1
        (one if turn % 2 else two).sample()  # each at its own time
        assert abs(one.clock.now() - two.clock.now()) <= RATE + 2 * TICK_S


def test_a_host_that_stood_still_is_right_at_once() -> None:
    """Its own clock did not count while it stood: a virtual machine that was paused."""
    world = World()
    world.sample()
    world.server_ahead_s += JUMP_S + 1
    world.sample()
    assert abs(world.error_s()) <= TICK_S


def test_it_never_goes_back() -> None:
    chance = random.Random(5)
    world = World()
    world.sample()
    before = world.clock.now()
    for _ in range(2000):
        match chance.randrange(4):
            case 0:
                world.host_s += chance.random() * 20
            case 1:
                world.server_ahead_s += chance.uniform(-90, 90)
            case _:
                world.sample(chance.random() * 3, chance.random() * 3)
        assert world.clock.now() >= before
        before = world.clock.now()


def test_it_is_the_hosts_own_boot_clock_by_default() -> None:
    clock = ServerClock()
    clock.answered(clock.asked(), NOON)
    assert abs(clock.now() - NOON) < 1
