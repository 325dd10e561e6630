/**
 * Formulas as models write them → the two forms that the Markdown parser knows, `$…$` and `$$…$$`; and dollars that are money
 * are kept from becoming formulas. Code is left as it is. Pure.
 */

const CODE = /(`{3,}[\s\S]*?(?:`{3,}|$)|~{3,}[\s\S]*?(?:~{3,}|$)|`[^`\n]*`)/;

export function withMath(markdown: string): string {
  if (!/[$\\]/.test(markdown)) return markdown;
  return markdown
    .split(CODE)
    .map((piece, at) => (at % 2 === 1 ? piece : inText(piece)))
    .join("");
}

function inText(text: string): string {
  const delimited = text
    .replace(/\\\[([\s\S]*?)\\\]/g, (_, formula: string) => `\n$$\n${formula.trim()}\n$$\n`)
    .replace(/\\\(([^\n]*?)\\\)/g, (_, formula: string) => `$${formula.trim()}$`)
    .replace(/(^|\n)([ \t]*)\$\$([^\n$]+)\$\$[ \t]*(?=\n|$)/g, (_, start: string, indent: string, formula: string) => {
      return `${start}${indent}$$\n${indent}${formula.trim()}\n${indent}$$`;
    });
  return delimited.includes("$") ? withMoney(delimited) : delimited;
}

/** Pandoc's rule: an opening dollar has no space behind it, a closing one none before it and no digit behind it. A dollar that
 * is neither is escaped. */
function withMoney(text: string): string {
  return text
    .split(/(\$\$[\s\S]*?(?:\$\$|$))/)
    .map((piece, at) => (at % 2 === 1 ? piece : inLine(piece)))
    .join("");
}

function inLine(text: string): string {
  let told = "";
  let at = 0;
  while (at < text.length) {
    const open = text.indexOf("$", at);
    if (open < 0) break;
    told += text.slice(at, open);
    if (text[open - 1] === "\\") {
      told += "$";
      at = open + 1;
      continue;
    }
    const close = closing(text, open);
    told += close < 0 ? "\\$" : text.slice(open, close + 1);
    at = close < 0 ? open + 1 : close + 1;
  }
  return told + text.slice(at);
}

function closing(text: string, open: number): number {
  if (/\s/.test(text[open + 1] ?? " ")) return -1;
  for (let at = open + 2; at < text.length; at++) {
    if (text[at] === "\n" && text[at + 1] === "\n") return -1;
    if (text[at] !== "$" || text[at - 1] === "\\") continue;
    // A dollar that cannot close begins something else: then the first was money.
    return !/\s/.test(text[at - 1] ?? "") && !/\d/.test(text[at + 1] ?? "") ? at : -1;
  }
  return -1;
}
