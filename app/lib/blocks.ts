/**
 * Markdown while it is being written: cut into blocks that no longer change, so that each is parsed once, and a last one
 * that is mended so that half a table, a half-open emphasis or half a link is never seen raw. Pure.
 */

const FENCE = /^ {0,3}(`{3,}|~{3,})/;
const LIST_ITEM = /^ {0,3}([-*+]|\d{1,9}[.)])\s/;
const INDENTED = /^( {2,}|\t)\S/;

/** The text's top-level blocks, in order. Joined by empty lines they are the text again. A list with empty lines between its items is
 * one block, else its numbers would begin anew; so is everything between two fences, or between `$$` and `$$`. */
export function blocks(text: string): string[] {
  const found: string[] = [];
  let block: string[] = [];
  let fence: string | null = null;
  let math = false;
  const close = () => {
    while (block.at(-1)?.trim() === "") block.pop();
    if (block.length > 0) found.push(block.join("\n"));
    block = [];
  };
  const lines = text.split("\n");
  for (const [at, line] of lines.entries()) {
    const mark = math ? null : FENCE.exec(line)?.[1];
    if (mark && fence === null) fence = mark;
    else if (mark && fence !== null && mark.startsWith(fence) && line.trim() === mark) fence = null;
    else if (fence === null && oddMath(line)) math = !math;
    if (line.trim() === "" && fence === null && !math && !goesOn(block, lines, at)) close();
    else block.push(line);
  }
  close();
  return found;
}

function oddMath(line: string): boolean {
  return (line.split("$$").length - 1) % 2 === 1;
}

/** Whether what follows the empty line belongs to the list before it. */
function goesOn(block: readonly string[], lines: readonly string[], at: number): boolean {
  if (block.length === 0 || !LIST_ITEM.test(block[0] ?? "")) return false;
  const next = lines.slice(at + 1).find((line) => line.trim() !== "");
  return next !== undefined && (LIST_ITEM.test(next) || INDENTED.test(next));
}

/** The last block of a text that goes on, closed as it will probably be. */
export function mended(block: string): string {
  const fences = block.split("\n").filter((line) => FENCE.test(line)).length;
  if (fences % 2 === 1) return block;
  if (oddMath(block.replaceAll("\n", " "))) return `${block.trimEnd()}\n$$`;
  const last = block.slice(block.lastIndexOf("\n") + 1);
  if (last.trimStart().startsWith("|")) return mendedTable(block);
  return mendedInline(block);
}

/** A header row becomes a table at once; a delimiter row or a row that is still being written is left out. */
function mendedTable(block: string): string {
  const lines = block.split("\n");
  const first = lines.findIndex((line) => line.trimStart().startsWith("|"));
  const rows = lines.slice(first);
  const cells = (rows[0] ?? "").split("|").length - 2;
  if (cells < 1 || (rows.length === 1 && !rows[0]?.trimEnd().endsWith("|"))) return lines.slice(0, first).join("\n");
  const delimiter = `|${" --- |".repeat(cells)}`;
  if (rows.length <= 2) return [...lines.slice(0, first + 1), delimiter].join("\n");
  return rows.at(-1)?.trimEnd().endsWith("|") ? block : lines.slice(0, -1).join("\n");
}

function mendedInline(block: string): string {
  let text = block
    .replace(/!?\[[^\]\n]*(\]\([^)\n]*)?$/, (link) => /^!?\[([^\]]*)/.exec(link)?.[1] ?? "")
    .replace(/(^|\s)(\*{1,3}|_{1,3}|`+|~~?)$/, "$1");
  const bare = text.replace(/`[^`\n]*`/g, "");
  if (count(bare, "`") % 2 === 1) return `${text}\``;
  if (count(bare, "**") % 2 === 1) text = closed(text, "**");
  else if (count(bare.replaceAll("**", ""), "*") % 2 === 1 && !LIST_ITEM.test(block)) text = closed(text, "*");
  if (count(bare, "~~") % 2 === 1) text = closed(text, "~~");
  return text;
}

function closed(text: string, mark: string): string {
  return text.trimEnd() + mark;
}

function count(text: string, piece: string): number {
  return text.split(piece).length - 1;
}
