/** What is known of one thread: its messages, the runs that work on it, and what of the user's own is on its way. Pure. */

import type { FileCitation, Message, Run, RunStatus, ToolCall } from "./wire";

export interface ShownMessage {
  readonly id: string;
  readonly role: "user" | "assistant";
  readonly text: string;
  readonly citations: readonly FileCitation[];
  readonly status: "writing" | "whole" | "cut";
  readonly createdAt: number;
  readonly runId: string | null;
}

/** A round of tool calls; it stands before the message that uses its results. */
export interface ShownStep {
  readonly id: string;
  readonly calls: readonly ToolCall[];
  readonly done: boolean;
}

export interface ShownRun {
  readonly id: string;
  readonly status: RunStatus;
  readonly steps: readonly ShownStep[];
  /** Why it ended, where that was not as it should. */
  readonly trouble: string | null;
  readonly awaited: readonly ToolCall[];
}

/** A message of the user's that the server has not confirmed. */
export interface Outgoing {
  readonly key: string;
  readonly text: string;
  readonly state: "sending" | "refused";
  readonly trouble: string | null;
  readonly sentAt: number;
}

export interface ThreadState {
  readonly threadId: string | null;
  readonly messages: readonly ShownMessage[];
  readonly runs: Readonly<Record<string, ShownRun>>;
  readonly outgoing: readonly Outgoing[];
  readonly waiting: readonly { readonly id: string; readonly text: string }[];
  /** Runs that are to be followed, with the number behind which. */
  readonly active: Readonly<Record<string, number>>;
  /** The question at the end of the history, when no run is to answer it. */
  readonly unanswered: string | null;
  readonly name: string | null;
  readonly deleted: boolean;
}

export const EMPTY: ThreadState = {
  threadId: null,
  messages: [],
  runs: {},
  outgoing: [],
  waiting: [],
  active: {},
  unanswered: null,
  name: null,
  deleted: false,
};

const ENDED: ReadonlySet<RunStatus> = new Set(["cancelled", "failed", "completed", "incomplete", "expired"]);

export function hasEnded(status: RunStatus): boolean {
  return ENDED.has(status);
}

/** The run that is at work, if any: one at a time works on a thread. */
export function workingRun(state: ThreadState): ShownRun | null {
  const runs = Object.values(state.runs).filter((run) => !hasEnded(run.status) && run.status !== "queued");
  return runs.at(-1) ?? Object.values(state.runs).find((run) => !hasEnded(run.status)) ?? null;
}

export function shown(message: Message): ShownMessage {
  const parts = message.content.filter((part) => part.type === "text");
  return {
    id: message.id,
    role: message.role,
    text: parts.map((part) => part.text.value).join("\n\n"),
    citations: parts.flatMap((part) => part.text.annotations.filter((each) => each.type === "file_citation")),
    status: message.status === "in_progress" ? "writing" : message.status === "incomplete" ? "cut" : "whole",
    createdAt: message.created_at,
    runId: message.run_id,
  };
}

/** The message in its place: over the one with its id, else behind all. */
export function withMessage(messages: readonly ShownMessage[], message: ShownMessage): readonly ShownMessage[] {
  const at = messages.findLastIndex((each) => each.id === message.id);
  return at < 0 ? [...messages, message] : messages.with(at, message);
}

/** What is known of a run before its first event was read. */
export function newRun(id: string, status: RunStatus = "queued"): ShownRun {
  return { id, status, steps: [], trouble: null, awaited: [] };
}

export function afterRun(before: ShownRun, run: Run): ShownRun {
  const awaited = run.required_action?.submit_tool_outputs.tool_calls ?? [];
  return { ...before, status: run.status, trouble: run.last_error?.message ?? null, awaited };
}
