"use client";

/** Where the user writes. It is never locked: what is typed is kept over reloads until the server has it. */

import { type Ref, useEffect, useImperativeHandle, useRef, useState } from "react";
import { keepDraft, keptDraft } from "../lib/drafts";
import type { OpenThread } from "../lib/open_thread";
import { type ThreadState, workingRun } from "../lib/thread_state";
import { asTrouble } from "../lib/trouble";
import { strings } from "../strings";
import { Glyph } from "./glyph";
import { Notice } from "./notice";

export interface ComposerHandle {
  focus(): void;
  /** Put a text in, ready to be sent. */
  put(text: string): void;
  /** Change an earlier message: sending it takes away what came after. */
  edit(messageId: string, text: string): void;
}

interface Props {
  ref: Ref<ComposerHandle>;
  thread: OpenThread;
  state: ThreadState;
  onFiles(files: File[]): void;
}

export function Composer({ ref, thread, state, onFiles }: Props) {
  const [text, setText] = useState("");
  const [editing, setEditing] = useState<string | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const field = useRef<HTMLTextAreaElement>(null);
  const chooser = useRef<HTMLInputElement>(null);
  const isBusy = workingRun(state) !== null || state.outgoing.some((each) => each.state === "sending");

  useEffect(() => {
    setText(keptDraft(state.threadId));
    setEditing(null);
    setTrouble(null);
  }, [state.threadId]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the height follows the text
  useEffect(() => {
    const box = field.current;
    if (!box) return;
    box.style.height = "auto";
    box.style.height = `${Math.min(box.scrollHeight, 260)}px`;
  }, [text]);
  const write = (typed: string) => {
    setText(typed);
    keepDraft(state.threadId, typed);
  };
  useImperativeHandle(ref, () => ({
    focus: () => field.current?.focus(),
    put: (given) => {
      write(given);
      field.current?.focus();
    },
    edit: (messageId, given) => {
      setEditing(messageId);
      setText(given);
      field.current?.focus();
    },
  }));

  const stopEditing = () => {
    setEditing(null);
    setText(keptDraft(state.threadId));
  };
  const send = async () => {
    const message = text.trim();
    if (message === "") return;
    const replaced = editing;
    setTrouble(null);
    setEditing(null);
    write("");
    try {
      await (replaced === null ? thread.send(message) : thread.resend(replaced, message));
    } catch (thrown) {
      setTrouble(asTrouble(thrown).message);
      setText(message);
      setEditing(replaced);
    }
  };
  const stop = () => thread.stop().catch((thrown) => setTrouble(asTrouble(thrown).message));

  return (
    <form
      className="composer"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      {trouble && <Notice text={trouble} />}
      {editing && (
        <p className="editing">
          {strings.composer.editing}{" "}
          <button type="button" className="quiet" onClick={stopEditing}>
            {strings.composer.cancelEdit}
          </button>
        </p>
      )}
      <textarea
        ref={field}
        rows={1}
        dir="auto"
        value={text}
        aria-label={strings.composer.label}
        placeholder={strings.composer.placeholder}
        onChange={(event) => write(event.target.value)}
        onPaste={(event) => {
          if (event.clipboardData.files.length === 0) return;
          event.preventDefault();
          onFiles([...event.clipboardData.files]);
        }}
        onKeyDown={(event) => {
          if (event.key === "Escape" && editing) stopEditing();
          if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
          event.preventDefault();
          void send();
        }}
      />
      <div className="row">
        <input
          ref={chooser}
          type="file"
          multiple
          hidden
          onChange={(event) => {
            onFiles([...(event.target.files ?? [])]);
            event.target.value = "";
          }}
        />
        <button type="button" className="quiet" onClick={() => chooser.current?.click()}>
          <Glyph name="attach" />
          <span>{strings.composer.files}</span>
        </button>
        <span className="grow" />
        {isBusy && (
          <button type="button" className="round stop" onClick={stop} aria-label={strings.composer.stop}>
            <Glyph name="stop" />
          </button>
        )}
        {(!isBusy || text.trim() !== "") && (
          <button type="submit" className="round" disabled={text.trim() === ""} aria-label={strings.composer.send}>
            <Glyph name="send" />
          </button>
        )}
      </div>
    </form>
  );
}
