// Recorded bytes through AssistantStream, cut anywhere: at every single byte, into pieces of one size, and at random.
// The job: { sdk, form?, file, sizes: [1, 2, ...], random: how many times, seed }; form "v1" is what the whole client reads from a
// POST of its own. Writes what was seen, once for all cuts that agree.

import { readFileSync } from "node:fs";
import { sdk, watch } from "./sdk.mjs";

const job = JSON.parse(readFileSync(0, "utf8"));
const open = job.form === "v1" ? await fromClient() : await fromLines();
const bytes = new Uint8Array(readFileSync(job.file));

// A small generator of its own: the same cuts for the same seed.
let state = job.seed >>> 0 || 1;
function random(below) {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % below;
}

function streamOf(chunks) {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
}

async function fromLines() {
  const AssistantStream = await sdk(job.sdk);
  return (chunks) => AssistantStream.fromReadableStream(streamOf(chunks));
}

async function fromClient() {
  const { default: OpenAI } = await import(job.sdk);
  return (chunks) => {
    const headers = { "content-type": "text/event-stream; charset=utf-8" };
    const fetch = async () => new Response(streamOf(chunks), { headers });
    const client = new OpenAI({ apiKey: "sk-anything", baseURL: "http://recorded/v1", fetch });
    return client.beta.threads.runs.stream("thread_a", { assistant_id: "asst_a" });
  };
}

function* cuts() {
  yield ["whole", [bytes]];
  for (const size of job.sizes) {
    const chunks = [];
    for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.slice(at, at + size));
    yield [`pieces of ${size}`, chunks];
  }
  for (let at = 1; at < bytes.length; at += job.every) yield [`cut at ${at}`, [bytes.slice(0, at), bytes.slice(at)]];
  for (let round = 0; round < job.random; round += 1) {
    const chunks = [];
    for (let at = 0; at < bytes.length; ) {
      const end = at + 1 + random(97);
      chunks.push(bytes.slice(at, end));
      at = end;
    }
    yield [`random ${round}`, chunks];
  }
}

let first = null;
let count = 0;
const differing = [];
for (const [name, chunks] of cuts()) {
  const seen = await watch(open(chunks));
  const text = JSON.stringify(seen);
  first ??= text;
  count += 1;
  if (text !== first) differing.push({ name, seen });
}
process.stdout.write(JSON.stringify({ seen: JSON.parse(first), count, differing: differing.slice(0, 5) }));
