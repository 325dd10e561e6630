import type { Outgoing } from "../lib/thread_state";
import { strings } from "../strings";
import { Notice } from "./notice";

/** A message on its way, or one that the server did not take: its text stays until it is sent or discarded. */
export function OutgoingMessage({ outgoing, onRetry, onDiscard }: { outgoing: Outgoing; onRetry(): void; onDiscard(): void }) {
  return (
    <article className="turn me-turn" aria-label={strings.message.you}>
      <div className="me sending" dir="auto">
        {outgoing.text}
      </div>
      {outgoing.state === "sending" ? (
        <small>{strings.message.sending}</small>
      ) : (
        <>
          <Notice text={outgoing.trouble ?? strings.message.unsent} action={strings.message.retry} onAction={onRetry} />
          <button type="button" className="quiet" onClick={onDiscard}>
            {strings.message.discard}
          </button>
        </>
      )}
    </article>
  );
}
