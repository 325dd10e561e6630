import { describe, expect, test } from "vitest";
import { blocks, mended } from "./blocks";

test("paragraphs, code and formulas are blocks of their own", () => {
  const text = "One\n\nTwo\nlines\n\n```py\na\n\nb\n```\n\n$$\nx\n\ny\n$$\nEnd";
  expect(blocks(text)).toEqual(["One", "Two\nlines", "```py\na\n\nb\n```", "$$\nx\n\ny\n$$\nEnd"]);
});

test("a list with empty lines is one block, so that its numbers go on", () => {
  expect(blocks("1. a\n\n2. b\n\n   more\n\nAfter")).toEqual(["1. a\n\n2. b\n\n   more", "After"]);
});

test("a longer fence is not closed by a shorter one", () => {
  expect(blocks("````\n```\n\nx\n````\n\nAfter")).toEqual(["````\n```\n\nx\n````", "After"]);
});

test("blocks before the last never change while a text grows", () => {
  const text = "# Title\n\n- a\n- b\n\n| x | y |\n| --- | --- |\n| 1 | 2 |\n\n```\ncode\n\nmore\n```\n\nLast **words** here.";
  for (let end = 1; end < text.length; end++) {
    const now = blocks(text.slice(0, end));
    const later = blocks(text);
    expect(later.slice(0, Math.max(0, now.length - 1))).toEqual(now.slice(0, -1));
  }
});

describe("the block that is being written", () => {
  test.each([
    ["**bol", "**bol**"],
    ["a **b** and *c", "a **b** and *c*"],
    ["a `cod", "a `cod`"],
    ["see [the rep", "see the rep"],
    ["see [the report](https://exam", "see the report"],
    ["ends with **", "ends with "],
    ["~~gone", "~~gone~~"],
    ["plain.", "plain."],
    ["```py\nx = '**'", "```py\nx = '**'"],
    ["$$\nx^2", "$$\nx^2\n$$"],
    ["| a | b |", "| a | b |\n| --- | --- |"],
    ["| a | b |\n| -", "| a | b |\n| --- | --- |"],
    ["| a | b |\n| --- | --- |\n| 1 | 2", "| a | b |\n| --- | --- |"],
    ["| a | b |\n| --- | --- |\n| 1 | 2 |", "| a | b |\n| --- | --- |\n| 1 | 2 |"],
    ["| a |", "| a |\n| --- |"],
    ["| a", ""],
    ["- item", "- item"],
    ["* item", "* item"],
  ])("%j is shown as %j", (written, shown) => expect(mended(written)).toBe(shown));
});
