/** The network between page and server breaks, and other people write. */

import assert from "node:assert/strict";
import { connect, createServer } from "node:net";
import { Chat, say, until, words } from "./chat.mjs";

const CUTS = 10;

/** A way to the server that can be cut: all that is open breaks, and for a moment nothing new is let in. */
async function cuttable(baseUrl) {
  const { port, hostname } = new URL(baseUrl);
  const open = new Set();
  let isCut = false;
  const server = createServer((from) => {
    if (isCut) return from.destroy();
    const to = connect(Number(port), hostname);
    for (const [one, other] of [[from, to], [to, from]]) {
      open.add(one);
      one.pipe(other);
      one.on("error", () => {});
      one.on("close", () => {
        open.delete(one);
        other.destroy();
      });
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    async cut(ms) {
      isCut = true;
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => setTimeout(resolve, ms));
      isCut = false;
    },
  };
}

export async function a_network_cut_ten_times_loses_and_doubles_nothing({ chat, baseUrl, own }) {
  const way = await cuttable(baseUrl);
  own.add(way.url);
  await chat.open(way.url);
  await chat.watch();
  await chat.send("delay 15\nwords 400");
  await chat.says("word5");
  for (let cuts = 0; cuts < CUTS; cuts += 1) {
    const before = (await chat.answer()).length;
    await way.cut(30 + Math.random() * 150);
    if (cuts < 4) await until("it goes on", async () => (await chat.answer()).length > before);
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 300));
  }
  await chat.says("word400");
  await chat.atRest();
  assert.equal(await chat.answer(), words(400));
  for (const text of await chat.noted()) assert.ok(words(400).startsWith(text), text);
  assert.equal(await chat.questions.count(), 1);
  await until("the page has the server again", async () => (await chat.page.getByText("The connection is lost.").count()) === 0);
}

export async function another_browser_sees_a_shared_thread_live({ chat, context, baseUrl }) {
  await chat.open();
  await chat.ask(say("Hello, group."));
  await chat.button("Share with others").click();
  await chat.page.getByText("shared", { exact: true }).waitFor();
  const others = await context.browser().newContext({ baseURL: baseUrl });
  const guest = new Chat(await others.newPage());
  await guest.open(chat.page.url());
  await guest.says("Hello, group.");
  await chat.send("delay 15\nwords 100");
  await guest.says("word20");
  assert.ok(!(await guest.answer()).includes("word100"), "the guest saw it only when it was over");
  for (const each of [chat, guest]) {
    await each.says("word100");
    await each.atRest();
    assert.equal(await each.answer(), words(100));
  }
  await guest.ask(say("I am the guest."));
  await chat.says("I am the guest.");
  assert.equal(await chat.questions.count(), 3);
  assert.equal(await guest.questions.count(), 3);
  await others.close();
}
