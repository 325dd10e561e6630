/** TeX → HTML. A module of its own, so that pages without formulas never load KaTeX. */

import katex from "katex";
import "katex/dist/katex.min.css";

/** Null where the source is not valid TeX, as while it is being written. Sizes and macros are bounded: models are not trusted. */
export function formulaHtml(source: string, display: boolean): string | null {
  try {
    return katex.renderToString(source, {
      displayMode: display,
      throwOnError: true,
      trust: false,
      maxSize: 20,
      maxExpand: 200,
      strict: false,
    });
  } catch {
    return null;
  }
}
