/** An answer's Markdown, one block at a time. Models are not trusted: no HTML, no images from elsewhere, links http(s) and mailto. */

import { memo, type ReactNode, useMemo } from "react";
import ReactMarkdown, { type Components, type ExtraProps } from "react-markdown";
import remarkGfm from "remark-gfm";
import remarkMath from "remark-math";
import { blocks, mended } from "../lib/blocks";
import { type Source, withoutOpenMarker } from "../lib/citations";
import { withMath } from "../lib/math";
import { safeAddress } from "../lib/safe_address";
import { strings } from "../strings";
import { CodeBlock } from "./code_block";
import { Formula } from "./formula";
import { remarkMarkers } from "./remark_markers";

const PLUGINS = [remarkGfm, remarkMath, remarkMarkers];

export const COMPONENTS: Components = {
  a: ({ href, children }) =>
    href ? (
      <a href={href} target="_blank" rel="noopener noreferrer nofollow">
        {children}
      </a>
    ) : (
      <span>{children}</span>
    ),
  img: ({ alt, src }) => {
    const address = safeAddress(typeof src === "string" ? src : "");
    const name = strings.message.image(alt ?? "");
    return address ? (
      <a href={address} target="_blank" rel="noopener noreferrer nofollow">
        {name}
      </a>
    ) : (
      <span>{name}</span>
    );
  },
  table: ({ children }) => (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for forms, and a section would be a landmark for each table
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
    <div className="table" role="group" tabIndex={0} aria-label={strings.message.table}>
      <table>{children}</table>
    </div>
  ),
  pre: ({ children }) => <>{children}</>,
  code: Code,
};

function Code({ className, children, node }: { className?: string; children?: ReactNode } & ExtraProps) {
  const text = String(children ?? "");
  const kind = className ?? "";
  if (kind.includes("language-math")) return <Formula source={text} display={kind.includes("math-display")} />;
  const isBlock = kind.startsWith("language-") || node?.position?.start.line !== node?.position?.end.line || text.endsWith("\n");
  if (!isBlock) return <code>{children}</code>;
  return <CodeBlock text={text.replace(/\n$/, "")} language={/language-([\w+#-]+)/.exec(kind)?.[1] ?? null} />;
}

interface Props {
  text: string;
  writing: boolean;
  sources: ReadonlyMap<string, Source>;
  cite(source: Source): ReactNode;
}

/** The last block is parsed anew while it is written; those before it are done. */
export function Markdown({ text, writing, sources, cite }: Props) {
  const cut = useMemo(() => blocks(writing ? withoutOpenMarker(text) : text), [text, writing]);
  return (
    <>
      {cut.map((block, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: blocks are only ever added at the end
        <Block key={at} text={writing && at === cut.length - 1 ? mended(block) : block} sources={sources} cite={cite} />
      ))}
    </>
  );
}

const Block = memo(function Block({ text, sources, cite }: Omit<Props, "writing">) {
  const components = useMemo(
    () => ({
      ...COMPONENTS,
      // The name that remark_markers gives to a marker.
      sup: ({ node, children }: { children?: ReactNode } & ExtraProps) => {
        const marker = node?.properties?.marker;
        if (typeof marker !== "string") return <sup>{children}</sup>;
        const source = sources.get(marker);
        return source ? cite(source) : null;
      },
    }),
    [sources, cite],
  );
  return (
    <ReactMarkdown remarkPlugins={PLUGINS} components={components} urlTransform={safeAddress} skipHtml>
      {withMath(text)}
    </ReactMarkdown>
  );
}, same);

/** A block that cites nothing does not care that sources were added. */
function same(before: Omit<Props, "writing">, after: Omit<Props, "writing">): boolean {
  return (
    before.text === after.text && before.cite === after.cite && (before.sources === after.sources || !after.text.includes("【"))
  );
}
