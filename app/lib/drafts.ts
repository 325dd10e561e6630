/** What was typed and not sent, for each thread, kept over reloads. Where the browser keeps nothing, the page still works. */

const PREFIX = "underpin:draft:";

export function keptDraft(threadId: string | null): string {
  try {
    return window.localStorage.getItem(PREFIX + (threadId ?? "")) ?? "";
  } catch {
    return "";
  }
}

export function keepDraft(threadId: string | null, text: string): void {
  try {
    if (text === "") window.localStorage.removeItem(PREFIX + (threadId ?? ""));
    else window.localStorage.setItem(PREFIX + (threadId ?? ""), text);
  } catch {
    // Private windows may have no storage, and full ones take nothing.
  }
}
