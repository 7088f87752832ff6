import { describe, expect, test } from "vitest";
import { createChat, enter, hasBrowser, say, shareStage } from "../testing.ts";

/** On a busy machine. */
const PATIENCE = { timeout: 8_000, interval: 30 };

/** More than a page, and than what is read when a chat is opened. */
const LINES = 100;

/** What is found, in a real browser. */
describe.skipIf(!hasBrowser)("in the page", () => {
  const stage = shareStage();

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
