"use client";

import { useState } from "react";
import { weatherOf } from "../lib/client_tools";
import { hasEnded, type ShownRun } from "../lib/thread_state";
import { asTrouble } from "../lib/trouble";
import type { FileSearchCall, FunctionCall } from "../lib/wire";
import { strings } from "../strings";
import { Glyph } from "./glyph";
import { Notice } from "./notice";
import { WeatherWidget } from "./weather_widget";

type Output = { tool_call_id: string; output: string };

/** What a run did before it answered: searches, and calls of functions with their results. */
export function ToolCalls({ run, onSubmit }: { run: ShownRun; onSubmit(outputs: Output[]): Promise<void> }) {
  const awaited = run.status === "requires_action" ? run.awaited : [];
  return (
    <>
      {run.steps.map((step) =>
        step.calls.map((call, at) =>
          call.type === "file_search" ? (
            <Search key={call.id || at} call={call} done={step.done || hasEnded(run.status)} />
          ) : (
            <Called key={call.id || at} call={call} />
          ),
        ),
      )}
      {awaited.length > 0 && <Results calls={awaited.filter((call) => call.type === "function")} onSubmit={onSubmit} />}
    </>
  );
}

function Search({ call, done }: { call: FileSearchCall; done: boolean }) {
  const files = new Set(call.file_search.results?.map((result) => result.file_id));
  return (
    <div className="turn call">
      <Glyph name="search" />
      <span>{done ? strings.tool.searched(files.size) : strings.tool.searching}</span>
    </div>
  );
}

function Called({ call }: { call: FunctionCall }) {
  const weather = weatherOf(call);
  if (weather) return <WeatherWidget weather={weather} />;
  return (
    <details className="turn call">
      <summary>
        {strings.tool.calling} <code>{call.function.name}</code>
      </summary>
      <pre>{call.function.arguments}</pre>
      {call.function.output && (
        <>
          <small>{strings.tool.result}</small>
          <pre>{call.function.output}</pre>
        </>
      )}
    </details>
  );
}

/** Calls that nothing answers by itself: the user may. */
function Results({ calls, onSubmit }: { calls: readonly FunctionCall[]; onSubmit(outputs: Output[]): Promise<void> }) {
  const [given, setGiven] = useState<Record<string, string>>({});
  const [trouble, setTrouble] = useState<string | null>(null);
  const submit = async () => {
    try {
      await onSubmit(calls.map((call) => ({ tool_call_id: call.id, output: given[call.id] ?? "" })));
    } catch (thrown) {
      setTrouble(asTrouble(thrown).message);
    }
  };
  if (calls.every((call) => weatherOf(call))) return null;
  return (
    <form
      className="turn call results"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      {calls.map((call) => (
        <label key={call.id}>
          {strings.tool.giveResult}: <code>{call.function.name}</code>
          <textarea value={given[call.id] ?? ""} onChange={(event) => setGiven({ ...given, [call.id]: event.target.value })} />
        </label>
      ))}
      <button type="submit">{strings.tool.send}</button>
      {trouble && <Notice text={trouble} />}
    </form>
  );
}
