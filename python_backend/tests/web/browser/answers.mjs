/** Messages and their answers: as they are written, over a reload, in a second tab, and stopped. */

import assert from "node:assert/strict";
import { say, until, words } from "./chat.mjs";

export async function an_answer_grows_and_ends({ chat }) {
  await chat.open();
  assert.equal(await chat.button("Send").isDisabled(), true);
  await chat.watch();
  await chat.composer.fill("delay 15\nwords 80");
  await chat.button("Send").click();
  await chat.button("Stop").waitFor();
  assert.equal(await chat.composer.inputValue(), "");
  await chat.says("word5");
  assert.equal(await chat.log.getAttribute("aria-busy"), "true");
  await chat.atRest();
  assert.equal(await chat.answer(), words(80));
  const noted = (await chat.noted()).filter(Boolean);
  assert.ok(noted.length > 10, `it came in ${noted.length} pieces`);
  for (const [at, text] of noted.entries()) assert.ok(at === 0 || text.startsWith(noted[at - 1]), `it shrank to: ${text}`);
  assert.equal(await chat.page.getByRole("status").first().textContent(), "The answer is complete.");
  assert.equal(await chat.button("Stop").count(), 0);
  assert.match(chat.page.url(), /\?thread=/);
  await chat.button("New thread").first().click();
  await until("the thread is empty", async () => (await chat.answers.count()) === 0);
  assert.doesNotMatch(chat.page.url(), /thread=/);
}

export async function a_reload_and_a_second_tab_catch_up_exactly({ chat }) {
  await chat.open();
  await chat.send("delay 15\nwords 200");
  await chat.says("word20");
  await chat.page.reload();
  await chat.says("word30");
  assert.ok(!(await chat.answer()).includes("word200"), "the answer was over before the page was reloaded");
  const other = await chat.secondTab();
  await other.says("word40");
  for (const tab of [chat, other]) {
    await tab.says("word200");
    await tab.atRest();
    assert.equal(await tab.answer(), words(200));
    assert.equal(await tab.answers.count(), 1);
    assert.equal(await tab.questions.count(), 1);
  }
  await other.ask(say("Said in the other tab."));
  await chat.says("Said in the other tab.");
  assert.equal(await chat.questions.count(), 2);
}

export async function what_is_typed_while_a_thread_is_made_stays({ chat }) {
  await chat.open();
  let go;
  await chat.page.route("**/threads/create", async (route) => {
    await new Promise((resolve) => {
      go = resolve;
    });
    await route.continue();
  });
  await chat.send(say("first"));
  await chat.composer.fill("and the next");
  await until("the thread is asked for", () => go);
  go();
  await chat.says("first");
  await chat.atRest();
  assert.equal(await chat.composer.inputValue(), "and the next");
  await chat.page.reload();
  await chat.says("first");
  assert.equal(await chat.composer.inputValue(), "and the next");
}

export async function stop_before_the_first_word_leaves_the_composer_usable({ chat }) {
  await chat.open();
  await chat.send("hang");
  await chat.page.getByText("Thinking…").waitFor();
  await chat.button("Stop").click();
  await chat.page.getByText("Stopped.").waitFor();
  await until("nothing can be stopped", async () => (await chat.button("Stop").count()) === 0);
  await chat.ask(say("It goes on."));
  assert.equal(await chat.answer(), "It goes on.");
  assert.equal(await chat.page.getByText("Stopped.").count(), 0);
}

export async function stop_in_the_middle_keeps_the_part_that_came({ chat }) {
  await chat.open();
  await chat.send("delay 15\nwords 800");
  await chat.says("word20");
  await chat.button("Stop").click();
  await chat.page.getByText("Stopped.").waitFor();
  await chat.atRest();
  const part = await chat.answer();
  assert.ok(part.includes("word20") && words(800).startsWith(part) && part.length < words(800).length, part);
  await chat.page.reload();
  await chat.says("word20");
  assert.equal(await chat.answer(), part);
  await chat.ask(say("It goes on."));
  assert.equal(await chat.answer(), "It goes on.");
}

export async function a_failed_answer_is_tried_again_and_its_question_changed({ chat }) {
  await chat.open();
  const tries = [];
  chat.page.on("response", (response) => {
    if (response.request().method() === "POST" && /\/runs$/.test(response.url())) tries.push(response.status());
  });
  await chat.send('fail rate_limited "Not now."');
  const alert = chat.log.getByRole("alert");
  await alert.getByText("Not now.").waitFor();
  await alert.getByRole("button", { name: "Retry", exact: true }).click();
  await until("it was tried again", () => tries.length === 1);
  await alert.getByText("Not now.").waitFor();
  await chat.page.reload();
  await alert.getByRole("button", { name: "Retry", exact: true }).click();
  await until("it was tried a third time", () => tries.length === 2);
  await alert.getByText("Not now.").waitFor();
  assert.deepEqual(tries, [200, 200]);
  assert.equal(await alert.count(), 1);
  assert.equal(await chat.questions.count(), 1);

  await chat.questions.last().getByRole("button", { name: "Edit", exact: true }).click();
  assert.equal(await chat.composer.inputValue(), 'fail rate_limited "Not now."');
  await chat.ask(say("Now."));
  assert.equal(await chat.answer(), "Now.");
  assert.equal(await chat.questions.count(), 1);
  assert.equal(await alert.count(), 0);

  await chat.button("Regenerate").click();
  await until("it was answered again", () => tries.length === 3);
  await chat.says("Now.");
  await chat.atRest();
  await chat.page.reload();
  await chat.says("Now.");
  assert.equal(await chat.answers.count(), 1);
}
