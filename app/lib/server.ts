/** Calls to the server. Each throws a Trouble with a sentence when it does not do what it says. */

import { troubleOf } from "./trouble";
import type { Conversation, History, Knowledge, KnownFile, Passage, Run } from "./wire";

/** Empty: the server that this page came from. */
const BASE = (process.env.NEXT_PUBLIC_PYTHON_API_URL ?? "").replace(/\/$/, "");
const LINES = { Accept: "application/x-ndjson" };

export function address(path: string): string {
  return BASE + path;
}

async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  const response = await fetch(address(path), { cache: "no-store", ...init });
  if (!response.ok) throw await troubleOf(response);
  return response;
}

function sending(method: string, body: unknown, headers: Record<string, string> = {}): RequestInit {
  return { method, body: JSON.stringify(body), headers: { "Content-Type": "application/json", ...headers } };
}

async function json<T>(path: string, init?: RequestInit): Promise<T> {
  return (await (await ask(path, init)).json()) as T;
}

export const createThread = async (): Promise<string> =>
  (await json<{ threadId: string }>("/threads/create", { method: "POST" })).threadId;

export const readHistory = (threadId: string, signal: AbortSignal): Promise<History> =>
  json(`/threads/${threadId}/history`, { signal });

export const listThreads = async (): Promise<Conversation[]> =>
  (await json<{ threads: Conversation[] }>("/threads/history")).threads;

export async function renameThread(threadId: string, newName: string): Promise<void> {
  await ask("/threads/history", sending("PUT", { threadId, newName }));
}

export async function shareThread(threadId: string, isGroup: boolean): Promise<void> {
  await ask("/threads/history", sending("PUT", { threadId, isGroup }));
}

/** `keepalive`: the page may be closing. A group stays for its other members: it only leaves the list. */
export async function deleteThread(threadId: string, isGroup: boolean): Promise<void> {
  await ask("/threads/history", { ...sending("DELETE", { threadId, isGroup }), keepalive: true });
}

export const titleFor = async (threadId: string, message: string): Promise<string> =>
  (await json<{ title: string }>(`/threads/${threadId}/title`, sending("POST", { message }))).title;

/** The answer's stream, or an answer with an error status. The same key never makes two messages. */
export const sendMessage = (threadId: string, content: string, key: string, signal: AbortSignal): Promise<Response> =>
  fetch(address("/chat/stream"), {
    ...sending("POST", { threadId, content }, { ...LINES, "Idempotency-Key": key }),
    signal,
  });

export const openRun = (runId: string, after: number | null, signal: AbortSignal): Promise<Response> =>
  fetch(address(`/chat/stream/${runId}${after === null ? "" : `?after=${after}`}`), { headers: LINES, signal });

export const openThread = (threadId: string, after: number | null, signal: AbortSignal): Promise<Response> =>
  fetch(address(`/threads/${threadId}/events${after === null ? "" : `?after=${after}`}`), { headers: LINES, signal });

export async function stopThread(threadId: string): Promise<void> {
  await ask(`/threads/${threadId}/stop`, { method: "POST" });
}

export const submitOutputs = (
  threadId: string,
  runId: string,
  outputs: { tool_call_id: string; output: string }[],
): Promise<Response> =>
  fetch(address(`/threads/${threadId}/actions`), sending("POST", { runId, toolCallOutputs: outputs }, LINES));

export async function deleteMessage(threadId: string, messageId: string): Promise<void> {
  await ask(`/v1/threads/${threadId}/messages/${messageId}`, { method: "DELETE" });
}

/** A run on the thread as it is, without a new message; followed like any other. */
export const runAgain = async (threadId: string, assistantId: string): Promise<Run> =>
  json(`/v1/threads/${threadId}/runs`, sending("POST", { assistant_id: assistantId }));

export const ownAssistant = async (): Promise<string> =>
  (await json<{ assistantId: string }>("/api/assistants", { method: "POST" })).assistantId;

export const listFiles = (): Promise<KnownFile[]> => json("/api/assistants/files");

export async function deleteFile(fileId: string): Promise<void> {
  await ask("/api/assistants/files", sending("DELETE", { fileId }));
}

export const readKnowledge = (): Promise<Knowledge> => json("/api/knowledge");

/** `chunk` is the passage's number in its file; without it the passage is found by the quote. */
export function readPassage(fileId: string, chunk: number | null, quote: string | null, signal: AbortSignal): Promise<Passage> {
  const asked = new URLSearchParams();
  if (chunk !== null) asked.set("chunk", String(chunk));
  if (quote) asked.set("quote", quote);
  return json(`/v1/files/${fileId}/passages?${asked}`, { signal });
}

/** Sends one file, and tells how much of it went, from 0 to 1. `fetch` cannot tell that. */
export function uploadFile(file: File, onProgress: (share: number) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const form = new FormData();
    form.append("file", file);
    request.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    request.onload = async () => {
      const answer = new Response(request.responseText || null, { status: request.status });
      if (answer.ok) resolve();
      else reject(await troubleOf(answer));
    };
    request.onerror = () => reject(new TypeError("network"));
    request.open("POST", address("/api/assistants/files"));
    request.send(form);
  });
}
