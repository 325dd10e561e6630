// The routes of a quickstart's own backend, as functions, and the screen in front of them: the official client is made without an
// argument, and only OPENAI_BASE_URL says where it asks. The job: { sdk, baseUrl, contents, outputs: { name: text } }.

import { readFileSync } from "node:fs";

const job = JSON.parse(readFileSync(0, "utf8"));
process.env.OPENAI_BASE_URL = `${job.baseUrl}/v1`;
process.env.OPENAI_API_KEY = "sk-anything";
const { default: OpenAI } = await import(job.sdk);
const { AssistantStream } = await import(`${job.sdk}/lib/AssistantStream`);
const openai = new OpenAI();
const { assistants, threads } = openai.beta;

const WEATHER = {
  name: "get_weather",
  description: "The weather in a place",
  parameters: { type: "object", properties: { location: { type: "string" } }, required: ["location"] },
};

const routes = {
  async assistant() {
    const tools = [{ type: "code_interpreter" }, { type: "function", function: WEATHER }, { type: "file_search" }];
    const { id } = await assistants.create({ name: "Quick", instructions: "You help.", model: "gpt-4o", tools });
    return (await assistants.retrieve(id)).id;
  },

  async thread() {
    return (await threads.create()).id;
  },

  async message(threadId, assistantId, content) {
    await threads.messages.create(threadId, { role: "user", content });
    return new Response(threads.runs.stream(threadId, { assistant_id: assistantId }).toReadableStream());
  },

  async actions(threadId, runId, toolOutputs) {
    return new Response(threads.runs.submitToolOutputsStream(threadId, runId, { tool_outputs: toolOutputs }).toReadableStream());
  },

  async upload(text, name) {
    const file = await openai.files.create({ file: new File([text], name, { type: "text/plain" }), purpose: "assistants" });
    return file.id;
  },

  async download(fileId) {
    const [file, content] = await Promise.all([openai.files.retrieve(fileId), openai.files.content(fileId)]);
    return { filename: file.filename, text: await new Response(content.body).text() };
  },
};

// Follow one answer to its end as the screen does: outputs are handed in while the stream that asked for them is still open. A message
// is taken as it is when it is done: toReadableStream() of these versions passes on deltas to which it still adds (its snapshot is the
// first of them), so that a word may come twice where it is read more slowly than it is written.
function show(response, screen, threadId) {
  return new Promise((resolve, reject) => {
    const listen = (answer) => {
      const stream = AssistantStream.fromReadableStream(answer.body);
      stream.on("textDelta", () => (deltas += 1));
      stream.on("messageDone", (message) => screen.push(message.content[0].text.value));
      stream.on("error", reject);
      stream.on("event", async ({ event, data }) => {
        if (event === "thread.run.requires_action") {
          const calls = data.required_action.submit_tool_outputs.tool_calls;
          const outputs = calls.map((call) => ({ tool_call_id: call.id, output: job.outputs[call.function.name] }));
          listen(await routes.actions(threadId, data.id, outputs));
        }
        if (/^thread\.run\.(completed|failed)$/.test(event)) resolve([data.status, data.last_error?.message ?? null]);
      });
    };
    listen(response);
  });
}

const assistantId = await routes.assistant();
const threadId = await routes.thread();
const screen = [];
const ends = [];
let deltas = 0;
for (const content of job.contents) ends.push(await show(await routes.message(threadId, assistantId, content), screen, threadId));
const fileId = await routes.upload("Clay is a soil.", "soils ü.txt");
const file = await routes.download(fileId);
console.log(JSON.stringify({ screen, ends, deltas, file, deleted: (await openai.files.del(fileId)).deleted }));
process.exit(0); // this version's connections stay open for a while
