"use client";

import { useEffect, useState } from "react";

/** A formula, as its source until KaTeX has come, which is asked for when the first formula is seen; and where it is not valid. */
export function Formula({ source, display }: { source: string; display: boolean }) {
  const [drawn, setDrawn] = useState<{ html: string; of: string } | null>(null);
  useEffect(() => {
    let wanted = true;
    void import("../lib/katex").then(({ formulaHtml }) => {
      const html = formulaHtml(source, display);
      if (wanted && html !== null) setDrawn({ html, of: source });
    });
    return () => {
      wanted = false;
    };
  }, [source, display]);
  // While it is written the last valid form stays, so that it does not flicker.
  if (drawn === null) return <code className={display ? "formula display" : "formula"}>{source}</code>;
  // biome-ignore lint/security/noDangerouslySetInnerHtml: KaTeX escapes, and trusts no command that could name an address
  return <span className={display ? "formula display" : "formula"} dangerouslySetInnerHTML={{ __html: drawn.html }} />;
}
