import { describe, expect, test } from "vitest";
import { createApiClient } from "../shared/testing/api-client.ts";
import { createChat, enter, hasBrowser, say, shareStage, signIn } from "./testing.ts";

/** The page in a real browser; everything below the page is tested elsewhere, and without one. */
describe.skipIf(!hasBrowser)("the page", () => {
  const stage = shareStage();

  test("says kindly what went wrong with a code", async () => {
    await using visitor = await stage.visit();
    const { page } = visitor;
    await page.getByLabel("E-mail address").fill("wrong@example.com");
    await page.keyboard.press("Enter");
    await page.getByLabel("Code").fill("000000");
    await page.keyboard.press("Enter");
    await expect
      .poll(() => page.getByRole("alert").textContent())
      .toBe("The code is wrong, used or expired.");
  });

  test("works with the keyboard alone", async () => {
    await using visitor = await stage.visit();
    const { page } = visitor;
    await signIn(page, "keys@example.com");
    await createChat(page, "One");
    await createChat(page, "Two");
    const focused = () => page.evaluate<string>("document.activeElement.textContent");

    await expect.poll(() => page.evaluate<string>("document.activeElement.name")).toBe("text");
    await page.keyboard.type("first line");
    await page.keyboard.press("Shift+Enter");
    await page.keyboard.type("second line");
    await page.keyboard.press("Enter");
    await page.locator('.line[data-state="complete"]', { hasText: "first line" }).waitFor();
    expect(await page.locator(".bubble").textContent()).toBe("first line\nsecond line");

    await page.locator(".chat").first().focus();
    await page.keyboard.press("ArrowDown");
    expect(await focused()).toContain("One");
    await page.keyboard.press("Enter");
    await page.locator(".chat-title", { hasText: "One" }).waitFor();

    await page.getByRole("button", { name: "Actions for this chat" }).focus();
    await page.keyboard.press("Enter");
    expect(await focused()).toBe("Rename …");
    await page.keyboard.press("Escape");
    expect(await page.getByRole("menu").isVisible()).toBe(false);
    await page.keyboard.press("Enter");
    await page.keyboard.press("Enter");
    await page.getByRole("textbox", { name: "Title" }).fill("Renamed");
    await page.keyboard.press("Enter");
    await page.locator(".chat-title", { hasText: "Renamed" }).waitFor();

    await page.getByRole("tab", { name: "Cost" }).focus();
    await page.keyboard.press("ArrowRight");
    expect(await page.getByRole("tab", { name: "Logs" }).getAttribute("aria-selected")).toBe("true");
    await page.getByRole("button", { name: "New chat" }).first().focus();
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    expect(await focused()).toBe("New chat");
  });

  test("shows what people write as text, whatever it looks like", async () => {
    await using visitor = await stage.visit();
    const { page, complaints } = visitor;
    await enter(page, "markup@example.com");
    const markup = '<img src=x onerror="document.title=1"><b>bold</b>';
    await createChat(page, markup);
    await say(page, markup);
    expect(await page.locator(".bubble").last().textContent()).toBe(markup);
    expect(await page.locator("main img, main b, #sidebar img").count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  test("keeps a message that could not be sent, and sends it once", async () => {
    await using visitor = await stage.visit();
    const { page, context } = visitor;
    await enter(page, "offline@example.com");
    const number = await createChat(page, "Bad reception");
    await context.setOffline(true);
    await page.getByLabel("Message", { exact: true }).fill("Can you hear me?");
    await page.keyboard.press("Enter");
    await page.locator('.line[data-state="sending"]').waitFor();
    await page.locator(".line", { hasText: "Waiting for the network" }).waitFor();
    await page.getByText("No connection.").waitFor();
    await context.setOffline(false);
    await page.locator('.line[data-state="complete"]').waitFor();
    expect(await stage.textsOf(number)).toEqual(["Can you hear me?"]);
  });

  test("adds nothing twice when an answer was lost on its way", async () => {
    await using visitor = await stage.visit();
    const { page } = visitor;
    let lost = 0;
    await page.route("**/messages", async (route) => {
      if (route.request().method() !== "POST" || lost > 0) return route.fallback();
      lost += 1;
      await route.fetch();
      return route.abort("connectionreset");
    });
    await enter(page, "lost@example.com");
    const number = await createChat(page, "Lost answers");
    await say(page, "Only once");
    expect(lost).toBe(1);
    expect(await stage.textsOf(number)).toEqual(["Only once"]);
    expect(await page.locator(".line").count()).toBe(1);
  });

  test("shows what others write without being asked", async () => {
    await using visitor = await stage.visit();
    const { page } = visitor;
    await enter(page, "listener@example.com");
    const number = await createChat(page, "From afar");
    await page.getByRole("heading", { name: "Nothing said yet" }).waitFor();
    await stage.api("POST", `/chats/${number}/messages`, { text: "Knock, knock" });
    await page.locator(".line", { hasText: "Knock, knock" }).waitFor();
    await expect.poll(() => page.locator("#announce").textContent()).toContain("Knock, knock");
  });

  test("renews an access token that has expired, and stays signed in over a reload", async () => {
    await using visitor = await stage.visit();
    const { page } = visitor;
    await signIn(page, "stay@example.com");
    await createChat(page, "Time passes");
    await stage.control("clock", { advanceMs: 20 * 60_000 });
    await say(page, "Still here");
    await page.reload();
    await page.locator(".line", { hasText: "Still here" }).waitFor();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("E-mail address").waitFor();
    await page.reload();
    await page.getByLabel("E-mail address").waitFor();
    expect(await page.evaluate<number>("sessionStorage.length + localStorage.length")).toBe(0);
  });

  test("gets through a lockout that strangers have caused, from where it has signed in before", async () => {
    await using visitor = await stage.visit();
    const { page } = visitor;
    const email = "known@example.com";
    await signIn(page, email);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("E-mail address").waitFor();
    const strangers = createApiClient(new URL(page.url()).origin, {});
    for (let asked = 0; asked < 3; asked += 1) {
      const { body } = await strangers.post("/v1/apps/demo/auth/codes", { email });
      const guess = { challenge: body.challenge, code: "000000" };
      for (let tries = 0; tries < 5; tries += 1) await strangers.post("/v1/apps/demo/auth/sessions", guess);
    }
    // One mail of one's own, and one for each challenge that was guessed at before the lock.
    const mails = page.locator(".mail", { hasText: email });
    await expect.poll(() => mails.count(), { timeout: 10_000 }).toBe(3);
    await page.getByLabel("E-mail address").fill(email);
    await page.keyboard.press("Enter");
    await expect.poll(() => mails.count(), { timeout: 10_000 }).toBe(4);
    await mails.first().locator("button.code").first().click();
    await page.keyboard.press("Enter");
    await page.locator("#sidebar").waitFor();
    expect(await page.getByRole("button", { name: "Sign out" }).count()).toBe(1);
  });

  test("takes a code as it is typed, with a space in it and in full-width digits", async () => {
    await using visitor = await stage.visit();
    const { page } = visitor;
    await page.getByLabel("E-mail address").fill("o'brien@example.com");
    await page.keyboard.press("Enter");
    const code = page.locator(".mail", { hasText: "o'brien@example.com" }).first().locator("button.code");
    const digits = /\d{6}/.exec((await code.first().textContent()) ?? "")?.[0] ?? "";
    const wide = Array.from(digits.slice(3), (digit) => String.fromCodePoint(0xff10 + Number(digit))).join(
      "",
    );
    await page.locator(".code-field").fill(`${digits.slice(0, 3)} ${wide}`);
    await page.keyboard.press("Enter");
    await page.locator("#sidebar").waitFor();
    expect(await page.getByRole("alert").count()).toBe(0);
  });

  test("archives, brings back and deletes a chat", async () => {
    await using visitor = await stage.visit();
    const { page } = visitor;
    await enter(page, "tidy@example.com");
    await createChat(page, "Clutter");
    const act = async (name: string): Promise<void> => {
      await page.getByRole("button", { name: "Actions for this chat" }).click();
      await page.getByRole("menuitem", { name }).click();
    };
    await act("Archive");
    await page.getByText("No chats yet.").waitFor();
    await page.getByRole("button", { name: "Archived", exact: true }).click();
    await page.locator(".chat", { hasText: "Clutter" }).waitFor();
    await act("Bring back");
    await page.getByText("Nothing is archived.").waitFor();
    await page.getByRole("button", { name: "Archived", exact: true }).click();
    await page.locator(".chat", { hasText: "Clutter" }).waitFor();
    await act("Delete …");
    await page.getByRole("button", { name: "Delete for everyone" }).click();
    await page.getByText("No chats yet.").waitFor();
    expect(page.url()).toMatch(/#\/$/);
  });

  test("fits a narrow window, one thing at a time", async () => {
    await using visitor = await stage.visit({ width: 360, height: 720 });
    const { page } = visitor;
    await enter(page, "narrow@example.com");
    await createChat(page, "Pocket");
    await say(page, `A long word: ${"a".repeat(200)}`);
    const overflow = () => page.evaluate<number>("document.documentElement.scrollWidth - innerWidth");
    expect(await overflow()).toBeLessThanOrEqual(0);
    expect(await page.locator("#sidebar").isVisible()).toBe(false);
    await page.keyboard.press("Escape");
    await page.locator(".chat", { hasText: "Pocket" }).waitFor();
    expect(await page.locator("#main").isVisible()).toBe(false);
    expect(await overflow()).toBeLessThanOrEqual(0);
  });
});
