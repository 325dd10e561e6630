// The screen of a quickstart front end, as its handlers make it: messages are added, grown and annotated, functions are run as soon as
// they are asked for, while the first stream is still open, and the input is free again when the run has completed.
// The job: { sdk, baseUrl, content, functions: { name: output } }. Writes what the screen shows at the end.

import { readFileSync } from "node:fs";
import { sdk } from "./sdk.mjs";

const job = JSON.parse(readFileSync(0, "utf8"));
const AssistantStream = await sdk(job.sdk);
const api = `${job.baseUrl}/api/assistants`;
const screen = { messages: [], inputDisabled: true, handled: {} };
const count = (name) => (screen.handled[name] = (screen.handled[name] ?? 0) + 1);
const last = () => screen.messages.at(-1);
let settled;
const finished = new Promise((resolve) => (settled = resolve));

function listen(stream) {
  stream
    .on("textCreated", () => {
      count("textCreated");
      screen.messages.push({ role: "assistant", text: "", annotations: 0 });
    })
    .on("textDelta", (delta) => {
      count("textDelta");
      if (delta.value != null) last().text += delta.value;
      if (delta.annotations != null) last().annotations += delta.annotations.length;
    })
    .on("imageFileDone", () => count("imageFileDone"))
    .on("toolCallCreated", (toolCall) => {
      count("toolCallCreated");
      if (toolCall.type === "code_interpreter") screen.messages.push({ role: "code", text: "" });
    })
    .on("toolCallDelta", (delta) => {
      count("toolCallDelta");
      if (delta.type === "code_interpreter" && delta.code_interpreter.input) last().text += delta.code_interpreter.input;
    })
    .on("event", (event) => {
      if (event.event === "thread.run.requires_action") runFunctions(event.data);
      if (event.event === "thread.run.completed") {
        count("completed");
        screen.inputDisabled = false;
        settled();
      }
    });
}

async function runFunctions(run) {
  count("requires_action");
  const calls = run.required_action.submit_tool_outputs.tool_calls;
  const toolCallOutputs = await Promise.all(
    calls.map(async (call) => ({ output: job.functions[call.function.name], tool_call_id: call.id })),
  );
  const body = JSON.stringify({ runId: run.id, toolCallOutputs });
  const response = await fetch(`${api}/threads/${threadId}/actions`, { method: "POST", headers: { "Content-Type": "application/json" }, body });
  listen(AssistantStream.fromReadableStream(response.body));
}

await fetch(api, { method: "POST" });
const { threadId } = await (await fetch(`${api}/threads`, { method: "POST" })).json();
screen.messages.push({ role: "user", text: job.content });
const response = await fetch(`${api}/threads/${threadId}/messages`, { method: "POST", body: JSON.stringify({ content: job.content }) });
listen(AssistantStream.fromReadableStream(response.body));
await finished;
process.stdout.write(JSON.stringify({ ...screen, threadId }));
