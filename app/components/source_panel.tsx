"use client";

import { useEffect, useRef, useState } from "react";
import type { Source } from "../lib/citations";
import { address, readPassage } from "../lib/server";
import { asTrouble } from "../lib/trouble";
import type { Passage } from "../lib/wire";
import { strings } from "../strings";
import { Glyph } from "./glyph";
import { Notice } from "./notice";

/** The passage that a claim rests on, marked, in what stands around it. */
export function SourcePanel({ source, onClose }: { source: Source; onClose(): void }) {
  const [passage, setPassage] = useState<Passage | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const marked = useRef<HTMLElement>(null);
  useEffect(() => {
    const closing = new AbortController();
    setPassage(null);
    setTrouble(null);
    readPassage(source.fileId, source.chunk, source.quote, closing.signal).then(setPassage, (thrown) => {
      if (!closing.signal.aborted) setTrouble(asTrouble(thrown).message);
    });
    return () => closing.abort();
  }, [source]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the mark is there when the passage is
  useEffect(() => {
    void marked.current?.scrollIntoView({ block: "center" });
  }, [passage]);
  const page = passage?.page ?? source.page;
  return (
    <aside aria-label={strings.source.label}>
      <div className="aside-top">
        <h2 dir="auto">{passage?.filename ?? source.name}</h2>
        <button type="button" className="quiet" aria-label={strings.source.close} onClick={onClose}>
          <Glyph name="close" />
        </button>
      </div>
      <small>{[page === null ? null : strings.source.page(page), ...(passage?.heading ?? [])].filter(Boolean).join(" · ")}</small>
      {trouble && <Notice text={`${strings.source.gone} ${trouble}`} />}
      {!passage && !trouble && <p className="loading">{strings.source.loading}</p>}
      {!passage && source.quote && (
        <div className="sheet" dir="auto">
          <mark>{source.quote}</mark>
        </div>
      )}
      {passage && (
        <div className="sheet" dir="auto">
          {passage.before}
          <Marked passage={passage} innerRef={marked} />
          {passage.after}
        </div>
      )}
      <p>
        <a href={address(`/api/files/${source.fileId}`)} download>
          {strings.source.open}
        </a>
      </p>
    </aside>
  );
}

function Marked({ passage, innerRef }: { passage: Passage; innerRef: React.Ref<HTMLElement> }) {
  const letters = [...passage.text];
  const { start, end } = passage.highlight ?? { start: 0, end: letters.length };
  return (
    <>
      {letters.slice(0, start).join("")}
      <mark ref={innerRef}>{letters.slice(start, end).join("")}</mark>
      {letters.slice(end).join("")}
    </>
  );
}
