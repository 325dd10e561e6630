"use client";

import { useEffect, useRef, useState } from "react";
import { byDay, inOrder, named } from "../lib/days";
import { deleteThread, renameThread } from "../lib/server";
import type { Conversation, Knowledge } from "../lib/wire";
import { strings } from "../strings";
import { Glyph } from "./glyph";
import { ThemeToggle } from "./theme_toggle";
import { ThreadEntry } from "./thread_entry";

/** A deleted thread can be had back for this long. */
const UNDO_MS = 7000;

interface Props {
  threads: Conversation[];
  openId: string | null;
  liveId: string | null;
  knowledge: Knowledge | null;
  onOpen(threadId: string | null): void;
  onChanged(threads: Conversation[]): void;
  onRefresh(): Promise<void>;
  onFiles(): void;
  onClose(): void;
}

export function ThreadList({ threads, openId, liveId, knowledge, onOpen, onChanged, onRefresh, onFiles, onClose }: Props) {
  const [typed, setTyped] = useState("");
  const [removed, setRemoved] = useState<Conversation | null>(null);
  const pending = useRef<{ thread: Conversation; timer: number } | null>(null);

  const flush = () => {
    if (!pending.current) return;
    const { thread, timer } = pending.current;
    pending.current = null;
    clearTimeout(timer);
    void deleteThread(thread.threadId, thread.isGroup).then(onRefresh, onRefresh);
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when the page goes
  useEffect(() => {
    window.addEventListener("pagehide", flush);
    return () => window.removeEventListener("pagehide", flush);
  }, []);
  const remove = (thread: Conversation) => {
    flush();
    onChanged(threads.filter((each) => each.threadId !== thread.threadId));
    if (thread.threadId === openId) onOpen(null);
    setRemoved(thread);
    const timer = window.setTimeout(() => {
      setRemoved(null);
      flush();
    }, UNDO_MS);
    pending.current = { thread, timer };
  };
  const undo = () => {
    if (pending.current) clearTimeout(pending.current.timer);
    pending.current = null;
    setRemoved(null);
    void onRefresh();
  };
  const rename = async (thread: Conversation, name: string) => {
    onChanged(threads.map((each) => (each.threadId === thread.threadId ? { ...each, name } : each)));
    await renameThread(thread.threadId, name).catch(() => {});
    await onRefresh();
  };

  const found = named(inOrder(threads), typed).filter((thread) => thread.threadId !== removed?.threadId);
  return (
    <nav className="threads" aria-label={strings.threads.label}>
      <div className="brand">
        <svg viewBox="0 0 32 32" className="mark" aria-hidden="true">
          <path d="M4 13h24M8 13V7h16v6" />
          <path d="M9 13v10M16 13v15M23 13v10" className="piles" />
        </svg>
        {strings.app.name}
        <span className="grow" />
        <ThemeToggle />
        <button type="button" className="quiet only-narrow" aria-label={strings.source.close} onClick={onClose}>
          <Glyph name="close" />
        </button>
      </div>
      <button type="button" className="new" onClick={() => onOpen(null)}>
        {strings.threads.create} <Glyph name="plus" />
      </button>
      <input
        type="search"
        value={typed}
        placeholder={strings.threads.search}
        aria-label={strings.threads.search}
        onChange={(event) => setTyped(event.target.value)}
      />
      <div className="days">
        {found.length === 0 && <p className="none">{typed ? strings.threads.noMatch : strings.threads.none}</p>}
        {byDay(found, Date.now()).map((day) => (
          <section key={day.name} aria-label={day.name}>
            <h2>{day.name}</h2>
            {day.threads.map((thread) => (
              <ThreadEntry
                key={thread.threadId}
                thread={thread}
                isOpen={thread.threadId === openId}
                isLive={thread.threadId === liveId}
                onOpen={() => onOpen(thread.threadId)}
                onRename={(name) => void rename(thread, name)}
                onRemove={() => remove(thread)}
              />
            ))}
          </section>
        ))}
      </div>
      {removed && (
        <div className="undo" role="status">
          <span>{strings.threads.removed(removed.name)}</span>
          <button type="button" onClick={undo}>
            {strings.threads.undo}
          </button>
        </div>
      )}
      <button type="button" className="foot" onClick={onFiles}>
        <Glyph name="documents" />
        <span>{strings.files.known(documentsIn(knowledge))}</span>
        {knowledge?.model.writes && knowledge.model.name && <small>{knowledge.model.name}</small>}
      </button>
    </nav>
  );
}

function documentsIn(knowledge: Knowledge | null): number {
  if (!knowledge) return 0;
  if (knowledge.examples.searched) return knowledge.examples.titles.length;
  return knowledge.stores.reduce((sum, store) => sum + (store.counts.completed ?? 0), 0);
}
