/** Functions that the page answers by itself. The weather is the quickstart's example: made up, and the same for each place. */

import type { ToolCall } from "./wire";

export interface Weather {
  location: string;
  temperature: number;
  unit: "F" | "C";
  conditions: "Sunny" | "Cloudy" | "Rainy";
}

/** The outputs of all calls, or null when one of them is of a function that this page does not have. */
export function outputsOf(calls: readonly ToolCall[]): { tool_call_id: string; output: string }[] | null {
  const outputs = [];
  for (const call of calls) {
    if (call.type !== "function" || call.function.name !== "get_weather") return null;
    outputs.push({ tool_call_id: call.id, output: JSON.stringify(weatherIn(call.function.arguments)) });
  }
  return outputs;
}

/** The weather that a call asked for; null while its arguments are still being written. */
export function weatherOf(call: ToolCall): Weather | null {
  if (call.type !== "function" || call.function.name !== "get_weather") return null;
  try {
    JSON.parse(call.function.arguments);
    return weatherIn(call.function.arguments);
  } catch {
    return null;
  }
}

function weatherIn(argumentsText: string): Weather {
  const asked = readObject(argumentsText);
  const location = typeof asked.location === "string" && asked.location !== "" ? asked.location : "somewhere";
  const number = [...location].reduce((sum, letter) => sum + (letter.codePointAt(0) ?? 0), 0);
  const unit = String(asked.unit).toLowerCase().startsWith("f") ? "F" : "C";
  const celsius = number % 30;
  const conditions = (["Sunny", "Cloudy", "Rainy"] as const)[number % 3] ?? "Sunny";
  return { location, temperature: unit === "C" ? celsius : Math.round(celsius * 1.8 + 32), unit, conditions };
}

function readObject(text: string): Record<string, unknown> {
  try {
    const told: unknown = JSON.parse(text);
    return typeof told === "object" && told !== null ? (told as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
