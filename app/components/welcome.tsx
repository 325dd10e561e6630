import type { Knowledge } from "../lib/wire";
import { strings } from "../strings";

const MOST_NAMES = 8;

/** The first thing that is seen: what this is, what it knows, and three questions to begin with. */
export function Welcome({ knowledge, onAsk }: { knowledge: Knowledge | null; onAsk(question: string): void }) {
  const names = knowledge ? namesIn(knowledge) : [];
  return (
    <div className="scroll">
      <section className="welcome">
        <h2>{strings.welcome.title}</h2>
        <p>{strings.welcome.about}</p>
        <div className="questions">
          {strings.welcome.questions.map((question) => (
            <button type="button" key={question} onClick={() => onAsk(question)}>
              {question}
            </button>
          ))}
        </div>
        {names.length > 0 && (
          <p className="knows">
            {strings.welcome.knows} {names.slice(0, MOST_NAMES).join(" · ")}
            {names.length > MOST_NAMES && " …"}
          </p>
        )}
        {knowledge && (
          <p className="knows">
            {knowledge.model.error ??
              (knowledge.model.writes ? strings.welcome.model(knowledge.model.name ?? "") : strings.welcome.noModel)}
          </p>
        )}
      </section>
    </div>
  );
}

function namesIn(knowledge: Knowledge): string[] {
  if (knowledge.examples.searched) return knowledge.examples.titles;
  return knowledge.stores.flatMap((store) =>
    store.documents.filter((each) => each.status === "completed").map((each) => each.filename),
  );
}
