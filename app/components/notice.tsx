/** A sentence about something that went wrong, and what can be done about it. */
export function Notice({ text, action, onAction }: { text: string; action?: string; onAction?(): void }) {
  return (
    <div className="notice" role="alert">
      <span>{text}</span>
      {action && (
        <button type="button" onClick={onAction}>
          {action}
        </button>
      )}
    </div>
  );
}
