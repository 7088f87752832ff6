import type { Route } from "playwright-core";
import { describe, expect, test } from "vitest";
import { createChat, enter, hasBrowser, lookNow, openMenu, say, shareStage } from "../testing.ts";

/** What people do to messages and groups, mostly by two of them: one acts, the other sees it. */
describe.skipIf(!hasBrowser)("a chat in the page", () => {
  const stage = shareStage();

  test("shows what others edit and delete, and fetches what is missing by number", async () => {
    await using visitor = await stage.visit();
    const { page } = visitor;
    await enter(page, "follower@example.com");
    const number = await createChat(page, "Second thoughts");
    const messages = `/chats/${number}/messages`;
    for (const text of ["Frist", "Oops", "Third"]) await stage.api("POST", messages, { text });
    await lookNow(page);
    await page.locator(".line", { hasText: "Third" }).waitFor();
    await page.route("**/changes?*", async (route) => {
      const answer = await route.fetch();
      const body = (await answer.json()) as { data: { number: number }[] };
      await route.fulfill({ json: { ...body, data: body.data.filter((message) => message.number !== 4) } });
    });
    await stage.api("PATCH", `${messages}/1`, { text: "First" });
    await stage.api("DELETE", `${messages}/2`);
    await stage.api("POST", messages, { text: "Fourth" });
    await stage.api("POST", messages, { text: "Fifth" });
    await lookNow(page);
    await page.locator(".line", { hasText: "Fifth" }).waitFor();
    await page.locator(".line", { hasText: "Fourth" }).waitFor();
    expect(await page.locator(".bubble").allTextContents()).toEqual([
      "First",
      "This message was deleted.",
      "Third",
      "Fourth",
      "Fifth",
    ]);
    await page.unrouteAll({ behavior: "wait" });
    await stage.api("DELETE", `/chats/${number}`);
    await lookNow(page);
    await page.getByText("The chat has been deleted, or you are no longer a member.").waitFor();
    expect(page.url()).toMatch(/#\/$/);
  });

  test("edits a message in its place, by keyboard, and shows others what it said before", async () => {
    await using pair = await stage.pair("Edits");
    const [ada, bob] = [pair.ada.page, pair.bob.page];
    // A request right after the first route would pass by it.
    const keys: (string | undefined)[] = [];
    ada.on("request", (request) => {
      if (request.method() === "PATCH") keys.push(request.headers()["idempotency-key"]);
    });
    const loseAnswer = async (route: Route): Promise<void> => {
      await route.fetch();
      await route.abort("connectionreset");
    };
    await ada.route("**/messages/1", loseAnswer, { times: 1 });
    await say(ada, "Frist");
    await ada.keyboard.press("Shift+Tab");
    await ada.keyboard.press("Enter");
    await ada.keyboard.press("ArrowRight");
    for (let times = 0; times < 4; times += 1) await ada.keyboard.press("ArrowDown");
    expect(await ada.evaluate<string>("document.activeElement.textContent")).toBe("Edit");
    await ada.keyboard.press("Escape");
    expect(await ada.evaluate<string>("document.activeElement.ariaLabel")).toBe("Actions for message 1");
    await openMenu(ada, "Frist");
    await ada.getByRole("menuitem", { name: "Edit" }).click();
    await ada.getByLabel("Edit the message").fill("First");
    await ada.keyboard.press("Enter");
    await ada.locator(".bubble", { hasText: "First" }).waitFor();
    expect([keys.length, new Set(keys).size]).toEqual([2, 1]);
    await lookNow(bob);
    await bob.locator(".bubble", { hasText: "First" }).waitFor();
    await bob.getByRole("button", { name: "edited" }).click();
    await expect.poll(() => bob.locator(".version").allTextContents()).toEqual(["First", "Frist"]);
    await bob.keyboard.press("Escape");
    await openMenu(bob, "First");
    expect(await bob.getByRole("menuitem").allTextContents()).toEqual([
      "Reply",
      "Reply in thread",
      "Pin for everybody",
      "Forward …",
      "Copy text",
      "History …",
      "New chat from here",
      "Report …",
      expect.stringMatching(/^Block ada-/),
    ]);
    expect([...pair.ada.complaints, ...pair.bob.complaints]).toEqual([]);
  });

  test("keeps the menu of a message open, and beside it, while others write", async () => {
    await using pair = await stage.pair("Busy");
    const [ada, bob] = [pair.ada.page, pair.bob.page];
    for (let at = 1; at <= 20; at += 1)
      await stage.api("POST", `/chats/${pair.number}/messages`, { text: `Line ${at}.` });
    await openMenu(ada, "Line 20.");
    const menu = ada.getByRole("dialog", { name: "Actions for this message" });
    const button = ada.locator('.act[data-number="20"]');
    const distance = async (): Promise<number> =>
      ((await button.boundingBox())?.y ?? 0) - ((await menu.boundingBox())?.y ?? 0);
    const before = await distance();
    await say(bob, "Interruption");
    await ada.locator(".line", { hasText: "Interruption" }).waitFor();
    await expect.poll(async () => Math.abs((await distance()) - before)).toBeLessThan(2);
    await menu.getByRole("menuitem", { name: "Reply", exact: true }).click();
    await ada.locator(".replying", { hasText: "Line 20." }).waitFor();
  });

  test("leaves a message as it was when its editor is left by Escape", async () => {
    await using visitor = await stage.visit({ width: 400, height: 720 });
    const { page } = visitor;
    await enter(page, "escape@example.com");
    await createChat(page, "Escape");
    await say(page, "Stays");
    await openMenu(page, "Stays");
    await page.getByRole("menuitem", { name: "Edit" }).click();
    await page.getByLabel("Edit the message").fill("Goes");
    await page.keyboard.press("Escape");
    expect(await page.locator(".bubble").textContent()).toBe("Stays");
    expect(await page.evaluate<string>("document.activeElement.ariaLabel")).toBe("Actions for message 1");
  });

  test("deletes a message after a while in which that can be taken back", async () => {
    await using pair = await stage.pair("Deletions");
    const [ada, bob] = [pair.ada.page, pair.bob.page];
    await say(ada, "Regret");
    await ada.clock.install();
    await openMenu(ada, "Regret");
    await ada.getByRole("menuitem", { name: "Delete" }).click();
    await ada.getByRole("button", { name: "Undo" }).press("Enter");
    await ada.locator(".bubble", { hasText: "Regret" }).waitFor();
    await ada.clock.fastForward(10_000);
    expect(await stage.textsOf(pair.number)).toEqual(["Regret"]);
    await openMenu(ada, "Regret");
    await ada.getByRole("menuitem", { name: "Delete" }).click();
    await ada.getByRole("button", { name: "Undo" }).waitFor();
    await ada.clock.fastForward(10_000);
    await ada.getByText("This message was deleted.").waitFor();
    await lookNow(bob);
    await bob.getByText("This message was deleted.").waitFor();
    expect(await bob.getByRole("button", { name: "Actions for message" }).count()).toBe(0);
  });

  test("counts reactions, and says whose they are", async () => {
    await using pair = await stage.pair("Applause");
    const [ada, bob] = [pair.ada.page, pair.bob.page];
    await say(ada, "We did it");
    await openMenu(ada, "We did it");
    await ada.getByRole("button", { name: "Party" }).click();
    const pill = (page: typeof ada) => page.locator(".reaction", { hasText: "🎉" });
    await pill(ada).waitFor();
    await lookNow(bob);
    await pill(bob).focus();
    await bob.keyboard.press("Enter");
    await expect.poll(() => pill(bob).getAttribute("aria-pressed")).toBe("true");
    expect(await pill(bob).getAttribute("aria-label")).toMatch(/^🎉 2: You and ada-/i);
    expect(await bob.evaluate<string>("document.activeElement.className")).toBe("reaction");
    await openMenu(bob, "We did it");
    await bob.getByLabel("Another emoji").fill("no");
    await bob.keyboard.press("Enter");
    await bob.getByLabel("Another emoji").fill("🏳️‍🌈");
    await bob.keyboard.press("Enter");
    await bob.locator(".reaction", { hasText: "🏳️‍🌈" }).waitFor();
    await pill(bob).click();
    await expect.poll(() => pill(bob).textContent()).toBe("🎉1");
    await lookNow(ada);
    await ada.locator(".reaction", { hasText: "🏳️‍🌈" }).waitFor();
    await pill(ada).click();
    await pill(ada).waitFor({ state: "detached" });
  });

  test("says who has seen the newest message, and counts what has not been seen", async () => {
    await using pair = await stage.pair("Seen");
    const [ada, bob] = [pair.ada.page, pair.bob.page];
    await say(ada, "Look");
    await lookNow(bob);
    const read = bob.waitForResponse((response) => response.url().endsWith(`/chats/${pair.number}/read`));
    await bob.locator(".line", { hasText: "Look" }).waitFor();
    expect((await read).status()).toBe(204);
    await lookNow(ada);
    await ada.getByText(/^Seen by bob-/i).waitFor();

    await bob.locator(".brand").click();
    await say(ada, "Look again");
    await ada.getByText(/^Seen by/).waitFor({ state: "detached" });
    await lookNow(bob);
    await bob.locator(".unread", { hasText: "1" }).waitFor();
    await bob.locator(".chat").click();
    await bob.locator(".unread").waitFor({ state: "detached" });
  });

  test("adds people to a group, removes them and lets them leave", async () => {
    await using pair = await stage.pair("Comings and goings");
    const [ada, bob] = [pair.ada.page, pair.bob.page];
    const act = async (page: typeof ada, name: string): Promise<void> => {
      await page.getByRole("button", { name: "Actions for this chat" }).click();
      await page.getByRole("menuitem", { name }).click();
    };
    await bob.locator(".chat-about", { hasText: "2 members" }).waitFor();
    await act(bob, "Members");
    await bob.getByRole("list", { name: "Members" }).locator("li").nth(1).waitFor();
    expect(await bob.getByRole("button", { name: /^Remove/ }).count()).toBe(0);
    await bob.keyboard.press("Escape");
    const name = await bob.locator("#who").textContent();

    await act(bob, "Leave");
    await bob.getByRole("button", { name: "Leave", exact: true }).click();
    await bob.getByText("No chats yet.").waitFor();

    await lookNow(ada);
    await ada.locator(".chat-about", { hasText: "1 member" }).waitFor();
    await act(ada, "Members");
    await ada.getByRole("searchbox", { name: "Add people" }).fill(name ?? "");
    await ada.getByRole("button", { name: `Add ${name}` }).click();
    await ada.locator(".chat-about", { hasText: "2 members" }).waitFor();
    await ada
      .getByRole("list", { name: "Members", exact: true })
      .getByText(name ?? "")
      .waitFor();
    await lookNow(bob);
    await bob.locator(".chat", { hasText: "Comings and goings" }).click();
    await bob.locator(".chat-about", { hasText: "2 members" }).waitFor();

    await ada.getByRole("button", { name: `Remove ${name}` }).click();
    await ada.locator(".chat-about", { hasText: "1 member" }).waitFor();
    await lookNow(bob);
    await expect.poll(() => bob.url(), { timeout: 10_000 }).toMatch(/#\/$/);
    await bob.getByText("The chat has been deleted, or you are no longer a member.").last().waitFor();
  });

  test("leads back to the list who is removed before the messages have come", async () => {
    await using pair = await stage.pair("Hardly there");
    const [ada, bob] = [pair.ada.page, pair.bob.page];
    const { promise: until, resolve: release } = Promise.withResolvers<void>();
    // A page that knows the chat from the list alone.
    await bob.goto(`${new URL(bob.url()).origin}/#/`);
    await bob.reload();
    await bob.route(/\/chats\/\d+\/messages/, async (route) => {
      await until;
      await route.continue();
    });
    await bob.locator(".chat", { hasText: "Hardly there" }).click();
    await bob.locator(".chat-about", { hasText: "2 members" }).waitFor();
    const name = await bob.locator("#who").textContent();
    await ada.getByRole("button", { name: "Actions for this chat" }).click();
    await ada.getByRole("menuitem", { name: "Members" }).click();
    await ada.getByRole("button", { name: `Remove ${name}` }).click();
    await bob.getByText("The chat has been deleted, or you are no longer a member.").waitFor();
    expect(bob.url()).toMatch(/#\/$/);
    release();
  });
});
