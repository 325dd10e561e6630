import { expect, test } from "vitest";
import { pieces, sourcesOf, withoutMarkers, withoutOpenMarker } from "./citations";
import type { FileCitation } from "./wire";

const cited = (text: string, file_id: string, chunk: number): FileCitation => ({
  type: "file_citation",
  text,
  start_index: 0,
  end_index: text.length,
  file_citation: { file_id, chunk, quote: "words", page: 4 },
});

test("the same passage has one number, another one the next", () => {
  const { sources, byMarker } = sourcesOf([
    cited("【0:0†a.pdf】", "file-a", 3),
    cited("【0:1†b.pdf】", "file-b", 3),
    cited("【1:0†a.pdf】", "file-a", 3),
  ]);
  expect(sources.map((source) => [source.number, source.name, source.page])).toEqual([
    [1, "a.pdf", 4],
    [2, "b.pdf", 4],
  ]);
  expect(byMarker.get("【1:0†a.pdf】")?.number).toBe(1);
});

test("a text is cut at its markers, and is the same without them", () => {
  expect(pieces("Sand 【0:0†a】 lies.")).toEqual([{ text: "Sand " }, { marker: "【0:0†a】" }, { text: " lies." }]);
  expect(withoutMarkers("Sand 【0:0†a】. 粘土【0:1†b】")).toBe("Sand. 粘土");
});

test("a marker of which the beginning came is not shown", () => {
  expect(withoutOpenMarker("Sand 【0:0†a")).toBe("Sand ");
  expect(withoutOpenMarker("Sand 【0:0†a】")).toBe("Sand 【0:0†a】");
});
