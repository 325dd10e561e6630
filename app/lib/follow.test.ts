import { expect, test } from "vitest";
import { follow } from "./follow";
import { Trouble } from "./trouble";
import type { StreamEvent } from "./wire";

const line = (id: number, event = "delta") => `${JSON.stringify({ event, data: {}, id })}\n`;
const answer = (text: string, status = 200) => new Response(text, { status });

/** A server that gives one answer after another, and what a follower made of it. */
async function followed(answers: (Response | Error)[]) {
  const asked: (number | null)[] = [];
  const seen: (number | null)[] = [];
  const connected: boolean[] = [];
  const waits: number[] = [];
  const run = follow({
    after: null,
    signal: new AbortController().signal,
    open: async (after) => {
      asked.push(after);
      const next = answers.shift();
      if (next === undefined) throw new Error("asked too often");
      if (next instanceof Error) throw next;
      return next;
    },
    isLast: (event: StreamEvent) => event.event === "end",
    onEvents: (events) => seen.push(...events.map((event) => event.id)),
    onConnection: (is) => connected.push(is),
    wait: async (ms) => void waits.push(ms),
  });
  await run;
  return { asked, seen, connected, waits };
}

test("a cut stream goes on behind the last number, without a gap and nothing twice", async () => {
  const told = await followed([answer(line(1) + line(2)), answer(line(2) + line(3)), answer(line(4, "end"))]);
  expect(told.seen).toEqual([1, 2, 3, 4]);
  expect(told.asked).toEqual([null, 2, 3]);
});

test("a line that was cut in the middle is told whole, later", async () => {
  const cut = line(1) + line(2).slice(0, 9);
  expect((await followed([answer(cut), answer(line(2) + line(3, "end"))])).seen).toEqual([1, 2, 3]);
});

test("a server that is away is asked again, ever less often", async () => {
  const away = () => new TypeError("fetch failed");
  const told = await followed([away(), away(), away(), answer(line(1, "end"))]);
  expect(told.waits).toEqual([250, 500, 1000]);
  expect(told.connected).toEqual([false, false, false, true]);
});

test("a busy server is asked again when it says so", async () => {
  const busy = new Response("{}", { status: 503, headers: { "Retry-After": "3" } });
  expect((await followed([busy, answer(line(1, "end"))])).waits).toEqual([3000]);
});

test("what is not there is told, and not asked for again", async () => {
  const gone = answer(JSON.stringify({ error: "Thread not found. Please create a new chat." }), 404);
  await expect(followed([gone])).rejects.toThrow("Thread not found. Please create a new chat.");
  await expect(followed([answer("<html>", 404)])).rejects.toBeInstanceOf(Trouble);
});
