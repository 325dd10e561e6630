"use client";

import { memo, useCallback, useMemo, useState } from "react";
import { type Source, sourcesOf, withoutMarkers } from "../lib/citations";
import type { ShownMessage } from "../lib/thread_state";
import { asTrouble } from "../lib/trouble";
import { strings } from "../strings";
import { Citation } from "./citation";
import { CopyButton } from "./copy_button";
import { Glyph } from "./glyph";
import { Markdown } from "./markdown";
import { Notice } from "./notice";

interface Props {
  message: ShownMessage;
  onSource(source: Source): void;
  onRegenerate: (() => Promise<void>) | null;
}

export const Answer = memo(
  function Answer({ message, onSource, onRegenerate }: Props) {
    const { sources, byMarker } = useMemo(() => sourcesOf(message.citations), [message.citations]);
    const [listed, setListed] = useState(false);
    const [trouble, setTrouble] = useState<string | null>(null);
    const cite = useCallback((source: Source) => <Citation source={source} onOpen={onSource} />, [onSource]);
    const isWriting = message.status === "writing";
    return (
      <article className="turn" aria-label={strings.message.answer} aria-busy={isWriting}>
        <div className={isWriting ? "answer writing" : "answer"} dir="auto">
          <Markdown text={message.text} writing={isWriting} sources={byMarker} cite={cite} />
        </div>
        {!isWriting && (
          <div className="tools">
            <CopyButton text={withoutMarkers(message.text)} />
            {onRegenerate && (
              <button
                type="button"
                className="quiet"
                onClick={() => onRegenerate().catch((thrown) => setTrouble(asTrouble(thrown).message))}
              >
                <Glyph name="retry" />
                <span className="name">{strings.message.regenerate}</span>
              </button>
            )}
            {sources.length > 0 && (
              <button type="button" className="quiet" aria-expanded={listed} onClick={() => setListed(!listed)}>
                <Glyph name="documents" />
                <span>{strings.source.sources(sources.length)}</span>
              </button>
            )}
          </div>
        )}
        {trouble && <Notice text={trouble} />}
        {listed && (
          <ol className="sources">
            {sources.map((source) => (
              <li key={source.number}>
                <button type="button" onClick={() => onSource(source)}>
                  {source.name}
                  {source.page !== null && <small> {strings.source.page(source.page)}</small>}
                </button>
              </li>
            ))}
          </ol>
        )}
      </article>
    );
  },
  (before, after) =>
    before.message === after.message &&
    before.onSource === after.onSource &&
    (before.onRegenerate === null) === (after.onRegenerate === null),
);
