import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createChat, enter, hasBrowser, openMenu, type Pair, say, shareStage } from "../testing.ts";

const line = (page: Page, text: string) => page.locator(".line", { hasText: text });
const texts = (page: Page): Promise<string[]> => page.locator(".bubble .text").allTextContents();

/** Two people at a browser each; what one does, the other sees without asking. */
describe.skipIf(!hasBrowser)("a chat between two browsers", () => {
  const stage = shareStage();
  let pair: Pair;
  let ada: Page;
  let bob: Page;
  beforeAll(async () => {
    pair = await stage.pair("Live");
    [ada, bob] = [pair.ada.page, pair.bob.page];
  });
  afterAll(() => pair?.[Symbol.asyncDispose]());

  test("shows typing, receipts, reactions, edits and deletions as they happen", async () => {
    await ada.getByLabel("Message", { exact: true }).pressSequentially("Hel");
    await bob.locator(".typing", { hasText: /^ada-.* is typing …$/ }).waitFor();
    await say(ada, "Helo");
    await line(bob, "Helo").waitFor();
    await bob.locator(".typing", { hasText: "typing" }).waitFor({ state: "detached" });
    await line(ada, "Helo").getByRole("img", { name: "Seen" }).waitFor();
    await ada.getByText(/^Seen by bob-/).waitFor();
    await ada.locator(".chat-about", { hasText: "1 online" }).waitFor();
    await openMenu(bob, "Helo");
    await bob.getByRole("button", { name: "Heart" }).click();
    await ada.locator(".reaction", { hasText: "❤️" }).waitFor();
    await openMenu(ada, "Helo");
    await ada.getByRole("menuitem", { name: "Edit" }).click();
    await ada.getByLabel("Edit the message").fill("Hello");
    await ada.keyboard.press("Enter");
    await line(bob, "Hello").getByRole("button", { name: "edited" }).waitFor();
    await stage.api("DELETE", `/chats/${pair.number}/messages/1`);
    for (const page of [ada, bob]) await page.getByText("This message was deleted.").waitFor();
    expect([...pair.ada.complaints, ...pair.bob.complaints]).toEqual([]);
  });

  test("keeps what is written offline, sends it afterwards, and shows what was missed in its order", async () => {
    await pair.ada.context.setOffline(true);
    for (const text of ["From the tunnel", "Still there?"]) {
      await ada.getByLabel("Message", { exact: true }).fill(text);
      await ada.keyboard.press("Enter");
    }
    await ada.getByText("No connection.").waitFor();
    expect(await ada.locator('.line[data-state="sending"]').count()).toBe(2);
    await say(bob, "Where are you?");
    await pair.ada.context.setOffline(false);
    await line(bob, "Still there?").waitFor();
    const said = ["Where are you?", "From the tunnel", "Still there?"];
    for (const page of [ada, bob]) await expect.poll(() => texts(page)).toEqual(said);
    await ada.getByText("No connection.").waitFor({ state: "hidden" });
  });

  test("shows markup and unusual characters as they are", async () => {
    const odd = "<script>alert(1)</script> \u202Eabc\u202C 👩‍👩‍👧‍👦 Z͑ͫͣ̀̓a 𝒳 \u200B&amp; ﷽";
    await say(ada, odd);
    await expect.poll(async () => (await texts(bob)).at(-1)).toBe(odd);
    expect(await bob.locator("main script").count()).toBe(0);
  });

  test("replies with a quote that leads back, and forwards to another chat", async () => {
    await openMenu(bob, "From the tunnel");
    await bob.getByRole("menuitem", { name: "Reply", exact: true }).click();
    await bob.locator(".replying", { hasText: "From the tunnel" }).waitFor();
    await say(bob, "Welcome back");
    await line(ada, "Welcome back").getByRole("button", { name: "From the tunnel" }).click();
    await expect.poll(() => ada.evaluate("document.activeElement.dataset.number")).toBe("3");
    await openMenu(ada, "Welcome back");
    await ada.getByRole("menuitem", { name: "Forward …" }).click();
    await ada.getByRole("radio", { name: "Live" }).check();
    await ada.getByRole("button", { name: "Forward" }).click();
    await bob.locator(".forward", { hasText: "Welcome back" }).waitFor();
  });

  test("begins a branch with other words, and both walk between the two", async () => {
    await stage.api("PATCH", `/chats/${pair.number}`, { model: "emulated-small" });
    await say(ada, "First wording");
    await say(bob, "An answer to it");
    await line(ada, "An answer to it").waitFor();
    await openMenu(ada, "First wording");
    await ada.getByRole("menuitem", { name: "Send again, reworded" }).click();
    await ada.getByLabel("Edit the message").fill("Second wording");
    await ada.keyboard.press("Enter");
    for (const page of [ada, bob]) {
      await line(page, "Second wording").locator(".pager", { hasText: "2/2" }).waitFor();
      await line(page, "An answer to it").waitFor({ state: "detached" });
    }
    await line(bob, "Second wording").getByRole("button", { name: "Previous version" }).click();
    for (const page of [ada, bob]) {
      await line(page, "First wording").locator(".pager", { hasText: "1/2" }).waitFor();
      await line(page, "An answer to it").waitFor();
      expect((await texts(page)).slice(-2)).toEqual(["First wording", "An answer to it"]);
    }
  });

  test("holds a chat of thousands of messages in a bounded document", async () => {
    await using visitor = await stage.visit({ width: 380, height: 760 });
    const { page } = visitor;
    await enter(page, "long@example.com");
    const number = await createChat(page, "Long");
    const all = Array.from({ length: 2000 }, (_, at) => at + 1);
    for (let from = 0; from < all.length; from += 100) {
      const some = all.slice(from, from + 100);
      await Promise.all(
        some.map((at) => stage.api("POST", `/chats/${number}/messages`, { text: `Line ${at}` })),
      );
    }
    await page.locator(".line[aria-posinset='2000']").waitFor();
    const oldest = (): Promise<number> =>
      page.evaluate("Math.min(...[...document.querySelectorAll('.line')].map((each) => each.ariaPosInSet))");
    for (let times = 0; times < 400 && (await oldest()) > 1; times += 1) {
      await page.locator(".scroller").evaluate((element) => element.scrollTo({ top: 0 }));
      await page.evaluate("new Promise(requestAnimationFrame)");
      expect(await page.locator(".line").count()).toBeLessThan(200);
    }
    await page.getByText("The beginning of this chat").waitFor();
    expect(await page.evaluate("document.documentElement.scrollWidth - innerWidth")).toBeLessThanOrEqual(0);
  });
});
