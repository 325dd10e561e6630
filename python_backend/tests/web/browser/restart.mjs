/** The server dies in the middle of an answer, and comes back on the same address with the same data. */

import assert from "node:assert/strict";
import { say, until, words } from "./chat.mjs";

export async function nothing_is_lost_when_the_server_is_killed({ chat, kill, start }) {
  await chat.open();
  await chat.send("delay 15\nwords 2000");
  await chat.says("word60");
  await kill();
  await chat.page.getByText("The connection is lost.", { exact: false }).waitFor();
  const part = await chat.answer();

  const unsent = say("Sent when it was back.");
  await chat.send(unsent);
  const retry = chat.questions.last().getByRole("button", { name: "Retry", exact: true });
  await retry.waitFor();
  assert.match(await chat.questions.last().getByRole("alert").textContent(), /The server cannot be reached/);
  assert.ok((await chat.questions.last().textContent()).includes(unsent));
  await chat.composer.fill("not sent yet");

  await start();
  await until("the page has the server again", async () => (await chat.page.getByText("The connection is lost.").count()) === 0);
  await chat.atRest();
  assert.equal(await chat.composer.inputValue(), "not sent yet");
  const kept = await chat.answer();
  assert.ok(words(2000).startsWith(kept) && kept.includes("word20"), `kept: ${kept}; shown before: ${part}`);
  await until("the page tells that the answer was broken off", async () => (await chat.log.getByRole("alert").count()) > 0);

  await retry.click();
  await until("the message is answered", async () => (await chat.answers.count()) === 2);
  await chat.says("Sent when it was back.");
  await chat.atRest();
  assert.equal(await chat.questions.count(), 2);
  assert.equal(await chat.composer.inputValue(), "not sent yet");
  await chat.page.reload();
  await chat.says("Sent when it was back.");
  assert.equal(await chat.questions.count(), 2);
  assert.equal(await chat.composer.inputValue(), "not sent yet");
}

export async function a_refused_message_outlives_a_reload({ chat, kill, start }) {
  await chat.open();
  await chat.ask(say("one"));
  await kill();
  await chat.send(say("two"));
  await chat.button("Retry").first().waitFor();
  await start();
  await chat.page.reload();
  await chat.questions.getByRole("button", { name: "Retry", exact: true }).click();
  await chat.says("two");
  await chat.atRest();
  assert.equal(await chat.questions.count(), 2);
  await chat.page.reload();
  await chat.says("two");
  assert.equal(await chat.questions.count(), 2);
  assert.equal(await chat.button("Retry").count(), 0);
}
