import { useEffect, useMemo, useRef } from "react";
import ReactMarkdown from "react-markdown";
import remarkGfm from "remark-gfm";
import { safeAddress } from "../lib/safe_address";
import type { Passage } from "../lib/wire";
import { COMPONENTS } from "./markdown";
import { remarkMark } from "./remark_mark";

/** A passage and what stands around it as they were read from the document, scrolled to the mark. */
export function PassageText({ passage }: { passage: Passage }) {
  const sheet = useRef<HTMLDivElement>(null);
  const marked = useMemo(() => placeIn(passage), [passage]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another passage has another mark
  useEffect(() => {
    void sheet.current?.querySelector("mark")?.scrollIntoView({ block: "center" });
  }, [passage]);
  return (
    <div className="sheet" dir="auto" ref={sheet}>
      <ReactMarkdown
        remarkPlugins={[remarkGfm, [remarkMark, marked]]}
        components={COMPONENTS}
        urlTransform={safeAddress}
        skipHtml
      >
        {passage.before + passage.text + passage.after}
      </ReactMarkdown>
    </div>
  );
}

/** The server counts characters; strings here are counted in halves of surrogate pairs. */
function placeIn({ before, text, highlight }: Passage): { start: number; end: number } {
  const letters = [...text];
  const upTo = (count: number) => before.length + letters.slice(0, count).join("").length;
  return highlight ? { start: upTo(highlight.start), end: upTo(highlight.end) } : { start: upTo(0), end: upTo(letters.length) };
}
