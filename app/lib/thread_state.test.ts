import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { LineReader } from "./lines";
import { afterRunEvent, isLastOfRun } from "./run_events";
import { afterAccepted, afterHistory, afterStarted, afterThreadEvent } from "./thread_events";
import { EMPTY, type Outgoing, type ThreadState, workingRun } from "./thread_state";
import type { Message } from "./wire";

function recorded(name: string) {
  return new LineReader().push(new Uint8Array(readFileSync(new URL(`../../fixtures/wire/${name}`, import.meta.url))));
}

const user = (id: string, text: string): Message => ({
  id,
  object: "thread.message",
  created_at: 1,
  role: "user",
  content: [{ type: "text", text: { value: text, annotations: [] } }],
  run_id: null,
});

describe("an answer", () => {
  const events = recorded("answer.ndjson");
  const after = events.reduce((state, event) => afterRunEvent(state, "run_1", event), EMPTY);

  test("is the deltas put together, which is what the last message says", () => {
    const deltas = events.filter((event) => event.event !== "thread.message.completed");
    const written = deltas.reduce((state, event) => afterRunEvent(state, "run_1", event), EMPTY);
    expect(written.messages[0]?.text).toBe(after.messages[0]?.text);
    expect(after.messages[0]?.text.length).toBeGreaterThan(0);
    expect(after.messages[0]?.status).toBe("whole");
  });

  test("ends its run, with the last event of the stream", () => {
    expect(after.runs.run_1?.status).toBe("completed");
    expect(workingRun(after)).toBeNull();
    expect(events.map(isLastOfRun).lastIndexOf(true)).toBe(events.length - 1);
  });
});

describe("a message of one's own", () => {
  const outgoing = { key: "k", text: "Hello", state: "sending", trouble: null, sentAt: 1000 } as const;
  const before: ThreadState = { ...EMPTY, threadId: "thread_1", outgoing: [outgoing] };
  const added = { id: 3, event: "thread.message.added", data: { message: user("msg_1", "Hello") } };

  test("stands once, whether the answer or the thread's stream is first", () => {
    for (const order of [
      [(s: ThreadState) => afterAccepted(s, "k"), (s: ThreadState) => afterThreadEvent(s, added)],
      [(s: ThreadState) => afterThreadEvent(s, added), (s: ThreadState) => afterAccepted(s, "k")],
    ]) {
      const state = order.reduce((each, step) => step(each), before);
      expect(state.messages.map((message) => message.id)).toEqual(["msg_1"]);
      expect(state.outgoing).toEqual([]);
    }
  });

  test("waits in a group until its turn comes, and is then told once", () => {
    const queued = { id: 4, event: "thread.run.queued", data: { runId: "run_2", message: user("msg_1", "Hello") } };
    const waiting = afterThreadEvent(afterAccepted(before, "k"), queued);
    expect(waiting.messages).toEqual([]);
    expect(waiting.waiting).toEqual([{ id: "run_2", text: "Hello" }]);
    const started = { id: 6, event: "thread.run.started", data: { runId: "run_2", after: 0 } };
    const answered = [added, started].reduce(afterThreadEvent, waiting);
    expect(answered.waiting).toEqual([]);
    expect(answered.active).toEqual({ run_2: 0 });
    expect(answered.messages.map((message) => message.id)).toEqual(["msg_1"]);
  });
});

test("a history is shown oldest first, and its run is followed from its cursor", () => {
  const history = {
    threadId: "thread_1",
    messages: [user("msg_2", "Second"), user("msg_1", "First")],
    activeRun: { id: "run_9", status: "in_progress", cursor: 12 } as const,
    waiting: [],
    threadCursor: 7,
  };
  const state = afterHistory(EMPTY, history);
  expect(state.messages.map((message) => message.text)).toEqual(["First", "Second"]);
  expect(state.active).toEqual({ run_9: 12 });
  expect(afterStarted(state, "run_9", 0).active).toEqual({ run_9: 12 });
});

test("what others did is shown: a name, a deleted message, a deleted thread", () => {
  const state = {
    ...EMPTY,
    messages: afterHistory(EMPTY, {
      threadId: "t",
      messages: [user("msg_1", "x")],
      activeRun: null,
      waiting: [],
      threadCursor: 0,
    }).messages,
  };
  const events = [
    { id: 1, event: "thread.renamed", data: { threadId: "t", name: "Piles" } },
    { id: 2, event: "thread.message.deleted", data: { messageId: "msg_1" } },
    { id: 3, event: "thread.deleted", data: { threadId: "t" } },
  ];
  const after = events.reduce(afterThreadEvent, state);
  expect([after.name, after.messages, after.deleted]).toEqual(["Piles", [], true]);
});

describe("a question at the end of the history", () => {
  const history = { threadId: "t", messages: [user("m1", "Why?")], activeRun: null, waiting: [], threadCursor: 0 };
  const active = { id: "r1", status: "in_progress", cursor: 0 } as const;

  test("is unanswered when nothing works on it", () => {
    expect(afterHistory(EMPTY, history).unanswered).toBe("m1");
  });

  test("is not while a run answers it, or waits to", () => {
    expect(afterHistory(EMPTY, { ...history, activeRun: active }).unanswered).toBeNull();
    expect(afterHistory(EMPTY, { ...history, waiting: [{ id: "r1", text: "Why?" }] }).unanswered).toBeNull();
  });
});

describe("a message that was on its way when the page went", () => {
  const outgoing = { key: "k", text: "Why?", state: "refused", trouble: null, sentAt: 2_000 } as const;
  const history = { threadId: "t", messages: [user("m1", "Why?")], activeRun: null, waiting: [], threadCursor: 0 };
  const having = (changed: Partial<Outgoing>): ThreadState => ({ ...EMPTY, outgoing: [{ ...outgoing, ...changed }] });

  test("is not kept as unsent when the history has it", () => {
    expect(afterHistory(having({}), history).outgoing).toEqual([]);
  });

  test("is kept when the history has only an older one of the same words, and when it was refused", () => {
    expect(afterHistory(having({ sentAt: 60_000 }), history).outgoing).toHaveLength(1);
    expect(afterHistory(having({ trouble: "Not now." }), history).outgoing).toHaveLength(1);
  });
});
