/** axe-core finds nothing to complain of, in light and dark, wide and narrow. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { say, until } from "./chat.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

async function complaints(page, what) {
  await page.mouse.move(0, 0);
  // Colours on their way from light to dark would be measured in the middle.
  await until("nothing moves", () => page.evaluate(() => document.getAnimations().every((each) => each.effect.getTiming().iterations === Infinity)));
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return violations.flatMap(({ id, help, nodes }) => nodes.map((node) => `${what}: ${id}: ${help}: ${node.html} ${node.any[0]?.message ?? ""}`));
}

export async function axe_finds_no_violation({ chat, context, fileId, quote }) {
  await context.addInitScript(AXE);
  const { page } = chat;
  const found = [];
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await chat.open();
    assert.equal(await page.evaluate(() => matchMedia("(prefers-color-scheme: dark)").matches), colorScheme === "dark");
    await page.getByRole("heading", { name: "Ask your documents" }).waitFor();
    found.push(...(await complaints(page, `welcome, ${colorScheme}`)));
    await chat.ask(
      `${say("# Head\n\nA [link](https://example.org) and `code`:\n\n| a | b |\n| - | - |\n| 1 | 2 |\n\nand\n\n| c |\n| - |\n| 3 |\n\n```python\nx = 1  # note\n```\n\n$$e = mc^2$$\n\n")}\ncite ${fileId} ${JSON.stringify(quote)}`,
    );
    await until("the formula is drawn", async () => (await chat.answers.locator(".katex").count()) > 0);
    await chat.answers.last().getByRole("button", { name: /^Source 1: / }).click();
    await page.locator("aside mark").first().waitFor();
    found.push(...(await complaints(page, `conversation, ${colorScheme}`)));
    await page.setViewportSize({ width: 390, height: 800 });
    found.push(...(await complaints(page, `source on a phone, ${colorScheme}`)));
    await page.setViewportSize({ width: 1200, height: 800 });
    await chat.send("fail key");
    await chat.log.getByRole("alert").first().waitFor();
    found.push(...(await complaints(page, `failed, ${colorScheme}`)));
  }
  assert.deepEqual(found, []);
}

export async function axe_would_find_a_violation({ chat, context }) {
  await context.addInitScript(AXE);
  await chat.open();
  await chat.page.evaluate(() => document.body.append(document.createElement("input")));
  assert.match((await complaints(chat.page, "changed")).join(), /label/);
}
