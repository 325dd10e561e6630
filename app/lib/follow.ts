/**
 * A stream that survives: when the connection is cut, goes silent or the server restarts, it is opened again behind the last
 * number that was seen. Ends by itself only after the event that the caller calls the last one.
 */

import { LineReader } from "./lines";
import { asTrouble, type Trouble, troubleOf } from "./trouble";
import type { StreamEvent } from "./wire";

/** The server says something at least every 15 s; a connection that is silent for longer than this is dead. */
export const SILENCE_MS = 40_000;
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 8_000;

export interface Following {
  /** Ask for the events behind a number; null asks for all. */
  open(after: number | null, signal: AbortSignal): Promise<Response>;
  isLast(event: StreamEvent): boolean;
  /** The events of one read, in order. */
  onEvents(events: StreamEvent[]): void;
  /** False while the connection is lost, with the trouble; true when it is back. */
  onConnection(connected: boolean, trouble: Trouble | null): void;
  after: number | null;
  /** A connection that is open already, such as the answer to the message. */
  first?: Response;
  signal: AbortSignal;
  /** For tests: how long to wait before a try, in ms. */
  wait?(ms: number, signal: AbortSignal): Promise<void>;
}

/** Returns after the last event, or when `signal` aborts. Throws a Trouble that trying again cannot mend, such as 404. */
export async function follow(following: Following): Promise<void> {
  const { signal } = following;
  const wait = following.wait ?? untilOnlineOr;
  let { after, first } = following;
  let waitMs = FIRST_WAIT_MS;
  while (!signal.aborted) {
    let trouble: Trouble | null = null;
    try {
      const response = first ?? (await following.open(after, signal));
      first = undefined;
      if (!response.ok) throw await troubleOf(response);
      following.onConnection(true, null);
      for await (const events of eventsOf(response, signal)) {
        waitMs = FIRST_WAIT_MS;
        const fresh = events.filter((event) => event.id === null || after === null || event.id > after);
        after = fresh.reduce((last, event) => event.id ?? last, after);
        if (fresh.length > 0) following.onEvents(fresh);
        if (fresh.some((event) => following.isLast(event))) return;
      }
    } catch (thrown) {
      if (signal.aborted) return;
      trouble = asTrouble(thrown);
      if (trouble.status !== null && !trouble.again) throw trouble;
    }
    following.onConnection(false, trouble);
    await wait(trouble?.waitS ? trouble.waitS * 1000 : waitMs, signal);
    waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
  }
}

async function* eventsOf(response: Response, signal: AbortSignal): AsyncGenerator<StreamEvent[]> {
  if (response.body === null) return;
  const reader = response.body.getReader();
  const lines = new LineReader();
  const cancel = () => void reader.cancel().catch(() => {});
  signal.addEventListener("abort", cancel);
  try {
    while (true) {
      const read = await withinSilence(reader.read());
      if (read.done) return;
      yield lines.push(read.value);
    }
  } finally {
    signal.removeEventListener("abort", cancel);
    cancel();
  }
}

async function withinSilence<T>(promise: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TypeError("silence")), SILENCE_MS);
  });
  try {
    return await Promise.race([promise, silence]);
  } finally {
    clearTimeout(timer);
  }
}

/** The wait ends early when the machine comes back online, or the page back into view. */
function untilOnlineOr(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      window.removeEventListener("online", done);
      document.removeEventListener("visibilitychange", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
    window.addEventListener("online", done);
    document.addEventListener("visibilitychange", done);
  });
}
