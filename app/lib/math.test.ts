import { expect, test } from "vitest";
import { withMath } from "./math";

test.each([
  ["q is \\(q_u\\) here", "q is $q_u$ here"],
  ["so \\[ \\frac{a}{b} \\] then", "so \n$$\n\\frac{a}{b}\n$$\n then"],
  ["$$x^2$$", "$$\nx^2\n$$"],
  ["it costs $5 and $10", "it costs \\$5 and \\$10"],
  ["it costs $5, and $\\gamma$ is 18", "it costs \\$5, and $\\gamma$ is 18"],
  ["from $5 to 6$ of it", "from $5 to 6$ of it"],
  ["`$x$` is code, $x$ is not", "`$x$` is code, $x$ is not"],
  ["```\n\\(a\\) $5\n```", "```\n\\(a\\) $5\n```"],
  ["already \\$5", "already \\$5"],
  ["no dollars", "no dollars"],
])("%j becomes %j", (written, read) => expect(withMath(written)).toBe(read));
