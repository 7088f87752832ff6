import { describe, expect, test } from "vitest";
import { createChat, enter, hasBrowser, shareStage } from "./testing.ts";

describe.skipIf(!hasBrowser)("a long history in the page", () => {
  const stage = shareStage();

  test("is paged back through with a bounded document and a steady view", async () => {
    await using visitor = await stage.visit();
    const { page } = visitor;
    await enter(page, "long@example.com");
    const number = await createChat(page, "Long");
    for (let at = 0; at < 400; at += 40) {
      const texts = Array.from(
        { length: 40 },
        (_, index) => `Line ${at + index + 1} ${"word ".repeat(index)}`,
      );
      await Promise.all(texts.map((text) => stage.api("POST", `/chats/${number}/messages`, { text })));
    }
    await page.reload();
    await page.locator(".line").last().waitFor();
    const scroller = page.locator(".scroller");
    let most = 0;
    await expect
      .poll(
        async () => {
          const top = await scroller.evaluate((element) => {
            element.scrollTop -= 900;
            return element.querySelector(".line[aria-posinset='1']") !== null;
          });
          most = Math.max(most, await page.locator(".line").count());
          return top;
        },
        { timeout: 20_000, interval: 20 },
      )
      .toBe(true);
    expect(most).toBeLessThan(60);
    await page.getByRole("button", { name: "Newest messages" }).click();
    await page.locator(".line[aria-posinset='400']").waitFor();
  });

  test("stays where the reader is when older messages come in above", async () => {
    await using visitor = await stage.visit();
    const { page } = visitor;
    await enter(page, "steady@example.com");
    const number = await createChat(page, "Steady");
    for (let at = 1; at <= 120; at += 1)
      await stage.api("POST", `/chats/${number}/messages`, { text: `Line ${at}` });
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    await page.route("**/messages?before=*", async (route) => {
      await held;
      await route.fallback();
    });
    await page.reload();
    await page.locator(".line[aria-posinset='120']").waitFor();
    await page.locator(".scroller").evaluate((element) => element.scrollTo({ top: 0 }));
    const first = page.locator(".line[aria-posinset='75']");
    await first.waitFor();
    const before = await first.boundingBox();
    release();
    await expect
      .poll(() => page.locator(".scroller").evaluate((element) => element.scrollTop))
      .toBeGreaterThan(500);
    const after = await first.boundingBox();
    expect(Math.abs((after?.y ?? 0) - (before?.y ?? 0))).toBeLessThan(2);
  });
});
