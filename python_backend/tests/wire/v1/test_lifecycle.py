"""A run's life, in any order of calls that a program may make, on a server that may be killed and whose clocks may be set: legal
moves only, an end is never left, at most one active run a thread, locked exactly while active, numbers without gaps in a claim.
"""

import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as some
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.faults.clocked_server import ClockedServer
from tests.wire.v1.surface import LAST_OF_A_RUN, Surface, sse_events
from underpin.objects.run import ENDED, LEGAL_MOVES, RunStatus
from underpin.runs.settle import OWNER_DIED

SCRIPTS = [
    'say "Done."',
    'say "One"\nhang',
    'call f {}\nsay "It is $1."',
    'call f {}\ncall g {}\nsay "It is $1."\ncall f {}\nsay "Done."',
    'say "Half"\nfail broken',
    "fail key",
    'say "Cut"\nfinish length',
    "hang",
]
OPEN_ENDS = ['say "One"\nhang', 'call f {}\nsay "It is $1."\nhang', "words 400\ndelay 1"]
MOST_KILLS = 2
"""Of one order of calls; a start takes most of a second."""
RUN_TIMEOUT_S = 600
WITHIN_S = 10
"""For what a sweep does, many times in a second."""


def reachable(status: RunStatus) -> set[RunStatus]:
    """What a run may have become since it was seen so: several moves may lie between two looks."""
    found: set[RunStatus] = {status}
    open_ends = [status]
    while open_ends:
        for after in LEGAL_MOVES[open_ends.pop()] - found:
            found.add(after)
            open_ends.append(after)
    return found


class Lifecycle(RuleBasedStateMachine):
    server: ClockedServer
    surface: Surface
    assistant: str
    threads: Bundle[str] = Bundle("threads")

    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[str, RunStatus] = {}
        self.ends: dict[str, dict[str, Any]] = {}
        self.runs: dict[str, list[str]] = {}
        self.said: dict[str, list[str]] = {}
        self.late: set[str] = set()
        """Runs that were open when their time passed: only they may expire."""
        self.orphans: set[str] = set()
        """Runs that were open when the server was killed: only they may end as its victims."""
        self.kills = 0
        self.wall_s = 0.0
        self.http = httpx.Client(base_url=self.server.base_url + "/v1", timeout=30)

    def call(self, method: str, path: str, body: Any = None) -> httpx.Response:
        answer = self.http.request(method, path, json=body)
        if not answer.headers["content-type"].startswith("text/event-stream"):
            self.surface.check_answer(method, "/v1" + path.partition("?")[0], answer.status_code, answer.json())
        return answer

    def look(self, thread: str, run: str) -> dict[str, Any]:
        """A run as it is, after a check that it could become so."""
        told: dict[str, Any] = self.call("GET", f"/threads/{thread}/runs/{run}").json()
        before = self.seen.get(run, "queued")
        assert told["status"] in reachable(before), f"{before} became {told['status']}"
        self.seen[run] = told["status"]
        if told["status"] in ENDED:
            assert self.ends.setdefault(run, told) == told, "an end was changed"
        assert told["status"] != "expired" or run in self.late
        assert (told["last_error"] or {}).get("message") != OWNER_DIED or run in self.orphans
        assert (told["usage"] is not None) == (told["status"] in ENDED)
        assert (told["required_action"] is not None) == (told["status"] == "requires_action")
        return told

    def active(self, thread: str) -> str | None:
        """The run that holds the thread, as far as one can see."""
        found = [run for run in self.runs[thread] if self.look(thread, run)["status"] not in ENDED]
        assert len(found) <= 1
        return found[0] if found else None

    @initialize(target=threads, scripts=some.lists(some.sampled_from(OPEN_ENDS), min_size=2, max_size=2))
    def begin_with_open_runs(self, scripts: list[str]) -> MultipleResults[str]:
        made = [self.make_a_thread(script) for script in scripts]
        for thread in made:
            self.start_a_run(thread, [])
        return multiple(*made)

    @rule(target=threads, script=some.sampled_from(SCRIPTS))
    def make_a_thread(self, script: str) -> str:
        thread: str = self.call("POST", "/threads", {"messages": [{"role": "user", "content": script}]}).json()["id"]
        self.runs[thread], self.said[thread] = [], [script]
        return thread

    @rule(thread=threads, script=some.sampled_from(SCRIPTS))
    def add_a_message(self, thread: str, script: str) -> None:
        holder = self.active(thread)
        answer = self.call("POST", f"/threads/{thread}/messages", {"role": "user", "content": script})
        if answer.status_code == 400:
            text = f"Can't add messages to {thread} while a run {holder} is active."
            assert answer.json()["error"]["message"] == text
        else:
            assert answer.status_code == 200
            self.said[thread].append(script)
            assert self.active(thread) is None, "it was not locked while active"

    @rule(thread=threads, more=some.sampled_from([[], [{"role": "user", "content": SCRIPTS[0]}]]))
    def start_a_run(self, thread: str, more: list[Any]) -> None:
        holder = self.active(thread)
        answer = self.call("POST", f"/threads/{thread}/runs", {"assistant_id": self.assistant, "additional_messages": more})
        if answer.status_code == 400:
            assert answer.json()["error"]["message"] == f"Thread {thread} already has an active run {holder}."
            return
        assert answer.status_code == 200
        assert holder is None or self.look(thread, holder)["status"] in ENDED
        self.said[thread] += [message["content"] for message in more]
        run = answer.json()["id"]
        self.seen[run] = "queued"
        self.runs[thread].append(run)

    @rule(thread=threads, at=some.integers(0, 3))
    def cancel_a_run(self, thread: str, at: int) -> None:
        for run in self.runs[thread][at : at + 1]:
            before = self.look(thread, run)["status"]
            answer = self.call("POST", f"/threads/{thread}/runs/{run}/cancel")
            if answer.status_code == 200:
                assert before not in ENDED
                assert answer.json()["status"] == "cancelling"
                self.seen[run] = "cancelling"
            else:
                after = self.look(thread, run)["status"]
                assert after in (*ENDED, "cancelling")
                told = answer.json()["error"]["message"]
                assert told in {f"Cannot cancel run with status '{status}'." for status in (after, "cancelling")}

    @rule(thread=threads, at=some.integers(0, 3), right=some.booleans())
    def submit_outputs(self, thread: str, at: int, right: bool) -> None:
        for run in self.runs[thread][at : at + 1]:
            before = self.look(thread, run)
            action = before["required_action"] or {"submit_tool_outputs": {"tool_calls": []}}
            calls = [call["id"] for call in action["submit_tool_outputs"]["tool_calls"]]
            outputs = [{"tool_call_id": call, "output": "x"} for call in (calls if right else calls[1:])]
            answer = self.call("POST", f"/threads/{thread}/runs/{run}/submit_tool_outputs", {"tool_outputs": outputs})
            if answer.status_code == 200:
                assert right
                assert before["status"] == "requires_action"
                self.seen[run] = "queued"

    @rule(thread=threads)
    def read_the_logs(self, thread: str) -> None:
        """Numbers grow, the order is right, and what ended says so last, whoever reads it and whenever."""
        for run in self.runs[thread]:
            if self.look(thread, run)["status"] in ENDED:
                stream = self.call("GET", f"/threads/{thread}/runs/{run}?stream=true").content
                events = sse_events(stream)
                ends = [name for name, _, _ in events if name in LAST_OF_A_RUN - {"thread.run.requires_action"}]
                assert ends == [f"thread.run.{self.seen[run]}"]
                assert events[-1][0] == "done"
                numbers = [number for _, _, number in events if number is not None]
                assert numbers == sorted(set(numbers))
                gaps = [(one, two) for one, two in pairwise(numbers) if two != one + 1]
                assert all(two % 1_000_000_000 == 1 for _, two in gaps), "a gap within a claim"

    @precondition(lambda self: self.kills < MOST_KILLS)
    @rule()
    def kill_the_server(self) -> None:
        """kill -9, and a start on the same data: what nobody can go on with has ended when it answers, the rest waits on."""
        before = self.open_runs()
        self.orphans |= {run for _, run in before}
        self.kills += 1
        self.server.kill()
        self.server.start()
        self.http.close()
        self.http = httpx.Client(base_url=self.server.base_url + "/v1", timeout=30)
        for (thread, run), status in before.items():
            told = self.look(thread, run)["status"]
            assert told in (*ENDED, "requires_action"), f"{status} is left {told}"
            assert status != "requires_action" or told == status, "nobody had to live for it"

    @rule(step_s=some.sampled_from([-86_400.0, -301.0, -1.5, 1.5, 301.0, 86_400.0]))
    def set_the_time_of_day(self, step_s: float) -> None:
        """`look` holds that nothing expires by it, and that nobody is taken for dead."""
        self.server.step(wall_s=step_s)
        self.wall_s += step_s

    @rule()
    def let_the_time_of_all_runs_pass(self) -> None:
        """No state without a deadline. It is the store's clock that tells."""
        before = self.open_runs()
        self.late |= {run for _, run in before}
        self.server.step(boot_s=RUN_TIMEOUT_S + 1)
        until = time.monotonic() + WITHIN_S
        for thread, run in before:
            while self.look(thread, run)["status"] not in ENDED:
                assert time.monotonic() < until, f"{self.seen[run]} for ever"

    def open_runs(self) -> dict[tuple[str, str], RunStatus]:
        looked = {(thread, run): self.look(thread, run)["status"] for thread, runs in self.runs.items() for run in runs}
        return {where: status for where, status in looked.items() if status not in ENDED}

    @rule(thread=consumes(threads))
    def delete_a_thread(self, thread: str) -> None:
        assert self.call("DELETE", f"/threads/{thread}").status_code == 200
        assert self.call("GET", f"/threads/{thread}").status_code == 404
        del self.said[thread]
        for run in self.runs.pop(thread):
            assert self.call("GET", f"/threads/{thread}/runs/{run}").status_code == 404

    @invariant()
    def lists_hold_what_was_made(self) -> None:
        for thread, runs in self.runs.items():
            listed = self.call("GET", f"/threads/{thread}/runs?order=asc&limit=100").json()["data"]
            assert [run["id"] for run in listed] == runs
            assert sum(run["status"] not in ENDED for run in listed) <= 1

    @invariant()
    def every_message_that_was_taken_is_there_once(self) -> None:
        for thread, said in self.said.items():
            listed = self.call("GET", f"/threads/{thread}/messages?order=asc&limit=100").json()["data"]
            assert [one["content"][0]["text"]["value"] for one in listed if one["role"] == "user"] == said

    def teardown(self) -> None:
        for thread in self.runs:
            self.call("DELETE", f"/threads/{thread}")
        self.http.close()
        self.server.step(wall_s=-self.wall_s)


def test_any_order_of_calls_keeps_a_run_lawful(tmp_path: Path, surface: Surface):
    server = ClockedServer(tmp_path, OPENAI_MODEL="scripted", RUN_TIMEOUT_S=RUN_TIMEOUT_S, SWEEP_S=0.05)
    with server, httpx.Client(base_url=server.base_url + "/v1", timeout=30) as http:
        functions = [{"type": "function", "function": {"name": name}} for name in "fg"]
        Lifecycle.server, Lifecycle.surface = server, surface
        Lifecycle.assistant = http.post("/assistants", json={"model": "m", "tools": functions}).json()["id"]
        run_state_machine_as_test(
            Lifecycle,
            settings=settings(
                max_examples=25,
                stateful_step_count=30,
                deadline=None,
                # A run is never as quick twice: what was found is told as it was, and not made smaller.
                phases=[Phase.generate],
                suppress_health_check=[HealthCheck.too_slow],
            ),
        )
