import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { createAssistantChat, enter, hasBrowser, shareStage, submit } from "../testing.ts";

/** On a busy machine. */
const PATIENCE = { timeout: 8_000, interval: 30 };

const coming = (page: Page) => page.locator(".coming");
const usage = (page: Page) => page.locator(".usage");

/** What models say, in a real browser. */
describe.skipIf(!hasBrowser)("in the page", () => {
  const stage = shareStage();

  test("an answer grows, is stopped by Escape, is given once more, and both can be walked to", async () => {
    await using visitor = await stage.visit();
    const { page, complaints } = visitor;
    await enter(page, "asker@example.com");
    const number = await createAssistantChat(page);
    await stage.control("model", { firstTokenMs: 20, tokensPerSecond: 60 });
    await submit(page, "Write 500 words about <b>rivers</b>");
    const lengths: number[] = [];
    await expect
      .poll(
        async () => lengths.push((await coming(page).textContent())?.length ?? 0) && lengths.at(-1),
        PATIENCE,
      )
      .toBeGreaterThan(120);
    expect(new Set(lengths).size).toBeGreaterThan(1);
    await page.keyboard.press("Escape");
    await page.getByText("Stopped", { exact: true }).waitFor();
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
    await page.getByText("Stopped", { exact: true }).waitFor();
    await page.locator(".pager", { hasText: "1/2" }).waitFor();
    await page.getByRole("button", { name: "Bad answer" }).click();
    await page.locator('[aria-label="Bad answer"][aria-pressed="true"]').waitFor();
    expect(complaints).toEqual([]);
  });
});
