import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MODELS } from "../emulators/model/limits.ts";
import { createChat, enter, hasBrowser, openStage, type Stage, say } from "./testing.ts";

const LARGE = "emulated-large";
const SMALL = "emulated-small";

/** On a busy machine. */
const PATIENCE = { timeout: 8_000, interval: 30 };

/** More than a page, and than what is read when a chat is opened. */
const LINES = 100;

/** What models say and what is found of it, in a real browser. */
describe.skipIf(!hasBrowser)("in the page", () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
  });
  afterAll(() => stage?.close());

  const createAssistant = async (page: Page): Promise<number> => {
    await page.locator("#sidebar").getByRole("button", { name: "New chat" }).click();
    await page.getByRole("radio", { name: "Assistant" }).check();
    await page.keyboard.press("Enter");
    await page.locator(".chat-title", { hasText: "Assistant" }).waitFor();
    return Number(/\d+$/.exec(page.url())?.[0]);
  };
  const ask = async (page: Page, text: string): Promise<void> => {
    await page.getByLabel("Message", { exact: true }).fill(text);
    await page.keyboard.press("Enter");
  };
  const coming = (page: Page) => page.locator(".coming");
  const usage = (page: Page) => page.locator(".usage");

  test("a model is broken by a button, another answers and says so, and the breaker shows", async () => {
    await using visitor = await stage.visit();
    const { page, complaints } = visitor;
    await enter(page, "breaker@example.com");
    await createAssistant(page);
    await stage.control("model", { firstTokenMs: 5, tokensPerSecond: 5_000 });
    const model = page.getByRole("button", { name: "Model", exact: true });
    const choose = async (name: string, what: string): Promise<void> => {
      await model.click();
      const choice = page.getByRole("radiogroup", { name }).getByRole("radio", { name: what });
      await choice.click();
      await expect.poll(() => choice.getAttribute("aria-checked")).toBe("true");
      await page.keyboard.press("Escape");
      await page.getByRole("dialog", { name: "Models" }).waitFor({ state: "hidden" });
    };
    await choose(LARGE, "Fails");
    const slowQuestion = (at: number): string =>
      `Write 20 words about bridges, compare them with ferry number ${at}, and explain why`;
    /** Asks, and tells in whose place it was answered. */
    const askFor = async (turn: number): Promise<string | null> => {
      await ask(page, slowQuestion(turn));
      // Of a chat only what can be seen is in the page, so the line is known by its number.
      const line = page.locator(`.line[aria-posinset="${2 * turn}"]`);
      await line.locator(".usage").waitFor();
      return line.locator(".stand-in").textContent();
    };
    expect(await askFor(1)).toBe(`${SMALL} answered in place of ${LARGE}, which failed.`);
    let turn = 2;
    while (!(await askFor(turn))?.endsWith("which is not asked for now.")) turn += 1;
    await model.click();
    await page.getByText(/^Not asked until \d/).waitFor();
    await page.keyboard.press("Escape");
    await choose(LARGE, "Slow");
    await choose(LARGE, "Well");
    const shown = await (await fetch(`${await controlOf(page)}/control/model`)).json();
    const { firstTokenMs, tokensPerSecond } = MODELS[LARGE];
    expect((shown as { models: Record<string, object> }).models[LARGE]).toEqual({
      firstTokenMs,
      tokensPerSecond,
    });
    expect(complaints).toEqual([]);
  });

  test("an answer grows, is stopped by Escape, is given once more, and both can be walked to", async () => {
    await using visitor = await stage.visit();
    const { page, complaints } = visitor;
    await enter(page, "asker@example.com");
    const number = await createAssistant(page);
    await stage.control("model", { firstTokenMs: 20, tokensPerSecond: 60 });
    await ask(page, "Write 500 words about <b>rivers</b>");
    const lengths: number[] = [];
    await expect
      .poll(
        async () => lengths.push((await coming(page).textContent())?.length ?? 0) && lengths.at(-1),
        PATIENCE,
      )
      .toBeGreaterThan(120);
    expect(new Set(lengths).size).toBeGreaterThan(1);
    await page.keyboard.press("Escape");
    await page.getByText("Stopped").waitFor();
    const [, stopped = ""] = await stage.textsOf(number);
    expect(await page.locator(".bubble").last().textContent()).toBe(stopped);
    expect(stopped).toContain("<b>");
    expect(await page.locator(".bubble b").count()).toBe(0);

    await stage.control("model", { firstTokenMs: 5, tokensPerSecond: 5_000 });
    await page.getByRole("button", { name: "Answer again" }).click();
    await page.locator(".pager", { hasText: "2/2" }).waitFor();
    await usage(page).waitFor();
    expect(await usage(page).textContent()).toMatch(/^emulated-\w+\d+ → \d+ tokenscost [\d.]+/);
    const [, , second = ""] = await stage.textsOf(number).then(async (texts) => {
      const answer = await stage.api("GET", `/chats/${number}/messages/3`);
      return [...texts.slice(0, 2), ((await answer.json()) as { text: string }).text];
    });
    expect(await page.locator(".bubble").last().textContent()).toBe(second);
    await page.getByRole("button", { name: "Previous version" }).click();
    await page.getByText("Stopped").waitFor();
    await page.locator(".pager", { hasText: "1/2" }).waitFor();
    await page.getByRole("button", { name: "Bad answer" }).click();
    await page.locator('[aria-label="Bad answer"][aria-pressed="true"]').waitFor();
    expect(complaints).toEqual([]);
  });

  test("a message is found as one types, and shown where it was said", async () => {
    await using visitor = await stage.visit();
    const { page, complaints } = visitor;
    await enter(page, "finder@example.com");
    const number = await createChat(page, "Long story");
    await say(page, "Once upon a time there was a lighthouse <b>keeper</b>");
    const lines = Array.from({ length: LINES - 1 }, (_, at) => `Line ${at + 2} of the story`);
    for (let from = 0; from < lines.length; from += 20) {
      const some = lines.slice(from, from + 20);
      await Promise.all(some.map((text) => stage.api("POST", `/chats/${number}/messages`, { text })));
    }
    const last = await stage.api("GET", `/chats/${number}/messages/${LINES}`);
    const { text: lastText } = (await last.json()) as { text: string };
    await createChat(page, "Elsewhere");
    await say(page, "Nothing of interest");
    await page.locator(".scroller").focus();
    await page.keyboard.press("/");
    const hits = page.locator(".hit");
    await expect
      .poll(async () => {
        await page.getByLabel("Search messages").fill("");
        await page.keyboard.type("ghthou");
        await page.locator(".search-status", { hasText: /message|found/ }).waitFor();
        return hits.count();
      }, PATIENCE)
      .toBe(1);
    expect(await hits.locator("mark").allTextContents()).toEqual(["ghthou"]);
    expect(await hits.locator("b").allTextContents()).toEqual(["Long story"]);
    await page.keyboard.press("Enter");
    const found = page.locator('.line[data-marked="true"]', { hasText: "lighthouse" });
    await found.waitFor();
    expect(page.url()).toMatch(new RegExp(`#/chats/${number}/1$`));
    expect(await page.evaluate<string>("document.activeElement.ariaLabel")).toBe("Actions for message 1");
    await page.locator('.line[aria-posinset="3"]').waitFor();
    expect(await page.locator(".line", { hasText: lastText }).count()).toBe(0);
    await page.getByRole("button", { name: "Newest messages" }).click();
    await page.locator(".line", { hasText: lastText }).waitFor();
    expect(page.url()).toMatch(new RegExp(`#/chats/${number}$`));

    await page.locator(".scroller").focus();
    await page.keyboard.press("Control+k");
    await page.getByLabel("Search messages").fill("line");
    await expect.poll(() => hits.count(), PATIENCE).toBeGreaterThan(5);
    for (let times = 0; times < 2; times += 1) await page.keyboard.press("ArrowDown");
    const chosen = page.locator('.hit[aria-selected="true"]');
    expect(await chosen.getAttribute("id")).toBe("hit-2");
    await page.keyboard.press("ArrowUp");
    expect(await chosen.getAttribute("id")).toBe("hit-1");
    await page.getByText("Only in this chat").click();
    await page.getByLabel("Search messages").fill("nothing of interest");
    await page.getByText("Nothing found for “nothing of interest”.").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog", { name: "Search" }).waitFor({ state: "hidden" });
    expect(complaints).toEqual([]);
  });
});

const controlOf = (page: Page): Promise<string> =>
  page.evaluate<string>(
    "fetch('/__/suite.json').then((answer) => answer.json()).then(({ control }) => control)",
  );
