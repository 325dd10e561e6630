/** Calls of functions: those that the page answers by itself, and those whose result the user gives. */

import assert from "node:assert/strict";
import { until } from "./chat.mjs";

const json = { "Content-Type": "application/json" };

async function given(baseUrl, ...names) {
  const { assistantId } = await (await fetch(`${baseUrl}/api/assistants`, { method: "POST" })).json();
  const functions = names.map((name) => ({ type: "function", function: { name } }));
  const body = JSON.stringify({ tools: [{ type: "file_search" }, ...functions] });
  const response = await fetch(`${baseUrl}/v1/assistants/${assistantId}`, { method: "POST", headers: json, body });
  assert.equal(response.status, 200);
}

export async function calls_are_shown_and_answered({ chat, baseUrl }) {
  await given(baseUrl, "get_weather", "look");
  await chat.open();
  await chat.send('call get_weather {"location": "Paris", "unit": "F"}\nsay "It is $1."');
  await chat.says("It is");
  await chat.atRest();
  const widget = chat.log.getByRole("region", { name: "Paris" });
  const degrees = /(\d+)°F/.exec(await widget.innerText())[1];
  assert.equal(JSON.parse(/It is (\{.*\})\./.exec(await chat.answer())[1]).temperature, Number(degrees));

  await chat.send('call look {"at": "the wall"}\nsay "Seen: $1"');
  await chat.page.getByRole("textbox", { name: /^Give the result of this call/ }).fill("a crack");
  await chat.log.getByText('{"at": "the wall"}', { exact: true }).waitFor({ state: "attached" });
  await chat.button("Send the result").click();
  await chat.says("Seen: a crack");
  await chat.atRest();
  await until("the form is gone", async () => (await chat.button("Send the result").count()) === 0);
  assert.equal(await chat.log.getByRole("alert").count(), 0);
}
