"use client";

import { useState } from "react";
import type { Conversation } from "../lib/wire";
import { strings } from "../strings";
import { Glyph } from "./glyph";

interface Props {
  thread: Conversation;
  isOpen: boolean;
  isLive: boolean;
  onOpen(): void;
  onRename(name: string): void;
  onRemove(): void;
}

/** A thread in the list: opened by its name; renamed and deleted beside it. */
export function ThreadEntry({ thread, isOpen, isLive, onOpen, onRename, onRemove }: Props) {
  const [name, setName] = useState<string | null>(null);
  if (name !== null) {
    const done = () => {
      setName(null);
      if (name.trim() !== "" && name !== thread.name) onRename(name.trim().slice(0, 256));
    };
    return (
      <input
        className="rename"
        // biome-ignore lint/a11y/noAutofocus: the user asked to write here
        autoFocus
        dir="auto"
        value={name}
        aria-label={strings.threads.renameLabel}
        onChange={(event) => setName(event.target.value)}
        onBlur={done}
        onKeyDown={(event) => {
          if (event.key === "Enter") done();
          if (event.key === "Escape") setName(null);
        }}
      />
    );
  }
  return (
    <div className="entry">
      <button type="button" className="thread" aria-current={isOpen ? "page" : undefined} onClick={onOpen} dir="auto">
        {isLive && <span className="live" role="img" aria-label={strings.threads.live} />}
        {thread.name || strings.threads.untitled}
      </button>
      <span className="entry-tools">
        <button
          type="button"
          className="quiet"
          aria-label={`${strings.threads.rename}: ${thread.name}`}
          onClick={() => setName(thread.name)}
        >
          <Glyph name="edit" />
        </button>
        <button type="button" className="quiet" aria-label={`${strings.threads.remove}: ${thread.name}`} onClick={onRemove}>
          <Glyph name="trash" />
        </button>
      </span>
    </div>
  );
}
