"use client";

import { useId, useState } from "react";
import type { Source } from "../lib/citations";
import { strings } from "../strings";

/** A number in an answer: the passage's words beside it while it is pointed at, its document when it is opened. */
export function Citation({ source, onOpen }: { source: Source; onOpen(source: Source): void }) {
  const [shown, setShown] = useState(false);
  const id = useId();
  const show = () => setShown(true);
  const hide = () => setShown(false);
  return (
    <span className="cite-place">
      <button
        type="button"
        className="cite"
        aria-label={strings.source.cite(source.number, source.name)}
        aria-describedby={shown && source.quote ? id : undefined}
        onMouseEnter={show}
        onMouseLeave={hide}
        onFocus={show}
        onBlur={hide}
        onKeyDown={(event) => event.key === "Escape" && hide()}
        onClick={() => onOpen(source)}
      >
        {source.number}
      </button>
      {shown && source.quote && (
        <span className="quote" role="tooltip" id={id} dir="auto">
          <b>{source.name}</b>
          {source.page !== null && <small> {strings.source.page(source.page)}</small>}
          <q>{source.quote}</q>
        </span>
      )}
    </span>
  );
}
