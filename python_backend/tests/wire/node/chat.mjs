// A front end's side of a conversation, as browsers' fetch and AssistantStream have it. Reads a job from standard input, writes
// what it saw to standard output. The job: { sdk, baseUrl, form: "guide" | "next", threadId, content, outputs?, stopAfterText? }
//
// form "guide": the chat goes to /chat/stream as the migration guide prints it; tool outputs to /threads/{id}/actions.
// form "next": the quickstart's own paths, and its POSTs without a JSON content type.

import { readFileSync } from "node:fs";
import { sdk, watch } from "./sdk.mjs";

const job = JSON.parse(readFileSync(0, "utf8"));
const AssistantStream = await sdk(job.sdk);
const threads = job.form === "next" ? `${job.baseUrl}/api/assistants/threads` : `${job.baseUrl}/threads`;

function post(url, body) {
  const json = JSON.stringify(body);
  if (job.form === "next") return fetch(url, { method: "POST", body: json });
  return fetch(url, { method: "POST", headers: { "Content-Type": "application/json" }, body: json });
}

function send() {
  if (job.form === "next") return post(`${threads}/${job.threadId}/messages`, { content: job.content });
  return post(`${job.baseUrl}/chat/stream`, { content: job.content, threadId: job.threadId });
}

async function read(response) {
  if (!response.ok) return { status: response.status, runId: response.headers.get("x-run-id"), body: await response.json() };
  let stopping = null;
  let textEvents = 0;
  const seen = await watch(AssistantStream.fromReadableStream(response.body), (event) => {
    if (event.event !== "thread.message.delta") return;
    textEvents += 1;
    if (textEvents === job.stopAfterText) stopping = fetch(`${threads}/${job.threadId}/stop`, { method: "POST" });
  });
  seen.status = response.status;
  seen.contentType = response.headers.get("content-type");
  seen.stopped = stopping && (await (await stopping).json());
  return seen;
}

const streams = [await read(await send())];
// What a front end does on requires_action, until the run ends: run the functions, post what they returned, read the next stream.
for (const outputs of job.outputs ?? []) {
  const run = streams.at(-1).run;
  const calls = run.required_action.submit_tool_outputs.tool_calls;
  const toolCallOutputs = calls.map((call, at) => ({ output: outputs[at] ?? undefined, tool_call_id: call.id }));
  streams.push(await read(await post(`${threads}/${job.threadId}/actions`, { runId: run.id, toolCallOutputs })));
}
process.stdout.write(JSON.stringify(streams));
