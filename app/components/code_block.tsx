"use client";

import { useEffect, useState } from "react";
import { strings } from "../strings";
import { CopyButton } from "./copy_button";

type Highlighted = { html: string; of: string };

/** Code, coloured once its language's rules have come; they are asked for when the first block with a language is seen. */
export function CodeBlock({ text, language }: { text: string; language: string | null }) {
  const [coloured, setColoured] = useState<Highlighted | null>(null);
  useEffect(() => {
    if (!language) return;
    let wanted = true;
    void import("../lib/highlight").then(({ highlight }) => {
      const html = highlight(text, language);
      if (wanted && html !== null) setColoured({ html, of: text });
    });
    return () => {
      wanted = false;
    };
  }, [text, language]);
  return (
    <figure className="code">
      <figcaption>
        <span>{language ?? ""}</span>
        <CopyButton text={text} label={strings.message.copyCode} />
      </figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
      <pre tabIndex={0}>
        {coloured?.of === text ? (
          // biome-ignore lint/security/noDangerouslySetInnerHtml: built of escaped text by lib/highlight
          <code dangerouslySetInnerHTML={{ __html: coloured.html }} />
        ) : (
          <code>{text}</code>
        )}
      </pre>
    </figure>
  );
}
