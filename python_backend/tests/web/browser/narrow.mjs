/** On a phone, and by the keyboard alone. */

import assert from "node:assert/strict";
import { say, until, words } from "./chat.mjs";

export async function all_is_in_reach_on_a_phone({ chat }) {
  await chat.page.setViewportSize({ width: 360, height: 640 });
  await chat.open();
  const wide = `| ${"a wide column |".repeat(12)}\n| ${"--- |".repeat(12)}\n| ${"cell |".repeat(12)}`;
  await chat.ask(say(`${wide}\n\n\`\`\`\n${"long ".repeat(60)}\n\`\`\`\n\n$$${"x + ".repeat(60)}y$$\n\n${"unbroken".repeat(40)}`));
  await until("the formula is drawn", async () => (await chat.answers.locator(".katex").count()) > 0);
  const sizes = await chat.page.evaluate(() => [document.documentElement.scrollWidth, document.querySelector("[role=log]").parentElement]
    .map((each) => (typeof each === "number" ? each - innerWidth : each.scrollWidth - each.clientWidth)));
  assert.deepEqual(sizes, [0, 0], "something is wider than the page");
  await chat.button("Threads").click();
  await chat.threads.getByRole("button", { name: "New thread", exact: true }).click();
  await until("the thread is empty", async () => (await chat.answers.count()) === 0);
  await chat.page.getByRole("heading", { name: "Ask your documents" }).waitFor();
}

export async function the_keyboard_is_enough({ chat, fileId, quote }) {
  const { keyboard } = chat.page;
  const focused = () =>
    chat.page.evaluate(() => {
      const each = document.activeElement;
      return { name: each.getAttribute("aria-label") ?? each.textContent, seen: getComputedStyle(each).outlineStyle !== "none" };
    });
  const tabTo = async (name, key = "Tab") => {
    for (let presses = 0; presses < 60; presses += 1) {
      await keyboard.press(key);
      const { name: reached, seen } = await focused();
      if (reached.startsWith(name)) {
        assert.ok(seen, `nobody sees that ${name} has the focus`);
        return;
      }
    }
    assert.fail(`the keyboard does not reach ${name}`);
  };
  await chat.open();
  await chat.composer.focus();
  await keyboard.type("first line");
  await keyboard.press("Shift+Enter");
  assert.equal(await chat.composer.inputValue(), "first line\n");
  await keyboard.press("ControlOrMeta+a");
  await keyboard.type("delay 15");
  await keyboard.press("Shift+Enter");
  await keyboard.type("words 800");
  await keyboard.press("Enter");
  await chat.says("word5");
  await tabTo("Stop");
  await keyboard.press("Enter");
  await chat.page.getByText("Stopped.").waitFor();
  assert.ok((await chat.answer()).length < words(800).length);
  await chat.ask(`${say("Sand")}\ncite ${fileId} ${JSON.stringify(quote)}`);
  await tabTo("Source 1", "Shift+Tab");
  await chat.page.getByRole("tooltip").waitFor();
  await keyboard.press("Enter");
  await chat.page.locator("aside mark").first().waitFor();
}
