"use client";

/** The messages of a thread, in order, with the tool calls and the fate of each run. Follows the end while the reader is there. */

import { Fragment, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import type { Source } from "../lib/citations";
import type { OpenThread } from "../lib/open_thread";
import { newRun, type ShownRun, type ThreadState, workingRun } from "../lib/thread_state";
import { strings } from "../strings";
import { Answer } from "./answer";
import { Glyph } from "./glyph";
import { OutgoingMessage } from "./outgoing_message";
import { RunFate } from "./run_fate";
import { ToolCalls } from "./tool_calls";
import { UserMessage } from "./user_message";

/** So many are drawn at first, and so many more at each step up: what is far above costs nothing. */
const DRAWN = 60;
const NEAR_END_PX = 80;
/** The run of a question that has no answer: which it was, and why, is not told by the history. */
const UNANSWERED = newRun("", "failed");

interface Props {
  thread: OpenThread;
  state: ThreadState;
  loading: boolean;
  onSource(source: Source): void;
  onEdit(messageId: string, text: string): void;
}

export function ConversationView({ thread, state, loading, onSource, onEdit }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const [away, setAway] = useState(false);
  const [drawn, setDrawn] = useState(DRAWN);
  const heightBefore = useRef<number | null>(null);
  const working = workingRun(state);
  const first = Math.max(0, state.messages.length - drawn);
  const messages = useMemo(() => state.messages.slice(first), [state.messages, first]);
  const lastAnswer = state.messages.at(-1)?.role === "assistant" ? state.messages.at(-1)?.id : null;

  // biome-ignore lint/correctness/useExhaustiveDependencies: another thread begins at its end
  useEffect(() => {
    atEnd.current = true;
    setDrawn(DRAWN);
  }, [state.threadId]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: whatever is drawn anew may have grown
  useLayoutEffect(() => {
    const box = scroller.current;
    if (!box) return;
    if (heightBefore.current !== null) {
      box.scrollTop += box.scrollHeight - heightBefore.current;
      heightBefore.current = null;
    } else if (atEnd.current) box.scrollTop = box.scrollHeight;
  }, [state, drawn]);
  // Formulas and colours come a moment later, and make what is there longer.
  useEffect(() => {
    const box = scroller.current;
    const inside = box?.firstElementChild;
    if (!box || !inside) return;
    const observer = new ResizeObserver(() => {
      if (atEnd.current) box.scrollTop = box.scrollHeight;
    });
    observer.observe(inside);
    return () => observer.disconnect();
  }, []);

  const onScroll = () => {
    const box = scroller.current;
    if (!box) return;
    atEnd.current = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_END_PX;
    setAway(!atEnd.current);
    if (box.scrollTop < 400 && first > 0 && heightBefore.current === null) {
      heightBefore.current = box.scrollHeight;
      setDrawn((before) => before + DRAWN);
    }
  };
  const toEnd = () => {
    atEnd.current = true;
    setAway(false);
    scroller.current?.scrollTo({ top: scroller.current.scrollHeight });
  };

  const runOf = (id: string | null): ShownRun | null => (id ? (state.runs[id] ?? null) : null);
  const told = new Set(messages.map((message) => message.runId));
  const lastRun = Object.values(state.runs).at(-1);
  // What became of an earlier one without an answer would stand below the answers of later ones.
  const silent = Object.values(state.runs).filter((run) => !told.has(run.id) && (run === working || run === lastRun));
  const retryOf = (run: ShownRun) => (run === lastRun && !working ? () => thread.regenerate() : null);
  const isUnanswered = !lastRun && state.unanswered !== null && messages.at(-1)?.id === state.unanswered;
  return (
    <div className="scroll" ref={scroller} onScroll={onScroll}>
      <div className="turns" role="log" aria-live="off" aria-busy={working !== null} aria-label={strings.threads.label}>
        {loading && <p className="loading">…</p>}
        {first > 0 && (
          <button type="button" className="quiet older" onClick={() => setDrawn((before) => before + DRAWN)}>
            {strings.message.older}
          </button>
        )}
        {messages.map((message, at) => {
          if (message.role === "user") return <UserMessage key={message.id} message={message} onEdit={onEdit} />;
          const run = runOf(message.runId);
          const isFirstOfRun = messages.findIndex((each) => each.runId === message.runId) === at;
          const isLastOfRun = messages.findLastIndex((each) => each.runId === message.runId) === at;
          return (
            <Fragment key={message.id}>
              {run && isFirstOfRun && <ToolCalls run={run} onSubmit={(outputs) => thread.submit(run.id, outputs)} />}
              <Answer
                message={message}
                onSource={onSource}
                onRegenerate={message.id === lastAnswer && !working ? () => thread.regenerate() : null}
              />
              {run && isLastOfRun && <RunFate run={run} hasAnswer onRetry={retryOf(run)} />}
            </Fragment>
          );
        })}
        {silent.map((run) => (
          <Fragment key={run.id}>
            <ToolCalls run={run} onSubmit={(outputs) => thread.submit(run.id, outputs)} />
            <RunFate run={run} hasAnswer={false} onRetry={retryOf(run)} />
          </Fragment>
        ))}
        {isUnanswered && <RunFate run={UNANSWERED} hasAnswer={false} onRetry={() => thread.regenerate()} />}
        {state.outgoing.map((outgoing) => (
          <OutgoingMessage
            key={outgoing.key}
            outgoing={outgoing}
            onRetry={() => void thread.retry(outgoing.key)}
            onDiscard={() => thread.discard(outgoing.key)}
          />
        ))}
        {state.waiting.map((waiting) => (
          <div className="turn me-turn" key={waiting.id}>
            <div className="me waiting" dir="auto">
              {waiting.text}
            </div>
            <small>{strings.message.waiting}</small>
          </div>
        ))}
      </div>
      <p className="sr-only" role="status" aria-live="polite">
        {working ? strings.run.writing : state.messages.length > 0 ? strings.run.done : ""}
      </p>
      {away && (
        <button type="button" className="to-end" onClick={toEnd} aria-label={strings.message.toLatest}>
          <Glyph name="down" />
        </button>
      )}
    </div>
  );
}
