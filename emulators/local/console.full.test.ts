import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import {
  createAssistantChat,
  createChat,
  enter,
  hasBrowser,
  say,
  shareStage,
  signIn,
  submit,
} from "../../page/testing.ts";
import { MODELS } from "../model/limits.ts";

const LARGE = "emulated-large";
const SMALL = "emulated-small";

/** The console beside the page, in a real browser. */
describe.skipIf(!hasBrowser)("the console", () => {
  const stage = shareStage();

  test("leads from the first visit to a message and what it cost", async () => {
    await using visitor = await stage.visit();
    const { page, complaints } = visitor;
    await signIn(page, "first@example.com");
    await page.getByText("No chats yet.").waitFor();
    await createChat(page, "A first chat");
    await page.getByText("Nothing said yet").first().waitFor();
    await say(page, "Hello, world");
    await page.locator(".chat", { hasText: "Hello, world" }).waitFor();
    await page.locator(".request", { hasText: "POST /chats" }).waitFor();
    await page.locator(".figures div", { hasText: "Writes" }).filter({ hasNotText: "0" }).waitFor();
    await page.locator(".view:visible th", { hasText: "firestore.Commit" }).waitFor();
    expect(complaints).toEqual([]);
  });

  test("shows what is pushed to devices among the mails, as text", async () => {
    await using visitor = await stage.visit();
    const { page, complaints } = visitor;
    await page.getByLabel("E-mail address").waitFor();
    const notification = { title: "Grace", body: "<b>Are</b> you there?" };
    expect((await stage.push("a-phone", notification)).status).toBe(200);
    const shown = page.locator(".mail", { hasText: "Push to a-phone" });
    await shown.waitFor();
    expect(await shown.locator("h3").textContent()).toBe("Grace");
    expect(await shown.locator(".mail-text").textContent()).toBe("<b>Are</b> you there?");
    expect(complaints).toEqual([]);
  });

  test("shows the functions' log lines, the queues and the documents", async () => {
    await using visitor = await stage.visit();
    const { page } = visitor;
    await enter(page, "operator@example.com");
    await page.getByRole("tab", { name: "Logs" }).click();
    const line = page.locator("details", { hasText: "/auth/sessions" }).first();
    await line.click();
    await expect.poll(() => line.locator("pre").textContent()).toContain('"httpRequest"');
    await page.getByRole("tab", { name: "Queues" }).click();
    await page.getByRole("button", { name: "Run reconcile now" }).click();
    await page.getByText("“reconcile” has run.").waitFor();
    await page.getByRole("tab", { name: "Data" }).click();
    await page.getByRole("button", { name: "apps", exact: true }).click();
    await page.locator("summary", { hasText: "demo" }).click();
    await page.getByRole("button", { name: "Its collections" }).click();
    await page.getByRole("button", { name: "users", exact: true }).waitFor();
  });

  test("a model is broken by a button, another answers and says so, and the breaker shows", async () => {
    await using visitor = await stage.visit();
    const { page, complaints } = visitor;
    await enter(page, "breaker@example.com");
    await createAssistantChat(page);
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
    /** Asks, and returns in place of which model it was answered. */
    const askFor = async (turn: number): Promise<string | null> => {
      await submit(page, slowQuestion(turn));
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
    const quirkOf = async (): Promise<unknown> => {
      const state = await (await fetch(`${await controlOf(page)}/control/model`)).json();
      return (state as { models: Record<string, { quirk?: string }> }).models[LARGE]?.quirk;
    };
    await page.getByLabel("Quirk").selectOption({ label: "Ends with [DONE] alone" });
    await expect.poll(quirkOf).toBe("no-finish-reason");
    await page.getByLabel("Quirk").selectOption("");
    await expect.poll(quirkOf).toBeUndefined();
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
});

const controlOf = (page: Page): Promise<string> =>
  page.evaluate<string>(
    "fetch('/__/suite.json').then((answer) => answer.json()).then(({ control }) => control)",
  );
