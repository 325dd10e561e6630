"use client";

import { useEffect, useState } from "react";
import type { Source } from "../lib/citations";
import { address, readPassage } from "../lib/server";
import { asTrouble } from "../lib/trouble";
import type { Passage } from "../lib/wire";
import { strings } from "../strings";
import { Glyph } from "./glyph";
import { Notice } from "./notice";
import { PassageText } from "./passage_text";

/** The passage that a claim rests on, marked, in what stands around it. */
export function SourcePanel({ source, onClose }: { source: Source; onClose(): void }) {
  const [passage, setPassage] = useState<Passage | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  useEffect(() => {
    const closing = new AbortController();
    setPassage(null);
    setTrouble(null);
    readPassage(source.fileId, source.chunk, source.quote, closing.signal).then(setPassage, (thrown) => {
      if (!closing.signal.aborted) setTrouble(asTrouble(thrown).message);
    });
    return () => closing.abort();
  }, [source]);
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
      {passage && <PassageText passage={passage} />}
      <p>
        <a href={address(`/api/files/${source.fileId}`)} download>
          {strings.source.open}
        </a>
      </p>
    </aside>
  );
}
