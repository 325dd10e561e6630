/**
 * The thread that is open: one stream of the thread's own events, one of the run that works on it, and what the user does.
 * Everything that is shown comes from `state`; whoever draws it subscribes.
 */

import { outputsOf } from "./client_tools";
import { keepUnsent, keptUnsent } from "./drafts";
import { follow } from "./follow";
import { afterRunEvent, isLastOfRun } from "./run_events";
import * as server from "./server";
import { afterAccepted, afterFollowed, afterHistory, afterStarted, afterThreadEvent } from "./thread_events";
import { EMPTY, newRun, type Outgoing, type ThreadState, workingRun } from "./thread_state";
import { asTrouble, Trouble, troubleOf } from "./trouble";
import type { StreamEvent } from "./wire";

export interface Shown {
  readonly state: ThreadState;
  /** False while the server cannot be reached. */
  readonly connected: boolean;
  /** Why the thread cannot be shown. */
  readonly trouble: Trouble | null;
  readonly loading: boolean;
}

const NOTHING: Shown = { state: EMPTY, connected: true, trouble: null, loading: false };

export class OpenThread {
  #shown: Shown = NOTHING;
  #listeners = new Set<() => void>();
  #frame: number | null = null;
  #closing = new AbortController();
  #following = new Set<string>();

  /** `onMade` is told the id of the thread that the first message made; `onUsed` that the list of threads has changed. */
  constructor(
    readonly onMade: (threadId: string) => void,
    readonly onUsed: (threadId: string, firstMessage: string | null) => void,
  ) {}

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly current = (): Shown => this.#shown;

  /** Show another thread; null: an empty one, which is made with its first message. */
  open(threadId: string | null): void {
    if (threadId !== null && threadId === this.#shown.state.threadId) return;
    this.#begin();
    this.#show({ ...NOTHING, state: { ...EMPTY, threadId, outgoing: keptUnsent(threadId) }, loading: threadId !== null });
    if (threadId !== null) void this.#load(threadId, this.#closing.signal);
  }

  close(): void {
    this.#closing.abort();
  }

  /** Try to show the thread again after trouble. */
  again(): void {
    const { threadId } = this.#shown.state;
    this.#begin();
    this.#show({ ...this.#shown, trouble: null, loading: true });
    if (threadId !== null) void this.#load(threadId, this.#closing.signal);
  }

  /** The message is shown at once, and kept as refused, with the reason, when the server does not take it. */
  async send(text: string): Promise<void> {
    const outgoing: Outgoing = { key: crypto.randomUUID(), text, state: "sending", trouble: null, sentAt: Date.now() };
    this.#change((state) => ({ ...state, outgoing: [...state.outgoing, outgoing] }));
    await this.#deliver(outgoing);
  }

  async retry(key: string): Promise<void> {
    const again = this.#shown.state.outgoing.find((each) => each.key === key);
    if (!again) return;
    const outgoing: Outgoing = { ...again, state: "sending", trouble: null };
    this.#change((state) => ({ ...state, outgoing: state.outgoing.map((each) => (each.key === key ? outgoing : each)) }));
    await this.#deliver(outgoing);
  }

  discard(key: string): void {
    this.#change((state) => ({ ...state, outgoing: state.outgoing.filter((each) => each.key !== key) }));
  }

  async stop(): Promise<void> {
    const { threadId } = this.#shown.state;
    if (threadId !== null) await server.stopThread(threadId);
  }

  /** Answer the last question again: what was answered goes, the question stays. */
  async regenerate(): Promise<void> {
    const { threadId, messages } = this.#shown.state;
    const answer = messages[messages.findLastIndex((message) => message.role === "user") + 1];
    if (threadId === null) return;
    if (answer) await this.#deleteFrom(answer.id);
    const run = await server.runAgain(threadId, await server.ownAssistant());
    this.#change((state) => afterStarted(state, run.id, 0));
  }

  /** Ask another question in place of an earlier one: that and all behind it goes. */
  async resend(messageId: string, text: string): Promise<void> {
    await this.#deleteFrom(messageId);
    await this.send(text);
  }

  /** Hand in the results of the calls that the run waits for. */
  async submit(runId: string, outputs: { tool_call_id: string; output: string }[]): Promise<void> {
    const { threadId } = this.#shown.state;
    if (threadId === null) return;
    const response = await server.submitOutputs(threadId, runId, outputs);
    if (!response.ok) throw await troubleOf(response);
    this.#change((state) => ({
      ...state,
      runs: { ...state.runs, [runId]: { ...newRun(runId, "in_progress"), ...kept(state, runId) } },
    }));
    void this.#followRun(runId, null, response);
  }

  async #deleteFrom(messageId: string): Promise<void> {
    const { threadId, messages } = this.#shown.state;
    const at = messages.findIndex((message) => message.id === messageId);
    if (threadId === null || at < 0) return;
    if (workingRun(this.#shown.state)) await server.stopThread(threadId);
    for (const message of messages.slice(at).reverse()) await server.deleteMessage(threadId, message.id);
    this.#change((state) => ({ ...state, messages: state.messages.slice(0, at) }));
  }

  async #deliver(outgoing: Outgoing): Promise<void> {
    const { signal } = this.#closing;
    try {
      const threadId = await this.#ownThread(signal);
      const isFirst = this.#shown.state.messages.length === 0;
      const response = await server.sendMessage(threadId, outgoing.text, outgoing.key, signal);
      if (!response.ok) {
        const trouble = await troubleOf(response);
        // A refusal by the model comes with a run: the message is in the thread, and its run tells why it failed.
        if (!response.headers.get("x-run-id")) throw trouble;
      }
      this.#change((state) => afterAccepted(state, outgoing.key));
      this.onUsed(threadId, isFirst ? outgoing.text : null);
      const runId = response.headers.get("x-run-id");
      if (runId) await this.#followRun(runId, null, response.ok ? response : undefined);
    } catch (thrown) {
      if (signal.aborted) return;
      const trouble = asTrouble(thrown).message;
      this.#change((state) => ({
        ...state,
        outgoing: state.outgoing.map((each) => (each.key === outgoing.key ? { ...each, state: "refused", trouble } : each)),
      }));
    }
  }

  async #ownThread(signal: AbortSignal): Promise<string> {
    const known = this.#shown.state.threadId;
    if (known !== null) return known;
    const threadId = await server.createThread();
    if (signal.aborted) return threadId;
    this.#change((state) => ({ ...state, threadId }));
    this.onMade(threadId);
    void this.#followThread(threadId, 0, signal);
    return threadId;
  }

  async #load(threadId: string, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const history = await server.readHistory(threadId, signal);
        if (signal.aborted) return;
        this.#following.clear();
        this.#show({ ...this.#shown, connected: true, trouble: null, loading: false });
        this.#change((state) => afterHistory(state, history));
        if ((await this.#followThread(threadId, history.threadCursor, signal)) === "over") return;
      } catch (thrown) {
        if (!signal.aborted) this.#show({ ...this.#shown, trouble: asTrouble(thrown), loading: false });
        return;
      }
    }
  }

  /** "again": the thread has to be read anew. */
  async #followThread(threadId: string, after: number, signal: AbortSignal): Promise<"over" | "again"> {
    let reset = false;
    this.#followActive();
    try {
      await follow({
        after,
        signal,
        open: (from, aborting) => server.openThread(threadId, from, aborting),
        isLast: (event) => event.event === "thread.reset" || event.event === "thread.deleted",
        onConnection: (connected) => this.#show({ ...this.#shown, connected }),
        onEvents: (events) => {
          reset = events.some((event) => event.event === "thread.reset");
          this.#change((state) => events.reduce(afterThreadEvent, state));
          this.#followActive();
        },
      });
    } catch (thrown) {
      if (!signal.aborted) this.#show({ ...this.#shown, trouble: asTrouble(thrown) });
    }
    return reset ? "again" : "over";
  }

  #followActive(): void {
    for (const [runId, after] of Object.entries(this.#shown.state.active)) {
      if (!this.#following.has(runId)) void this.#followRun(runId, after);
    }
  }

  async #followRun(runId: string, after: number | null, first?: Response): Promise<void> {
    if (this.#following.has(runId)) {
      void first?.body?.cancel().catch(() => {});
      return;
    }
    const { signal } = this.#closing;
    this.#following.add(runId);
    this.#change((state) => afterStarted(state, runId, after ?? 0));
    try {
      await follow({
        after,
        first,
        signal,
        open: (from, aborting) => server.openRun(runId, from, aborting),
        isLast: isLastOfRun,
        onConnection: () => {},
        onEvents: (events: StreamEvent[]) =>
          this.#change((state) => events.reduce((each, event) => afterRunEvent(each, runId, event), state)),
      });
    } catch (thrown) {
      if (!signal.aborted) this.#failRun(runId, asTrouble(thrown));
    } finally {
      this.#following.delete(runId);
    }
    if (signal.aborted) return;
    this.#change((state) => afterFollowed(state, runId));
    await this.#answerCalls(runId);
  }

  #failRun(runId: string, trouble: Trouble): void {
    this.#change((state) => {
      const run = state.runs[runId] ?? newRun(runId);
      return { ...state, runs: { ...state.runs, [runId]: { ...run, status: "failed", trouble: trouble.message } } };
    });
  }

  /** Calls of functions that this page has are answered by it; others wait for the user. */
  async #answerCalls(runId: string): Promise<void> {
    const run = this.#shown.state.runs[runId];
    if (run?.status !== "requires_action") return;
    const outputs = outputsOf(run.awaited);
    if (outputs === null) return;
    try {
      await this.submit(runId, outputs);
    } catch (thrown) {
      // Another tab was first: then the thread's stream tells how the run goes on.
      if (!(thrown instanceof Trouble && thrown.status === 400)) this.#failRun(runId, asTrouble(thrown));
    }
  }

  #begin(): void {
    this.#closing.abort();
    this.#closing = new AbortController();
    this.#following.clear();
  }

  #change(change: (state: ThreadState) => ThreadState): void {
    const before = this.#shown.state;
    const state = change(before);
    if (state.threadId !== before.threadId) keepUnsent(before.threadId, []);
    if (state.threadId !== before.threadId || state.outgoing !== before.outgoing) keepUnsent(state.threadId, state.outgoing);
    this.#show({ ...this.#shown, state });
  }

  /** What is shown changes at once, and is drawn once a frame, however many events came. */
  #show(shown: Shown): void {
    this.#shown = shown;
    if (this.#frame !== null) return;
    const draw = () => {
      this.#frame = null;
      for (const listener of this.#listeners) listener();
    };
    // A page in the background gets no frames.
    this.#frame = document.hidden ? window.setTimeout(draw, 100) : requestAnimationFrame(draw);
  }
}

function kept(state: ThreadState, runId: string) {
  return { steps: state.runs[runId]?.steps ?? [] };
}
