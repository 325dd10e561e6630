// The SDK under test, by its alias in package.json: `sdk("openai-4")`.

const versions = { "openai-4": "openai-4/lib/AssistantStream", "openai-6": "openai-6/lib/AssistantStream" };

export async function sdk(name) {
  const { AssistantStream } = await import(versions[name]);
  return AssistantStream;
}

// Everything that a front end can learn from one stream: what its handlers were called with, and what the SDK made of it.
export async function watch(stream, onEvent = () => {}) {
  const seen = { calls: [], events: [], text: "", annotations: [], toolCalls: [], messages: [], accumulated: [], run: null, error: null };
  const called = (name) => seen.calls.push(name);
  stream.on("textCreated", () => called("textCreated"));
  stream.on("textDelta", (delta) => {
    called("textDelta");
    if (delta.value != null) seen.text += delta.value;
    if (delta.annotations != null) seen.annotations.push(...structuredClone(delta.annotations));
  });
  stream.on("textDone", () => called("textDone"));
  stream.on("imageFileDone", () => called("imageFileDone"));
  stream.on("toolCallCreated", (toolCall) => {
    called("toolCallCreated");
    seen.toolCalls.push({ type: toolCall.type, name: toolCall.function?.name, arguments: toolCall.function?.arguments ?? "" });
  });
  stream.on("toolCallDelta", (delta) => {
    called("toolCallDelta");
    if (delta.type === "function") seen.toolCalls.at(-1).arguments += delta.function.arguments;
  });
  stream.on("toolCallDone", () => called("toolCallDone"));
  stream.on("messageCreated", () => called("messageCreated"));
  stream.on("messageDone", (message) => {
    called("messageDone");
    seen.messages.push(structuredClone(message));
  });
  stream.on("runStepDone", () => called("runStepDone"));
  stream.on("event", (event) => {
    seen.events.push(event.event);
    onEvent(event);
  });
  stream.on("end", () => called("end"));
  try {
    seen.accumulated = structuredClone(await stream.finalMessages());
    seen.run = structuredClone(await stream.finalRun());
  } catch (error) {
    seen.error = String(error);
  }
  return seen;
}

// How the SDK refuses; null when it does not.
export async function refused(call) {
  try {
    await call();
    return null;
  } catch (error) {
    const { status, message, type, param, code } = error;
    return { class: error.constructor.name, status, message, type, param, code };
  }
}

// Everything that an iterator of the SDK gives, page after page.
export async function all(list) {
  const found = [];
  for await (const one of list) found.push(one);
  return found;
}
