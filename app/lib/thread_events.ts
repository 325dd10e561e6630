/** Events of a thread → its state: what other tabs and other members did, and which runs are to be followed. Pure. */

import { EMPTY, hasEnded, newRun, type Outgoing, type ShownMessage, shown, type ThreadState, withMessage } from "./thread_state";
import type { History, Message, RunStatus, StreamEvent } from "./wire";

/** How far the server's clock may be behind this machine's, in seconds. */
const CLOCKS_APART_S = 5;

/** The state that a history tells, with what of the user's own is still on its way. */
export function afterHistory(before: ThreadState, history: History): ThreadState {
  const active = history.activeRun;
  const runs = { ...before.runs };
  const newest = history.messages[0];
  const isAnswered = newest?.role !== "user" || active !== null || history.waiting.length > 0;
  if (active && !runs[active.id]) runs[active.id] = newRun(active.id, active.status);
  return {
    ...EMPTY,
    threadId: history.threadId,
    messages: history.messages.map(shown).reverse(),
    runs,
    outgoing: before.outgoing.filter((each) => !hasArrived(each, history)),
    waiting: history.waiting,
    active: active ? { [active.id]: active.cursor } : {},
    unanswered: isAnswered ? null : newest.id,
    name: before.name,
  };
}

/** Whether the history has a message that was on its way when the page went, so that nobody knew. */
function hasArrived({ text, state, trouble, sentAt }: Outgoing, history: History): boolean {
  if (state !== "refused" || trouble !== null) return false;
  const since = sentAt / 1000 - CLOCKS_APART_S;
  return history.messages.some((each) => each.role === "user" && each.created_at >= since && shown(each).text === text);
}

/** `thread.reset` is the caller's: it reads the history anew. */
export function afterThreadEvent(state: ThreadState, event: StreamEvent): ThreadState {
  switch (event.event) {
    case "thread.message.added":
      return afterAdded(state, (event.data as { message: Message }).message);
    case "thread.message.deleted": {
      const { messageId } = event.data as { messageId: string };
      return { ...state, messages: state.messages.filter((message) => message.id !== messageId) };
    }
    case "thread.run.queued": {
      const { runId, message } = event.data as { runId: string; message: Message };
      const { text } = shown(message);
      return { ...withoutOwn(state, text), waiting: [...state.waiting, { id: runId, text }] };
    }
    case "thread.run.started": {
      const { runId, after } = event.data as { runId: string; after: number };
      return afterStarted(state, runId, after);
    }
    case "thread.run.ended": {
      const { runId, status } = event.data as { runId: string; status: RunStatus };
      return afterEnded(state, runId, status);
    }
    case "thread.renamed":
      return { ...state, name: (event.data as { name: string }).name };
    case "thread.deleted":
      return { ...state, deleted: true };
    default:
      return state;
  }
}

/** The run is to be followed, unless it is already, or has ended. */
export function afterStarted(state: ThreadState, runId: string, after: number): ThreadState {
  const run = state.runs[runId];
  if (runId in state.active || (run && hasEnded(run.status))) return state;
  return {
    ...state,
    runs: { ...state.runs, [runId]: run ?? newRun(runId, "in_progress") },
    waiting: state.waiting.filter((each) => each.id !== runId),
    active: { ...state.active, [runId]: after },
  };
}

/** Nobody follows the run any more; how it ended is told by its own events, or by the thread's. */
export function afterFollowed(state: ThreadState, runId: string): ThreadState {
  const { [runId]: _, ...active } = state.active;
  return { ...state, active };
}

/** The server took the user's message: it stands in its place, before the answer, until the thread's stream tells its id. */
export function afterAccepted(state: ThreadState, key: string): ThreadState {
  const own = state.outgoing.find((each) => each.key === key);
  if (!own) return state;
  const message: ShownMessage = {
    id: LOCAL + key,
    role: "user",
    text: own.text,
    citations: [],
    status: "whole",
    createdAt: Math.floor(own.sentAt / 1000),
    runId: null,
  };
  return {
    ...state,
    messages: [...state.messages, message],
    outgoing: state.outgoing.filter((each) => each.key !== key),
  };
}

const LOCAL = "local:";

function afterAdded(state: ThreadState, message: Message): ThreadState {
  const added = shown(message);
  if (added.role === "assistant" || state.messages.some((each) => each.id === added.id)) {
    return { ...state, messages: withMessage(state.messages, added) };
  }
  const local = state.messages.findIndex((each) => each.id.startsWith(LOCAL) && each.text === added.text);
  if (local >= 0) return { ...state, messages: state.messages.with(local, added) };
  const rest = withoutOwn(state, added.text);
  return { ...rest, messages: [...rest.messages, added] };
}

/** Without the first of the user's own messages with this text that the server has by now. */
function withoutOwn(state: ThreadState, text: string): ThreadState {
  const local = state.messages.findIndex((each) => each.id.startsWith(LOCAL) && each.text === text);
  if (local >= 0) return { ...state, messages: state.messages.toSpliced(local, 1) };
  const at = state.outgoing.findIndex((each) => each.text === text && each.state === "sending");
  return at < 0 ? state : { ...state, outgoing: state.outgoing.toSpliced(at, 1) };
}

function afterEnded(state: ThreadState, runId: string, status: RunStatus): ThreadState {
  const run = state.runs[runId];
  if (!run || hasEnded(run.status) || runId in state.active) return state;
  return { ...state, runs: { ...state.runs, [runId]: { ...run, status } } };
}
