/** What the server sends, as far as this app reads it: the objects of the Assistants API and the guide's conversations. */

export type RunStatus =
  | "queued"
  | "in_progress"
  | "requires_action"
  | "cancelling"
  | "cancelled"
  | "failed"
  | "completed"
  | "incomplete"
  | "expired";

export interface FileCitation {
  type: "file_citation";
  text: string;
  start_index: number;
  end_index: number;
  file_citation: { file_id: string; quote?: string | null; chunk?: number | null; page?: number | null };
}

export interface TextPart {
  type: "text";
  text: { value: string; annotations: FileCitation[] };
}

export interface OtherPart {
  type: "image_url" | "image_file" | "refusal";
}

export type ContentPart = TextPart | OtherPart;

export interface Message {
  id: string;
  object: "thread.message";
  created_at: number;
  role: "user" | "assistant";
  status?: "in_progress" | "incomplete" | "completed" | null;
  content: ContentPart[];
  run_id: string | null;
}

export interface TextDelta {
  index: number;
  type: "text";
  text?: { value?: string; annotations?: (FileCitation & { index: number })[] };
}

export interface MessageDelta {
  id: string;
  delta: { content?: TextDelta[] };
}

export interface FunctionCall {
  id: string;
  type: "function";
  function: { name: string; arguments: string; output?: string | null };
}

export interface FileSearchCall {
  id: string;
  type: "file_search";
  file_search: { results?: { file_id: string; file_name: string; score: number }[] };
}

export type ToolCall = FunctionCall | FileSearchCall;

export interface RunStep {
  id: string;
  run_id: string;
  type: "message_creation" | "tool_calls";
  status: string;
  step_details:
    | { type: "message_creation"; message_creation: { message_id: string } }
    | { type: "tool_calls"; tool_calls: ToolCall[] };
}

/** The pieces of a call arrive one by one; only `index` is always there. */
export interface ToolCallDelta {
  index: number;
  id?: string;
  type?: "function" | "file_search";
  function?: { name?: string; arguments?: string; output?: string | null };
  file_search?: FileSearchCall["file_search"];
}

export interface RunStepDelta {
  id: string;
  delta: { step_details?: { type: "tool_calls"; tool_calls?: ToolCallDelta[] } | { type: "message_creation" } };
}

export interface Run {
  id: string;
  thread_id: string;
  status: RunStatus;
  model: string;
  last_error: { code: string; message: string } | null;
  incomplete_details: { reason: string } | null;
  required_action: { submit_tool_outputs: { tool_calls: FunctionCall[] } } | null;
}

export interface ActiveRun {
  id: string;
  status: RunStatus;
  /** Follow the run's events behind this number. */
  cursor: number;
}

export interface History {
  threadId: string;
  /** Newest first. */
  messages: Message[];
  activeRun: ActiveRun | null;
  waiting: { id: string; text: string }[];
  /** Follow the thread's events behind this number. */
  threadCursor: number;
}

export interface Conversation {
  threadId: string;
  name: string;
  isGroup: boolean;
  createdAt: string | null;
  updatedAt: string | null;
}

export interface KnownFile {
  file_id: string;
  filename: string;
  status: string;
  /** Why a file could not be read, where it could not. */
  error?: string | null;
}

/** One event of a stream: its number, by which a cut stream goes on, its name and its object. */
export interface StreamEvent {
  id: number | null;
  event: string;
  data: unknown;
}

/** The passage behind a citation. `highlight` is a place in `text`, in code points. */
export interface Passage {
  file_id: string;
  filename: string;
  chunk: number | null;
  page: number | null;
  heading: string[];
  text: string;
  before: string;
  after: string;
  highlight: { start: number; end: number } | null;
}

/** What the assistant knows. */
export interface Knowledge {
  stores: {
    id: string;
    name: string;
    role: "knowledge" | "uploads";
    counts: { completed?: number; in_progress?: number; failed?: number; total?: number };
    documents: { file_id: string; filename: string; status: string; error: string | null }[];
    error: string | null;
  }[];
  examples: { searched: boolean; titles: string[] };
  model: { writes: boolean; name: string | null; error: string | null };
}
