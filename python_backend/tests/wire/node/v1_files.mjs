// Files and uploads with the official client. Reads a job { sdk, baseUrl, folder } and writes what it saw; `folder` is an empty one.

import { createHash } from "node:crypto";
import { createReadStream, createWriteStream, readFileSync, writeFileSync } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { all, refused } from "./sdk.mjs";

const job = JSON.parse(readFileSync(0, "utf8"));
const { default: OpenAI, toFile } = await import(job.sdk);
const { files, uploads } = new OpenAI({ baseURL: `${job.baseUrl}/v1`, apiKey: "sk-anything", maxRetries: 0 });

const LARGE = Buffer.alloc(3_000_000, "0123456789abcdef\n");
const PART = 1_100_000;
const md5 = (bytes) => createHash("md5").update(bytes).digest("hex");
const path = `${job.folder}/粘土 soils.txt`;
writeFileSync(path, LARGE);

async function* inPieces() {
  for (let at = 0; at < LARGE.length; at += 65_536) yield LARGE.subarray(at, at + 65_536);
}

async function sent(file, options = {}) {
  const made = await files.create({ file, purpose: "user_data", ...options });
  const kept = Buffer.from(await (await files.content(made.id)).arrayBuffer());
  return { filename: made.filename, bytes: made.bytes, purpose: made.purpose, status: made.status, whole: md5(kept) === md5(LARGE), id: made.id };
}

async function streamedToDisk(id) {
  const answer = await files.content(id);
  await pipeline(Readable.fromWeb(answer.body), createWriteStream(`${job.folder}/again`));
  const headers = Object.fromEntries(["content-type", "content-length", "content-disposition"].map((name) => [name, answer.headers.get(name)]));
  return { headers, same: readFileSync(`${job.folder}/again`).equals(LARGE) };
}

const does = {
  async sends() {
    const seen = {
      stream: await sent(createReadStream(path)),
      pieces: await sent(await toFile(inPieces(), "pieces.txt", { type: "text/plain" })),
      file: await sent(new File([LARGE], "file.txt")),
      response: await sent(await fetch(`data:text/plain;base64,${LARGE.toString("base64")}`).then((got) => toFile(got, "got.txt"))),
    };
    const expires = await files.create({
      file: await toFile(Buffer.from("x"), "x.txt"),
      purpose: "assistants",
      expires_after: { anchor: "created_at", seconds: 3600 },
    });
    const processed = await files.waitForProcessing(expires.id, { pollInterval: 100, maxWait: 5000 });
    return { ...seen, disk: await streamedToDisk(seen.stream.id), expiresIn: expires.expires_at - expires.created_at, processed: processed.status };
  },

  async lists() {
    const made = [];
    for (const number of [1, 2, 3, 4, 5])
      made.push((await files.create({ file: await toFile(Buffer.from("x"), `${number}.txt`), purpose: "vision" })).id);
    const ours = (found) => found.filter((file) => made.includes(file.id)).map((file) => file.filename[0]).join("");
    const page = await files.list({ purpose: "vision", limit: 2 });
    const next = await page.getNextPage();
    const seen = {
      newestFirst: ours(await all(files.list({ purpose: "vision", limit: 2 }))),
      oldestFirst: ours(await all(files.list({ purpose: "vision", order: "asc", limit: 3 }))),
      pages: [ours(page.data), page.hasNextPage(), ours(next.data)],
      others: ours(await all(files.list({ purpose: "batch" }))),
      retrieved: (await files.retrieve(made[0])).filename,
      deleted: await files.delete(made[0]),
    };
    return { ...seen, left: ours(await all(files.list({ purpose: "vision" }))) };
  },

  async uploads() {
    const begun = { bytes: LARGE.length, filename: "large.txt", mime_type: "text/plain", purpose: "user_data" };
    const upload = await uploads.create(begun);
    const parts = [];
    for (let at = 0; at < LARGE.length; at += PART)
      parts.push(await uploads.parts.create(upload.id, { data: await toFile(LARGE.subarray(at, at + PART), "part") }));
    const ids = parts.map((part) => part.id);
    const wrong = await refused(() => uploads.complete(upload.id, { part_ids: ids, md5: md5("else") }));
    const done = await uploads.complete(upload.id, { part_ids: ids, md5: md5(LARGE) });
    const kept = Buffer.from(await (await files.content(done.file.id)).arrayBuffer());
    const second = await uploads.create(begun);
    const cancelled = await uploads.cancel(second.id);
    return {
      begun: [upload.object, upload.status, upload.bytes],
      parts: [parts.length, parts[0].object, parts[0].upload_id === upload.id],
      wrong,
      done: [done.status, done.file.filename, done.file.bytes, kept.equals(LARGE)],
      cancelled: cancelled.status,
      late: await refused(async () => uploads.parts.create(second.id, { data: await toFile(Buffer.from("x"), "part") })),
      secondId: second.id,
    };
  },

  async errors() {
    const small = () => toFile(Buffer.from("x"), "x.txt");
    const gone = "file-000000000000000000000000";
    return {
      missing: await refused(() => files.retrieve(gone)),
      missingContent: await refused(() => files.content(gone)),
      deleted: await refused(() => files.delete(gone)),
      purpose: await refused(async () => files.create({ file: await small(), purpose: "homework" })),
      limit: await refused(() => files.list({ limit: 0 })),
      cursor: await refused(() => files.list({ after: gone })),
      upload: await refused(() => uploads.cancel("upload_none")),
      size: await refused(() => uploads.create({ bytes: 0, filename: "a", mime_type: "text/plain", purpose: "assistants" })),
    };
  },
};

console.log(JSON.stringify(await does[job.do](job)));
