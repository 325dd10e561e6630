/** The text between two places of the source stands in a `mark`, whatever it is part of: words, cells, code. */

import type { Parent, Root, RootContent, Text } from "mdast";

export interface Marked {
  readonly start: number;
  readonly end: number;
}

export function remarkMark({ start, end }: Marked) {
  return (tree: Root) => visit(tree, start, end);
}

function visit(parent: Parent, start: number, end: number): void {
  parent.children = (parent.children as RootContent[]).flatMap((child) => {
    const from = child.position?.start.offset;
    const to = child.position?.end.offset;
    if (from === undefined || to === undefined || to <= start || from >= end) return [child];
    if (child.type === "text") return cut(child, from, to, start, end);
    if (child.type === "inlineCode") return [marked([child])];
    if ("children" in child) visit(child, start, end);
    return [child];
  });
}

/** Where the source has escapes, places in it are not those of the text: then all of the text is marked. */
function cut(text: Text, from: number, to: number, start: number, end: number): RootContent[] {
  const { value } = text;
  if (value.length !== to - from) return [marked([text])];
  const first = Math.max(0, start - from);
  const last = Math.min(value.length, end - from);
  const pieces: RootContent[] = [
    { type: "text", value: value.slice(0, first) },
    marked([{ type: "text", value: value.slice(first, last) }]),
    { type: "text", value: value.slice(last) },
  ];
  return pieces.filter((piece) => piece.type !== "text" || piece.value !== "");
}

function marked(children: (Text | Extract<RootContent, { type: "inlineCode" }>)[]): RootContent {
  return { type: "emphasis", children, data: { hName: "mark" } };
}
