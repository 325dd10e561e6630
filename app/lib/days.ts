/** Threads under the days on which they were last used, and found by their name. Pure. */

import { strings } from "../strings";
import type { Conversation } from "./wire";

export interface Day {
  readonly name: string;
  readonly threads: readonly Conversation[];
}

const DAY_MS = 86_400_000;

/** Newest first, as they come; `now` in ms of the epoch. */
export function byDay(threads: readonly Conversation[], now: number): Day[] {
  const midnight = new Date(now).setHours(0, 0, 0, 0);
  const days: { name: string; threads: Conversation[] }[] = [];
  for (const thread of threads) {
    const name = dayOf(Date.parse(thread.updatedAt ?? thread.createdAt ?? ""), midnight);
    if (days.at(-1)?.name !== name) days.push({ name, threads: [] });
    days.at(-1)?.threads.push(thread);
  }
  return days;
}

function dayOf(time: number, midnight: number): string {
  if (time >= midnight) return strings.threads.today;
  if (time >= midnight - DAY_MS) return strings.threads.yesterday;
  if (time >= midnight - 6 * DAY_MS) return strings.threads.week;
  return strings.threads.older;
}

/** Last used first. */
export function inOrder(threads: readonly Conversation[]): Conversation[] {
  const used = (thread: Conversation) => Date.parse(thread.updatedAt ?? thread.createdAt ?? "") || 0;
  return [...threads].sort((one, other) => used(other) - used(one));
}

/** Those whose name has every word that was typed. */
export function named(threads: readonly Conversation[], typed: string): Conversation[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  return threads.filter((thread) => words.every((word) => thread.name.toLowerCase().includes(word)));
}
