import type { Route } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  CHROMIUM,
  createChat,
  hasBrowser,
  lookNow,
  openMenu,
  openStage,
  type Stage,
  say,
  signIn,
} from "./testing.ts";

/** The page in a real browser; everything below the page is tested elsewhere, and without one. */
if (!hasBrowser)
  console.warn(`The page's tests are skipped: there is no browser at ${CHROMIUM}. Set CHROMIUM.`);

describe.skipIf(!hasBrowser)("the page", () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
  });
  afterAll(() => stage?.close());

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
    await signIn(page, "markup@example.com");
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
    await signIn(page, "offline@example.com");
    const number = await createChat(page, "Bad reception");
    await context.setOffline(true);
    await page.getByLabel("Message", { exact: true }).fill("Can you hear me?");
    await page.keyboard.press("Enter");
    await page.locator('.line[data-state="sending"]').waitFor();
    await page.locator(".failure", { hasText: "can't be reached" }).waitFor();
    await context.setOffline(false);
    await page.getByRole("button", { name: "Try again" }).click();
    await page.locator('.line[data-state="complete"]').waitFor();
    expect(await stage.textsOf(number)).toEqual(["Can you hear me?"]);
  });

  test("adds nothing twice when an answer was lost on its way", async () => {
    await using visitor = await stage.visit();
    const { page } = visitor;
    await signIn(page, "lost@example.com");
    const number = await createChat(page, "Lost answers");
    let lost = 0;
    await page.route("**/messages", async (route) => {
      if (route.request().method() !== "POST" || lost > 0) return route.fallback();
      lost += 1;
      await route.fetch();
      return route.abort("connectionreset");
    });
    await say(page, "Only once");
    expect(lost).toBe(1);
    expect(await stage.textsOf(number)).toEqual(["Only once"]);
    expect(await page.locator(".line").count()).toBe(1);
  });

  test("shows what others write without being asked", async () => {
    await using visitor = await stage.visit();
    const { page } = visitor;
    await signIn(page, "listener@example.com");
    const number = await createChat(page, "From afar");
    await stage.api("POST", `/chats/${number}/messages`, { text: "Knock, knock" });
    await page.locator(".line", { hasText: "Knock, knock" }).waitFor();
    await expect.poll(() => page.locator("#announce").textContent()).toContain("Knock, knock");
  });

  test("shows what others edit and delete, and fetches what is missing by number", async () => {
    await using visitor = await stage.visit();
    const { page } = visitor;
    await signIn(page, "follower@example.com");
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
    await say(ada, "Frist");
    await ada.keyboard.press("Shift+Tab");
    await ada.keyboard.press("Enter");
    await ada.keyboard.press("ArrowRight");
    await ada.keyboard.press("ArrowDown");
    await ada.keyboard.press("ArrowDown");
    expect(await ada.evaluate<string>("document.activeElement.textContent")).toBe("Edit");
    await ada.keyboard.press("Escape");
    expect(await ada.evaluate<string>("document.activeElement.ariaLabel")).toBe("Actions for message 1");
    await openMenu(ada, "Frist");
    await ada.getByRole("menuitem", { name: "Edit" }).click();
    await ada.getByLabel("Edit the message").fill("First");
    const keys: (string | undefined)[] = [];
    ada.on("request", (request) => {
      if (request.method() === "PATCH") keys.push(request.headers()["idempotency-key"]);
    });
    const loseAnswer = async (route: Route): Promise<void> => {
      await route.fetch();
      await route.abort("connectionreset");
    };
    await ada.route("**/messages/1", loseAnswer, { times: 1 });
    await ada.keyboard.press("Enter");
    await ada.locator(".bubble", { hasText: "First" }).waitFor();
    expect([keys.length, new Set(keys).size]).toEqual([2, 1]);
    await lookNow(bob);
    await bob.locator(".bubble", { hasText: "First" }).waitFor();
    await bob.getByRole("button", { name: "edited" }).click();
    await expect.poll(() => bob.locator(".version").allTextContents()).toEqual(["First", "Frist"]);
    await bob.keyboard.press("Escape");
    await openMenu(bob, "First");
    expect(await bob.getByRole("menuitem").allTextContents()).toEqual(["Copy text", "History …"]);
    expect([...pair.ada.complaints, ...pair.bob.complaints]).toEqual([]);
  });

  test("leaves a message as it was when its editor is left by Escape", async () => {
    await using visitor = await stage.visit({ width: 400, height: 720 });
    const { page } = visitor;
    await signIn(page, "escape@example.com");
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
    await ada.getByLabel("Add people").fill(name ?? "");
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
    await bob.getByText("The chat has been deleted, or you are no longer a member.").waitFor();
  });

  test("pages back through a long history with a bounded document and a steady view", async () => {
    await using visitor = await stage.visit();
    const { page } = visitor;
    await signIn(page, "long@example.com");
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
    await signIn(page, "steady@example.com");
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

  test("archives, brings back and deletes a chat", async () => {
    await using visitor = await stage.visit();
    const { page } = visitor;
    await signIn(page, "tidy@example.com");
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
    await signIn(page, "narrow@example.com");
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

  test("shows the functions' log lines, the queues and the documents", async () => {
    await using visitor = await stage.visit();
    const { page } = visitor;
    await signIn(page, "operator@example.com");
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
});
