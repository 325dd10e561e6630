/**
 * What was typed, and what was sent and not yet taken by the server, for each thread, kept over reloads. Where the browser keeps
 * nothing, the page still works.
 */

import type { Outgoing } from "./thread_state";

const DRAFT = "underpin:draft:";
const UNSENT = "underpin:unsent:";

export function keptDraft(threadId: string | null): string {
  return read(DRAFT + (threadId ?? "")) ?? "";
}

export function keepDraft(threadId: string | null, text: string): void {
  write(DRAFT + (threadId ?? ""), text === "" ? null : text);
}

/** What is typed while the first message makes its thread belongs to that thread. */
export function moveDraft(threadId: string): void {
  const typed = keptDraft(null);
  if (typed === "") return;
  keepDraft(threadId, typed);
  keepDraft(null, "");
}

/** Messages that the server may not have: none of them is on its way any more. */
export function keptUnsent(threadId: string | null): readonly Outgoing[] {
  try {
    const kept: Outgoing[] = JSON.parse(read(UNSENT + (threadId ?? "")) ?? "[]");
    return kept.map((each) => ({ ...each, state: "refused" }));
  } catch {
    return [];
  }
}

export function keepUnsent(threadId: string | null, outgoing: readonly Outgoing[]): void {
  write(UNSENT + (threadId ?? ""), outgoing.length === 0 ? null : JSON.stringify(outgoing));
}

function read(key: string): string | null {
  try {
    return window.localStorage.getItem(key);
  } catch {
    return null;
  }
}

function write(key: string, text: string | null): void {
  try {
    if (text === null) window.localStorage.removeItem(key);
    else window.localStorage.setItem(key, text);
  } catch {
    // Private windows may have no storage, and full ones take nothing.
  }
}
