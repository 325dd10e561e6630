/** What went wrong, as a sentence for the person who reads it, and whether trying again may help. */

import { strings } from "../strings";

export class Trouble extends Error {
  constructor(
    message: string,
    readonly status: number | null = null,
    readonly again: boolean = true,
    /** How long the server asked to wait, in seconds. */
    readonly waitS: number | null = null,
  ) {
    super(message);
    this.name = "Trouble";
  }
}

/** The trouble that an answer with an error status tells of. The server's own sentence is best; a proxy's page of HTML is not one. */
export async function troubleOf(response: Response): Promise<Trouble> {
  const sentence = await sentenceOf(response);
  const wait = Number(response.headers.get("retry-after"));
  return new Trouble(
    sentence ?? strings.trouble.status(response.status),
    response.status,
    response.status >= 500 || [401, 408, 409, 425, 429].includes(response.status),
    Number.isFinite(wait) && wait > 0 ? wait : null,
  );
}

/** Anything thrown, as trouble. `fetch` says no more than that the network failed. */
export function asTrouble(thrown: unknown): Trouble {
  if (thrown instanceof Trouble) return thrown;
  if (thrown instanceof TypeError) return new Trouble(strings.trouble.unreachable);
  return new Trouble(strings.trouble.unexpected(thrown instanceof Error ? thrown.message : String(thrown)));
}

async function sentenceOf(response: Response): Promise<string | null> {
  try {
    const told: unknown = await response.json();
    if (typeof told !== "object" || told === null || !("error" in told)) return null;
    const error = told.error;
    if (typeof error === "string") return error;
    if (typeof error === "object" && error !== null && "message" in error) return String(error.message);
    return null;
  } catch {
    return null;
  }
}
