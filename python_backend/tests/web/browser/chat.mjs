/** The page as a user has it: by roles and names, never by what it is made of. */

const WITHIN_MS = 15_000;

/** Until `holds` returns something true, which is returned. Throws with what was waited for. */
export const until = async (what, holds, withinMs = WITHIN_MS) => {
  const deadline = Date.now() + withinMs;
  while (true) {
    const told = await holds();
    if (told) return told;
    if (Date.now() > deadline) throw new Error(`It never happened within ${withinMs} ms that ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

/** What the script's command `words COUNT` says. */
export const words = (count) => Array.from({ length: count }, (_, at) => `word${at + 1}`).join(" ");

export const say = (text) => `say ${JSON.stringify(text)}`;

export class Chat {
  constructor(page) {
    this.page = page;
    this.composer = page.getByRole("textbox", { name: "Message", exact: true });
    this.log = page.getByRole("log");
    this.answers = page.getByRole("article", { name: "Answer" });
    this.questions = page.getByRole("article", { name: "You said" });
    this.threads = page.getByRole("navigation", { name: "Threads" });
  }

  button(name) {
    return this.page.getByRole("button", { name, exact: true });
  }

  async open(path = "/") {
    await this.page.goto(path);
    await this.composer.waitFor();
  }

  async send(text) {
    await this.composer.fill(text);
    await this.composer.press("Enter");
  }

  /** Send a script, and wait for the end of its answer. */
  async ask(text) {
    const before = await this.answers.count();
    await this.send(text);
    await until(`message ${before + 1} is answered`, async () => (await this.answers.count()) > before);
    await this.atRest();
  }

  /** Nothing is being written. */
  async atRest() {
    await until("the page is at rest", async () => {
      if ((await this.log.getAttribute("aria-busy")) !== "false") return false;
      return (await this.page.locator("article[aria-busy=true]").count()) === 0;
    });
  }

  /** The text of an answer as it is now; of the last one, where no number is given. */
  async answer(at = -1) {
    return (await this.answers.nth(at).locator(".answer").textContent()).trim();
  }

  async says(text, at = -1) {
    await until(`an answer says ${text}`, async () => (await this.answers.count()) > 0 && (await this.answer(at)).includes(text));
  }

  /** Another tab of the same browser, at the same address. */
  async secondTab() {
    const other = new Chat(await this.page.context().newPage());
    await other.open(this.page.url());
    return other;
  }

  /** From now on every text that the last answer ever has is noted. */
  async watch() {
    await this.page.evaluate(() => {
      window.noted = [];
      const note = () => {
        const text = [...document.querySelectorAll("article .answer")].at(-1)?.textContent.trim() ?? "";
        if (text !== window.noted.at(-1)) window.noted.push(text);
      };
      new MutationObserver(note).observe(document.body, { childList: true, subtree: true, characterData: true });
    });
  }

  async noted() {
    return this.page.evaluate(() => window.noted);
  }
}
