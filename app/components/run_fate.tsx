import { hasEnded, type ShownRun } from "../lib/thread_state";
import { strings } from "../strings";
import { Notice } from "./notice";

/** What became of a run, where its answer does not say it. */
export function RunFate({ run, hasAnswer }: { run: ShownRun; hasAnswer: boolean }) {
  if (!hasEnded(run.status)) {
    return hasAnswer || run.status === "requires_action" ? null : <p className="turn thinking">{strings.run.thinking}</p>;
  }
  switch (run.status) {
    case "failed":
      return <Notice text={run.trouble ?? strings.run.failed} />;
    case "expired":
      return <Notice text={strings.run.expired} />;
    case "cancelled":
      return <p className="turn fate">{strings.run.stopped}</p>;
    case "incomplete":
      return <p className="turn fate">{strings.run.incomplete}</p>;
    default:
      return null;
  }
}
