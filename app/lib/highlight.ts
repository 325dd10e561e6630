/** Code → HTML with classes for its parts. A module of its own, so that pages without code never load the rules. */

import bash from "highlight.js/lib/languages/bash";
import c from "highlight.js/lib/languages/c";
import cpp from "highlight.js/lib/languages/cpp";
import css from "highlight.js/lib/languages/css";
import diff from "highlight.js/lib/languages/diff";
import java from "highlight.js/lib/languages/java";
import javascript from "highlight.js/lib/languages/javascript";
import json from "highlight.js/lib/languages/json";
import python from "highlight.js/lib/languages/python";
import r from "highlight.js/lib/languages/r";
import sql from "highlight.js/lib/languages/sql";
import typescript from "highlight.js/lib/languages/typescript";
import xml from "highlight.js/lib/languages/xml";
import yaml from "highlight.js/lib/languages/yaml";
import { createLowlight } from "lowlight";

const low = createLowlight({ bash, c, cpp, css, diff, java, javascript, json, python, r, sql, typescript, xml, yaml });
/** Longer code is shown without colours: it would hold up the page. */
const MOST_CHARACTERS = 30_000;

type Node = ReturnType<typeof low.highlight>["children"][number];

/** Null for a language without rules here, and for code that is too long. */
export function highlight(text: string, language: string): string | null {
  if (text.length > MOST_CHARACTERS || !low.registered(language.toLowerCase())) return null;
  return low.highlight(language.toLowerCase(), text).children.map(html).join("");
}

function html(node: Node): string {
  if (node.type === "text") return escaped(node.value);
  if (node.type !== "element") return "";
  const names = Array.isArray(node.properties.className) ? node.properties.className.join(" ") : "";
  return `<span class="${escaped(names)}">${node.children.map(html).join("")}</span>`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
