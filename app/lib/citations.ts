/** Markers in an answer's text → numbered sources. The same passage has one number in an answer; a marker that cites nothing is
 * not shown. Pure. */

import type { FileCitation } from "./wire";

export interface Source {
  readonly number: number;
  readonly fileId: string;
  readonly name: string;
  readonly quote: string | null;
  readonly chunk: number | null;
  readonly page: number | null;
}

const MARKER = /【[^】\n]{0,300}】/g;
const OPEN_MARKER = /【[^】\n]{0,300}$/;

/** The sources of an answer in the order of their first marker, and which marker leads to which. */
export function sourcesOf(citations: readonly FileCitation[]): { sources: Source[]; byMarker: Map<string, Source> } {
  const sources: Source[] = [];
  const byMarker = new Map<string, Source>();
  const byPassage = new Map<string, Source>();
  for (const { text, file_citation: cited } of citations) {
    const passage = `${cited.file_id}#${cited.chunk ?? cited.quote ?? text}`;
    let source = byPassage.get(passage);
    if (!source) {
      source = {
        number: sources.length + 1,
        fileId: cited.file_id,
        name: nameOf(text),
        quote: cited.quote ?? null,
        chunk: cited.chunk ?? null,
        page: cited.page ?? null,
      };
      byPassage.set(passage, source);
      sources.push(source);
    }
    byMarker.set(text, source);
  }
  return { sources, byMarker };
}

function nameOf(marker: string): string {
  const at = marker.indexOf("†");
  return at < 0 ? "" : marker.slice(at + 1, -1);
}

export type Piece = { readonly text: string } | { readonly marker: string };

/** A text cut at its markers. */
export function pieces(text: string): Piece[] {
  const cut: Piece[] = [];
  let at = 0;
  for (const match of text.matchAll(MARKER)) {
    if (match.index > at) cut.push({ text: text.slice(at, match.index) });
    cut.push({ marker: match[0] });
    at = match.index + match[0].length;
  }
  if (at < text.length) cut.push({ text: text.slice(at) });
  return cut;
}

/** The text without its markers, as it is copied. */
export function withoutMarkers(text: string): string {
  return text.replace(MARKER, "").replace(/[ \t]+([.,;:!?])/g, "$1");
}

/** A text that goes on, without a marker of which only the beginning came. */
export function withoutOpenMarker(text: string): string {
  return text.replace(OPEN_MARKER, "");
}
