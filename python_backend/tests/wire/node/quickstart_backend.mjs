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
const vectorStores = openai.beta.vectorStores ?? openai.vectorStores; // where later versions have them

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

  async store(assistantId) {
    const given = (await assistants.retrieve(assistantId)).tool_resources?.file_search?.vector_store_ids ?? [];
    if (given.length > 0) return given[0];
    const { id } = await vectorStores.create({ name: "Soils" });
    await assistants.update(assistantId, { tool_resources: { file_search: { vector_store_ids: [id] } } });
    return id;
  },

  async upload(assistantId, text, name) {
    const storeId = await routes.store(assistantId);
    const file = await openai.files.create({ file: new File([text], name, { type: "text/plain" }), purpose: "assistants" });
    await vectorStores.files.create(storeId, { file_id: file.id });
    return file.id;
  },

  async files(assistantId) {
    const storeId = await routes.store(assistantId);
    const named = async ({ id }) => {
      const [file, inStore] = await Promise.all([openai.files.retrieve(id), vectorStores.files.retrieve(storeId, id)]);
      return { filename: file.filename, status: inStore.status };
    };
    return await Promise.all((await vectorStores.files.list(storeId)).data.map(named));
  },

  async remove(assistantId, fileId) {
    await vectorStores.files.del(await routes.store(assistantId), fileId);
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
const fileId = await routes.upload(assistantId, "# Clay\n\nClay is a soil.", "soils ü.txt");
let listed = await routes.files(assistantId);
for (let n = 0; n < 300 && listed[0].status === "in_progress"; n++) {
  await new Promise((later) => setTimeout(later, 100)); // as its page of files does
  listed = await routes.files(assistantId);
}
const file = await routes.download(fileId);
await routes.remove(assistantId, fileId);
const left = await routes.files(assistantId);
console.log(JSON.stringify({ screen, ends, deltas, listed, file, left }));
process.exit(0); // this version's connections stay open for a while
