import { expect, test } from "vitest";
import { safeAddress } from "./safe_address";

test.each(["https://example.org/a?b#c", "http://127.0.0.1:8000", "mailto:a@example.org"])("%s is a link", (address) =>
  expect(safeAddress(address)).toBe(address),
);

test.each([
  "javascript:alert(1)",
  "JaVaScRiPt:alert(1)",
  "java\nscript:alert(1)",
  "\u0001javascript:alert(1)",
  "data:text/html,<script>alert(1)</script>",
  "vbscript:x",
  "file:///etc/passwd",
  "//evil.example/x",
  "/relative",
  "http:evil",
  "blob:https://x/y",
])("%j leads nowhere", (address) => expect(safeAddress(address)).toBe(""));
