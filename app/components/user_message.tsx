import { memo } from "react";
import type { ShownMessage } from "../lib/thread_state";
import { strings } from "../strings";
import { CopyButton } from "./copy_button";
import { Glyph } from "./glyph";

export const UserMessage = memo(function UserMessage({
  message,
  onEdit,
}: {
  message: ShownMessage;
  onEdit(messageId: string, text: string): void;
}) {
  return (
    <article className="turn me-turn" aria-label={strings.message.you}>
      <div className="me" dir="auto">
        {message.text}
      </div>
      <div className="tools">
        <CopyButton text={message.text} />
        <button type="button" className="quiet" onClick={() => onEdit(message.id, message.text)}>
          <Glyph name="edit" />
          <span className="name">{strings.message.edit}</span>
        </button>
      </div>
    </article>
  );
});
