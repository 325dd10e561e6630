"use client";

import { useState } from "react";
import { shareThread } from "../lib/server";
import { asTrouble } from "../lib/trouble";
import type { Conversation } from "../lib/wire";
import { strings } from "../strings";
import { Glyph } from "./glyph";

interface Props {
  thread: Conversation | null;
  onList(): void;
  onFiles(): void;
  onChanged(): Promise<void>;
}

export function ThreadHeader({ thread, onList, onFiles, onChanged }: Props) {
  const [told, setTold] = useState<string | null>(null);
  const share = async (isGroup: boolean) => {
    if (!thread) return;
    try {
      await shareThread(thread.threadId, isGroup);
      await onChanged();
      if (isGroup) await navigator.clipboard?.writeText(`${window.location.origin}/?thread=${thread.threadId}`);
      setTold(isGroup ? strings.threads.linkCopied : null);
    } catch (thrown) {
      setTold(asTrouble(thrown).message);
    }
  };
  return (
    <header className="top">
      <button type="button" className="quiet only-narrow" aria-label={strings.threads.open} onClick={onList}>
        <Glyph name="menu" />
      </button>
      <h1 dir="auto">{thread?.name ?? strings.threads.untitled}</h1>
      {thread?.isGroup && <span className="pill">{strings.threads.shared}</span>}
      {thread && (
        <button
          type="button"
          className="quiet"
          aria-label={thread.isGroup ? strings.threads.unshare : strings.threads.share}
          title={thread.isGroup ? strings.threads.unshare : strings.threads.share}
          onClick={() => void share(!thread.isGroup)}
        >
          <Glyph name="people" />
        </button>
      )}
      <button type="button" className="quiet" aria-label={strings.files.label} title={strings.files.label} onClick={onFiles}>
        <Glyph name="documents" />
      </button>
      {told && (
        <p className="told" role="status">
          {told}
        </p>
      )}
    </header>
  );
}
