// Vector stores with the official client. Reads a job { sdk, baseUrl, do } and writes what it saw.

import { readFileSync } from "node:fs";
import { refused } from "./sdk.mjs";

const job = JSON.parse(readFileSync(0, "utf8"));
const { default: OpenAI, toFile } = await import(job.sdk);
const client = new OpenAI({ apiKey: "sk-anything", baseURL: `${job.baseUrl}/v1`, maxRetries: 0 });
const { files, vectorStores: stores } = client;

const text = (words) => Buffer.from(`# Soil\n\n${words}\n`);

const does = {
  async polls() {
    const store = await stores.create({ name: "Soils" });
    const began = performance.now();
    const batch = await stores.fileBatches.uploadAndPoll(store.id, {
      files: [await toFile(text("Bentonite is a clay that swells."), "clay.md"), await toFile(text("Sand drains."), "sand.md")],
    });
    const ms = Math.round(performance.now() - began);
    const file = await files.create({ file: await toFile(text("Peat is organic."), "peat.md"), purpose: "assistants" });
    const one = await stores.files.createAndPoll(store.id, { file_id: file.id, attributes: { organic: true } });
    const listed = [];
    for await (const found of stores.files.list(store.id, { limit: 1, order: "asc" })) listed.push(found.status);
    const found = [];
    for await (const result of stores.search(store.id, { query: "Which clay swells?" })) found.push(result);
    const filtered = await stores.search(store.id, { query: "soil", filters: { type: "eq", key: "organic", value: true } });
    const content = await stores.files.content(file.id, { vector_store_id: store.id });
    const whole = await stores.retrieve(store.id);
    return {
      ms,
      batch: [batch.status, batch.file_counts.completed],
      one: [one.status, one.attributes, one.chunking_strategy.type],
      listed,
      best: [found[0].filename, found[0].content[0].type],
      filtered: filtered.data.map((result) => result.filename),
      content: content.data.map((part) => part.text).join(""),
      whole: [whole.status, whole.file_counts.total],
      taken: (await stores.files.delete(file.id, { vector_store_id: store.id })).object,
      deleted: (await stores.delete(store.id)).object,
      gone: await refused(() => stores.retrieve(store.id)),
      storeId: store.id,
    };
  },
};

console.log(JSON.stringify(await does[job.do](job)));
