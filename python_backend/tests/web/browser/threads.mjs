/** The list of threads, and documents. */

import assert from "node:assert/strict";
import { say, until } from "./chat.mjs";

const entry = (chat, name) => chat.threads.getByRole("button", { name, exact: true });

async function renamed(chat, from, to) {
  await chat.threads.getByRole("button", { name: `Rename: ${from}`, exact: true }).click();
  const field = chat.page.getByRole("textbox", { name: "Name of the thread" });
  await field.fill(to);
  await field.press("Enter");
  await entry(chat, to).waitFor();
}

async function named(chat, name) {
  await chat.open();
  await chat.ask(say(`About ${name}`));
  // The title that the model gives: what comes after it is the user's own.
  await entry(chat, `About ${name}`).waitFor();
  await renamed(chat, `About ${name}`, name);
}

export async function threads_are_renamed_found_and_deleted_with_undo({ chat }) {
  await named(chat, "Sheet piles");
  await named(chat, "Frost heave");
  await chat.page.reload();
  await entry(chat, "Frost heave").waitFor();
  await chat.page.getByRole("heading", { level: 1, name: "Frost heave" }).waitFor();

  const search = chat.page.getByRole("searchbox", { name: "Search threads" });
  await search.fill("sheet");
  await until("the other is hidden", async () => (await entry(chat, "Frost heave").count()) === 0);
  assert.equal(await entry(chat, "Sheet piles").count(), 1);
  await search.fill("nothing has this name");
  await chat.page.getByText("No thread has this name.").waitFor();
  await search.fill("");

  await entry(chat, "Sheet piles").click();
  await chat.says("Sheet piles");
  await chat.threads.getByRole("button", { name: "Delete: Sheet piles" }).click();
  await until("it is gone from the list", async () => (await entry(chat, "Sheet piles").count()) === 0);
  await chat.button("Undo").click();
  await entry(chat, "Sheet piles").click();
  await chat.says("Sheet piles");

  await chat.threads.getByRole("button", { name: "Delete: Frost heave" }).click();
  await chat.button("Undo").waitFor();
  // The page that goes asks for the deletion, and the new one may be there before it is done.
  await until("it stays deleted when the page goes before the time for Undo is over", async () => {
    await chat.page.reload();
    await entry(chat, "Sheet piles").waitFor();
    return (await entry(chat, "Frost heave").count()) === 0;
  });
}

export async function an_upload_is_told_until_it_is_ready({ chat }) {
  await chat.open();
  await chat.composer.fill("typed before");
  const file = { name: "pier.md", mimeType: "text/markdown", buffer: Buffer.from("# Pier\n\nThe piles are 18 m long.\n") };
  await chat.page.locator("form input[type=file]").setInputFiles([file, { ...file, name: "empty.pdf", buffer: Buffer.from("no pdf") }]);
  const panel = chat.page.getByRole("complementary", { name: "Documents" });
  const shown = (name) => panel.getByRole("listitem").filter({ hasText: name });
  await until("it is ready", async () => (await shown("pier.md").count()) === 1 && (await shown("pier.md").innerText()).includes("ready"));
  await until("the other tells why not", async () => /could not be read[\s\S]*\w{4}/.test(await shown("empty.pdf").innerText()));
  assert.equal(await chat.composer.inputValue(), "typed before");
  await panel.getByRole("button", { name: "Delete pier.md" }).click();
  await until("it is deleted", async () => (await shown("pier.md").count()) === 0);
  await panel.getByRole("button", { name: "Delete empty.pdf" }).click();
  await until("both are deleted", async () => (await shown("empty.pdf").count()) === 0);
  await chat.page.reload();
  await chat.button("Documents").first().click();
  await panel.waitFor();
  await panel.getByText("No documents yet.").waitFor();
}
