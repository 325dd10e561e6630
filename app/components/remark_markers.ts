/** Markers such as 【0:2†report.pdf】 in text become nodes of their own, which are drawn as numbers. In code they go. */

import type { Parent, Root, RootContent } from "mdast";
import { pieces, withoutMarkers } from "../lib/citations";

export function remarkMarkers() {
  return (tree: Root) => visit(tree);
}

function visit(parent: Parent): void {
  const children: RootContent[] = [];
  for (const child of parent.children as RootContent[]) {
    if (child.type === "text" && child.value.includes("【")) children.push(...pieces(child.value).map(asNode));
    else {
      if ((child.type === "inlineCode" || child.type === "code") && child.value.includes("【"))
        child.value = withoutMarkers(child.value);
      if ("children" in child) visit(child);
      children.push(child);
    }
  }
  parent.children = children;
}

function asNode(piece: ReturnType<typeof pieces>[number]): RootContent {
  if ("text" in piece) return { type: "text", value: piece.text };
  return { type: "emphasis", children: [], data: { hName: "sup", hProperties: { marker: piece.marker } } };
}
