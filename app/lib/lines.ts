/** Bytes → events. The server sends one JSON object a line; an empty line only says that it is still there. */

import type { StreamEvent } from "./wire";

export class LineReader {
  readonly #decoder = new TextDecoder();
  #rest = "";

  /** The events that these bytes complete. Bytes may be cut anywhere, inside a character too. */
  push(bytes: Uint8Array): StreamEvent[] {
    const text = this.#rest + this.#decoder.decode(bytes, { stream: true });
    const lines = text.split("\n");
    this.#rest = lines.pop() ?? "";
    return lines.filter((line) => line.trim() !== "").map(read);
  }
}

function read(line: string): StreamEvent {
  const told: unknown = JSON.parse(line);
  if (typeof told !== "object" || told === null || !("event" in told) || typeof told.event !== "string") {
    throw new SyntaxError("A line of the stream is no event.");
  }
  const id = "id" in told && typeof told.id === "number" ? told.id : null;
  return { id, event: told.event, data: "data" in told ? told.data : null };
}
