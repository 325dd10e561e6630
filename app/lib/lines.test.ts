import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { LineReader } from "./lines";
import type { StreamEvent } from "./wire";

const RECORDED = new URL("../../fixtures/wire/", import.meta.url);
const names = readdirSync(RECORDED).filter((name) => name.endsWith(".ndjson"));

function readWhole(bytes: Uint8Array): StreamEvent[] {
  return new LineReader().push(bytes);
}

describe("streams that the server recorded", () => {
  test("are there", () => expect(names.length).toBeGreaterThan(3));

  test.each(names)("%s is the same however it is cut", (name) => {
    const bytes = new Uint8Array(readFileSync(new URL(name, RECORDED)));
    const whole = readWhole(bytes);
    expect(whole.length).toBeGreaterThan(1);
    for (const size of [1, 2, 3, 7, 64, 1000]) {
      const reader = new LineReader();
      const events: StreamEvent[] = [];
      for (let at = 0; at < bytes.length; at += size) events.push(...reader.push(bytes.subarray(at, at + size)));
      expect(events).toEqual(whole);
    }
  });
});

test("a keep-alive is no event", () => {
  expect(readWhole(new TextEncoder().encode('\n\n{"event":"a","data":1,"id":7}\n\r\n'))).toEqual([
    { id: 7, event: "a", data: 1 },
  ]);
});

test("a line that is no event is refused", () => {
  expect(() => readWhole(new TextEncoder().encode("[1]\n"))).toThrow("no event");
  expect(() => readWhole(new TextEncoder().encode("<html>\n"))).toThrow();
});
