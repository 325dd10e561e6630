/** What an answer is made of: tables, code, formulas, and citations that lead to their passage. */

import assert from "node:assert/strict";
import { say, until } from "./chat.mjs";

const TABLE = "| Soil | Grain |\n| --- | --- |\n| Sand | 0.075 to 4.75 mm |\n| Clay | fine |";
const CODE = "def stress(depth):\n    return 18 * depth  # kN/m²";

export async function tables_code_and_formulas_are_drawn({ chat, context }) {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await chat.open();
  const formulas = "Terzaghi: $q_u = c N_c$ and\n\n$$\\sigma' = \\sigma - u$$\n\nalso \\(e_0\\) for $5 and $6.";
  await chat.ask(`delay 5\n${say(`${TABLE}\n\n\`\`\`python\n${CODE}\n\`\`\`\n\n${formulas}`)}`);
  const answer = chat.answers.last();
  assert.equal(await answer.getByRole("table").count(), 1);
  assert.equal(await answer.getByRole("columnheader").count(), 2);
  assert.equal(await answer.getByRole("cell").count(), 4);
  assert.equal(await answer.getByRole("cell").nth(1).textContent(), "0.075 to 4.75 mm");

  assert.equal(await answer.locator("pre").textContent(), CODE);
  await until("the code is coloured", async () => (await answer.locator("pre span").count()) > 1);
  await answer.getByRole("button", { name: "Copy code", exact: true }).click();
  await until("the code was copied", async () => (await chat.page.evaluate(() => navigator.clipboard.readText())) === CODE);

  await until("three formulas are drawn", async () => (await answer.locator(".katex").count()) === 3);
  assert.equal(await answer.locator(".katex-display").count(), 1);
  assert.equal(await answer.locator(".katex-error").count(), 0);
  assert.ok((await chat.answer()).includes("for $5 and $6."));
  const styled = await answer.locator(".katex .katex-mathml").first().evaluate((each) => getComputedStyle(each).position);
  assert.equal(styled, "absolute");
}

export async function a_table_is_a_table_while_it_is_written({ chat }) {
  await chat.open();
  await chat.send(`delay 10\n${say(TABLE)}\nhang`);
  await until("its rows are drawn", async () => (await chat.answers.last().getByRole("cell").count()) >= 4);
  assert.equal(await chat.log.getAttribute("aria-busy"), "true");
  assert.doesNotMatch(await chat.answer(), /\|/);
  await chat.button("Stop").click();
  await chat.atRest();
}

export async function a_citation_opens_its_passage_with_the_mark({ chat, fileId, quote }) {
  await chat.open();
  await chat.watch();
  const cite = `cite ${fileId} ${JSON.stringify(quote)}`;
  await chat.ask(`delay 10\n${say("Sand is coarse")}\n${cite}\n${say(" and this 【7:3†half a marker.md】 is made up.")}\n${cite}`);
  for (const text of await chat.noted()) assert.doesNotMatch(text, /[【】†]/);
  await chat.threads.getByRole("button", { name: /^Sand is coarse/ }).first().waitFor();
  assert.doesNotMatch(await chat.threads.innerText(), /[【】†]/);
  assert.match(await chat.answer(), /^Sand is coarse1 and this\s+is made up\.1?$/);
  await chat.page.reload();
  const number = chat.answers.last().getByRole("button", { name: /^Source 1: / }).first();
  await number.hover();
  await chat.page.getByRole("tooltip").getByText(quote).waitFor();
  await number.click();
  const panel = chat.page.getByRole("complementary", { name: "Source", exact: true });
  await panel.getByRole("heading", { name: "soil-classification.md" }).waitFor();
  await until("the quote is marked", async () =>
    (await panel.locator(".sheet mark").allTextContents()).join("").replace(/\s+/g, " ").includes(quote),
  );
  await until("the panel draws what stands around it", async () => (await panel.locator(".sheet").innerText()).length > 2 * quote.length);
  assert.ok((await panel.getByRole("table").count()) > 0, "a table of the passage is drawn as one");
  const mark = await panel.locator("mark").first().boundingBox();
  const top = await panel.getByRole("heading").first().boundingBox();
  assert.ok(mark.y > 0 && mark.y < 800, `the mark is at ${mark.y}`);
  assert.ok(top.y >= 0 && top.y < 24 && top.y + top.height <= mark.y, `the name of the document is at ${top.y}`);
  await panel.getByRole("button", { name: "Close", exact: true }).click();
  await until("it is closed", async () => (await panel.count()) === 0);
}
