/** Runs one story of a file of stories in a browser: `node tell.mjs FILE STORY`, its job as JSON in the first line of stdin.
 *
 * A line "kill" or "start" on stdout asks the test to end the server or to start it again; a line on stdin says that it is done.
 * The story fails by throwing; so it does when the page threw, asked another server, or was kept by its policy from something.
 */

import assert from "node:assert/strict";
import { createInterface } from "node:readline/promises";
import { chromium } from "playwright-core";
import { Chat } from "./chat.mjs";

const ARGUMENTS =
  "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync";

const [file, story] = process.argv.slice(2);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const job = JSON.parse((await lines.next()).value);
const ask = (what) => async () => {
  process.stdout.write(`${what}\n`);
  assert.equal((await lines.next()).value, "done");
};

const browser = await chromium.launch({ executablePath: job.chromium, args: ARGUMENTS.split(" ") });
try {
  const context = await browser.newContext({ baseURL: job.baseUrl, viewport: { width: 1200, height: 800 } });
  context.setDefaultTimeout(10_000);
  const faults = [];
  const own = new Set([new URL(job.baseUrl).origin]);
  context.on("request", (request) => {
    const { origin, protocol } = new URL(request.url());
    if (/^(https?|wss?):$/.test(protocol) && !own.has(origin)) faults.push(`asked ${request.url()}`);
  });
  context.on("weberror", (thrown) => faults.push(`threw ${thrown.error().stack}`));
  context.on("console", (message) => {
    if (/Content Security Policy|Minified React error|hydrat/i.test(message.text())) faults.push(message.text());
  });
  const page = await context.newPage();
  const stories = await import(`./${file}`);
  try {
    await stories[story]({ ...job, own, context, chat: new Chat(page), kill: ask("kill"), start: ask("start") });
    assert.deepEqual(faults, []);
  } catch (thrown) {
    process.stderr.write(`${faults.join("\n")}\n--- the page:\n${await page.locator("body").innerText().catch(String)}\n---\n`);
    throw thrown;
  }
} finally {
  await browser.close();
}
process.exit(0);
