/** Events of a run → the thread's state. Every reader of the run, in whatever tab, comes to the same. Pure. */

import {
  afterRun,
  newRun,
  type ShownMessage,
  type ShownRun,
  type ShownStep,
  shown,
  type ThreadState,
  withMessage,
} from "./thread_state";
import type {
  FileCitation,
  Message,
  MessageDelta,
  Run,
  RunStep,
  RunStepDelta,
  StreamEvent,
  ToolCall,
  ToolCallDelta,
} from "./wire";

const RUN_ENDS = new Set(["cancelled", "failed", "completed", "incomplete", "expired", "requires_action"]);

/** Whether a run's stream ends with this event. `requires_action` ends it too: the run goes on under new numbers. */
export function isLastOfRun(event: StreamEvent): boolean {
  return event.event.startsWith("thread.run.") && RUN_ENDS.has(event.event.slice("thread.run.".length));
}

/** The state after one event of a run. Events that are not known change nothing. */
export function afterRunEvent(state: ThreadState, runId: string, event: StreamEvent): ThreadState {
  const { event: name, data } = event;
  if (name === "thread.message.delta") return afterDelta(state, data as MessageDelta);
  if (name.startsWith("thread.message.")) return afterMessage(state, data as Message);
  if (name === "thread.run.step.delta") return onRun(state, runId, (run) => afterStepDelta(run, data as RunStepDelta));
  if (name.startsWith("thread.run.step.")) return onRun(state, runId, (run) => afterStep(run, data as RunStep));
  if (name.startsWith("thread.run.")) return onRun(state, runId, (run) => afterRun(run, data as Run));
  return state;
}

function onRun(state: ThreadState, runId: string, change: (run: ShownRun) => ShownRun): ThreadState {
  return { ...state, runs: { ...state.runs, [runId]: change(state.runs[runId] ?? newRun(runId)) } };
}

function afterMessage(state: ThreadState, message: Message): ThreadState {
  return { ...state, messages: withMessage(state.messages, shown(message)) };
}

function afterDelta(state: ThreadState, delta: MessageDelta): ThreadState {
  const at = state.messages.findLastIndex((message) => message.id === delta.id);
  const before = state.messages[at];
  if (before === undefined) return state;
  let { text } = before;
  const cited: FileCitation[] = [];
  for (const part of delta.delta.content ?? []) {
    text += part.text?.value ?? "";
    cited.push(...(part.text?.annotations ?? []));
  }
  const after: ShownMessage = {
    ...before,
    text,
    citations: cited.length > 0 ? [...before.citations, ...cited] : before.citations,
  };
  return { ...state, messages: state.messages.with(at, after) };
}

function afterStep(run: ShownRun, step: RunStep): ShownRun {
  if (step.step_details.type !== "tool_calls") return run;
  const done = step.status !== "in_progress";
  return withStep(run, { id: step.id, calls: step.step_details.tool_calls, done });
}

function afterStepDelta(run: ShownRun, delta: RunStepDelta): ShownRun {
  const details = delta.delta.step_details;
  if (details?.type !== "tool_calls") return run;
  const before = run.steps.find((step) => step.id === delta.id) ?? { id: delta.id, calls: [], done: false };
  return withStep(run, { ...before, calls: (details.tool_calls ?? []).reduce(afterCall, before.calls) });
}

function withStep(run: ShownRun, step: ShownStep): ShownRun {
  const at = run.steps.findIndex((each) => each.id === step.id);
  return { ...run, steps: at < 0 ? [...run.steps, step] : run.steps.with(at, step) };
}

function afterCall(calls: readonly ToolCall[], piece: ToolCallDelta): readonly ToolCall[] {
  const before = calls[piece.index];
  if (before === undefined) {
    const id = piece.id ?? "";
    const begun: ToolCall =
      piece.type === "file_search"
        ? { id, type: "file_search", file_search: piece.file_search ?? {} }
        : { id, type: "function", function: { name: piece.function?.name ?? "", arguments: piece.function?.arguments ?? "" } };
    return [...calls, begun];
  }
  if (before.type !== "function") return calls;
  const said = before.function.arguments + (piece.function?.arguments ?? "");
  return calls.with(piece.index, { ...before, function: { ...before.function, arguments: said } });
}
