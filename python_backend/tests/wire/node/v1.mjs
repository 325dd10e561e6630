// A program written for OpenAI's Assistants API, with the official client: only its base URL is another one.
// Reads a job { sdk, baseUrl, do } from standard input and writes what it saw to standard output.

import { readFileSync } from "node:fs";
import { all, refused, watch } from "./sdk.mjs";

const job = JSON.parse(readFileSync(0, "utf8"));
const { default: OpenAI, toFile } = await import(job.sdk);
const client = new OpenAI({ baseURL: `${job.baseUrl}/v1`, apiKey: "sk-anything", maxRetries: 0 });
const { assistants, threads } = client.beta;

const WEATHER = { type: "function", function: { name: "get_weather", parameters: { type: "object", properties: {} } } };
const assistant = await assistants.create({ model: "gpt-4o", instructions: "Be brief.", tools: [WEATHER] });

const ask = (content) => threads.create({ messages: [{ role: "user", content }] });
const outputs = (run, texts) =>
  run.required_action.submit_tool_outputs.tool_calls.map((call, at) => ({ tool_call_id: call.id, output: texts[at] }));

const does = {
  async streams({ script, texts }) {
    const thread = await ask(script);
    const seen = [await watch(threads.runs.stream(thread.id, { assistant_id: assistant.id }))];
    while (seen.at(-1).run?.status === "requires_action") {
      const { id } = seen.at(-1).run;
      const given = { thread_id: thread.id, tool_outputs: outputs(seen.at(-1).run, texts) };
      seen.push(await watch(threads.runs.submitToolOutputsStream(id, given)));
    }
    return seen;
  },

  async cancels({ script }) {
    const thread = await ask(script);
    let cancelled = null;
    let run = null;
    const seen = await watch(threads.runs.stream(thread.id, { assistant_id: assistant.id }), (event) => {
      if (event.event === "thread.run.created") run = event.data.id;
      if (event.event === "thread.message.delta") cancelled ??= threads.runs.cancel(run, { thread_id: thread.id });
    });
    return { seen, cancelled: await cancelled };
  },

  async polls({ script, texts }) {
    const thread = await ask(script);
    const began = performance.now();
    let run = await threads.runs.createAndPoll(thread.id, { assistant_id: assistant.id });
    if (run.status === "requires_action")
      run = await threads.runs.submitToolOutputsAndPoll(run.id, { thread_id: thread.id, tool_outputs: outputs(run, texts) });
    const [message] = (await threads.messages.list(thread.id, { run_id: run.id })).data;
    return { run, text: message.content[0].text.value, ms: performance.now() - began };
  },

  async createsThreadAndRun() {
    const stream = threads.createAndRunStream({ assistant_id: assistant.id, thread: { messages: [{ role: "user", content: "Hello." }] } });
    return await watch(stream);
  },

  async pages() {
    const messages = ["1", "2", "3", "4", "5"].map((content) => ({ role: "user", content }));
    const thread = await threads.create({ messages });
    const text = async (query) => (await all(threads.messages.list(thread.id, query))).map((one) => one.content[0].text.value).join("");
    return [await text({ limit: 2 }), await text({ order: "asc", limit: 3 })];
  },

  async searches({ script, include, documents }) {
    const store = await client.vectorStores.create({ name: "Soils" });
    for (const [name, text] of Object.entries(documents))
      await client.vectorStores.files.uploadAndPoll(store.id, await toFile(Buffer.from(text), name), { pollIntervalMs: 50 });
    const own = await assistants.create({
      model: "gpt-4o",
      tools: [{ type: "file_search" }],
      tool_resources: { file_search: { vector_store_ids: [store.id] } },
    });
    const thread = await ask(script);
    const steps = [];
    const seen = await watch(threads.runs.stream(thread.id, { assistant_id: own.id, include }), (event) => {
      if (event.event === "thread.run.step.completed") steps.push(structuredClone(event.data));
    });
    const listed = await all(threads.runs.steps.list(seen.run.id, { thread_id: thread.id, order: "asc", include }));
    return { seen, steps, listed };
  },

  async errors() {
    const thread = await ask("call get_weather {}");
    const run = await threads.runs.createAndPoll(thread.id, { assistant_id: assistant.id });
    const found = {
      missing: await refused(() => threads.retrieve("thread_000000000000000000000000")),
      malformed: await refused(() => threads.retrieve("undefined")),
      busyRun: await refused(() => threads.runs.create(thread.id, { assistant_id: assistant.id })),
      busyMessage: await refused(() => threads.messages.create(thread.id, { role: "user", content: "x" })),
      invalid: await refused(() => assistants.create({ model: "gpt-4o", temperature: 3 })),
      busyStream: await watch(threads.runs.stream(thread.id, { assistant_id: assistant.id })),
    };
    return { ...found, threadId: thread.id, runId: run.id };
  },

  async resources() {
    const changed = await assistants.update(assistant.id, { name: "Soil" });
    const thread = await threads.create({ metadata: { a: "b" } });
    await threads.update(thread.id, { metadata: { c: "d" } });
    const message = await threads.messages.create(thread.id, { role: "user", content: "Hello." });
    await threads.messages.update(message.id, { thread_id: thread.id, metadata: { e: "f" } });
    const run = await threads.runs.createAndPoll(thread.id, { assistant_id: assistant.id });
    await threads.runs.update(run.id, { thread_id: thread.id, metadata: { g: "h" } });
    const steps = await all(threads.runs.steps.list(run.id, { thread_id: thread.id }));
    const step = await threads.runs.steps.retrieve(steps[0].id, { thread_id: thread.id, run_id: run.id });
    const file = await client.files.create({ file: await toFile(Buffer.from("Clay is a soil."), "soils.txt"), purpose: "assistants" });
    return {
      assistant: changed.name,
      thread: (await threads.retrieve(thread.id)).metadata,
      message: (await threads.messages.retrieve(message.id, { thread_id: thread.id })).metadata,
      run: (await threads.runs.retrieve(run.id, { thread_id: thread.id })).metadata,
      runs: (await all(threads.runs.list(thread.id))).length,
      step: [step.type, step.status],
      content: await (await client.files.content(file.id)).text(),
      file: (await client.files.delete(file.id)).deleted,
      models: (await all(client.models.list())).map((model) => model.id),
      deleted: [
        (await threads.messages.delete(message.id, { thread_id: thread.id })).deleted,
        (await threads.delete(thread.id)).deleted,
        (await assistants.delete(assistant.id)).deleted,
      ],
    };
  },
};

console.log(JSON.stringify(await does[job.do](job)));
