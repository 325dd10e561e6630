import { createElement } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import ReactMarkdown from "react-markdown";
import remarkGfm from "remark-gfm";
import { describe, expect, test } from "vitest";
import { remarkMark } from "./remark_mark";

function drawn(source: string, quoted: string): string {
  const start = source.indexOf(quoted);
  const marked = { start, end: start + quoted.length };
  return renderToStaticMarkup(createElement(ReactMarkdown, { remarkPlugins: [remarkGfm, [remarkMark, marked]] }, source));
}

describe("the marked part of a passage", () => {
  test("is a part of a paragraph", () => {
    expect(drawn("Clay swells when wet.", "swells")).toBe("<p>Clay <mark>swells</mark> when wet.</p>");
  });
  test("goes over emphasis and paragraphs", () => {
    expect(drawn("One **two** three.\n\nFour five.", "two** three.\n\nFour")).toBe(
      "<p>One <strong><mark>two</mark></strong><mark> three.</mark></p>\n<p><mark>Four</mark> five.</p>",
    );
  });
  test("stays inside the cells of a table", () => {
    const html = drawn("| a | b |\n| - | - |\n| sand | clay |", "sand | clay");
    expect(html).toContain("<td><mark>sand</mark></td><td><mark>clay</mark></td>");
    expect(html).not.toContain("<mark>a</mark>");
  });
  test("is whole where escapes move places", () => {
    expect(drawn("5 \\* 6 is 30", "is 30")).toBe("<p><mark>5 * 6 is 30</mark></p>");
  });
});
