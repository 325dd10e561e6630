"use client";

import { useState } from "react";
import { hasEnded, type ShownRun } from "../lib/thread_state";
import { asTrouble } from "../lib/trouble";
import { strings } from "../strings";
import { Notice } from "./notice";

interface Props {
  run: ShownRun;
  hasAnswer: boolean;
  /** Null where something came after it. */
  onRetry: (() => Promise<void>) | null;
}

/** What became of a run, where its answer does not say it. */
export function RunFate({ run, hasAnswer, onRetry }: Props) {
  const [trouble, setTrouble] = useState<string | null>(null);
  if (!hasEnded(run.status)) {
    return hasAnswer || run.status === "requires_action" ? null : <p className="turn thinking">{strings.run.thinking}</p>;
  }
  const retry = onRetry && (() => void onRetry().catch((thrown) => setTrouble(asTrouble(thrown).message)));
  const failed = (text: string) =>
    retry ? <Notice text={trouble ?? text} action={strings.message.retry} onAction={retry} /> : <Notice text={text} />;
  switch (run.status) {
    case "failed":
      return failed(run.trouble ?? strings.run.failed);
    case "expired":
      return failed(strings.run.expired);
    case "cancelled":
      return <p className="turn fate">{strings.run.stopped}</p>;
    case "incomplete":
      return <p className="turn fate">{strings.run.incomplete}</p>;
    default:
      return null;
  }
}
