"use client";

import { useEffect, useState } from "react";
import { strings } from "../strings";
import { Glyph } from "./glyph";

export function CopyButton({ text, label = strings.message.copy }: { text: string; label?: string }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 1600);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = async () => {
    await toClipboard(text);
    setCopied(true);
  };
  return (
    <button type="button" className="quiet" onClick={() => void copy()} aria-label={copied ? strings.message.copied : label}>
      <Glyph name={copied ? "check" : "copy"} />
      <span className="name">{copied ? strings.message.copied : strings.message.copy}</span>
    </button>
  );
}

/** Pages of plain http beyond this machine have no clipboard: then the old way. */
async function toClipboard(text: string): Promise<void> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = document.createElement("textarea");
  field.value = text;
  field.style.position = "fixed";
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}
