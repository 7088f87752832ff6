import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import type { Chat } from "../../shared/chat/contract.ts";
import { createChat, enter, hasBrowser, openMenu, say, shareStage } from "../testing.ts";

const composer = (page: Page) => page.getByLabel("Message", { exact: true });
const focused = (page: Page) => page.evaluate<string>("document.activeElement.ariaLabel");
const names = (page: Page) => page.locator(".chat-name").allTextContents();

async function act(page: Page, name: string): Promise<void> {
  await page.getByRole("button", { name: "Actions for this chat" }).click();
  await page.getByRole("menuitem", { name, exact: true }).click();
}

/** What people in a group do, and how each arranges their chats. */
describe.skipIf(!hasBrowser)("people in the page", () => {
  const stage = shareStage();

  test("pin chats and put them in order, by keyboard and by dragging", async () => {
    await using visitor = await stage.visit();
    const { page, complaints } = visitor;
    await enter(page, "order@example.com");
    for (const title of ["One", "Two", "Three", "Four"]) {
      await createChat(page, title);
      if (title !== "Four") await act(page, "Pin to the top");
    }
    await expect.poll(() => names(page)).toEqual(["One", "Two", "Three", "Four"]);
    await page.locator(".chat", { hasText: "Three" }).focus();
    await page.keyboard.press("Alt+ArrowUp");
    await expect.poll(() => names(page)).toEqual(["One", "Three", "Two", "Four"]);
    await page.keyboard.press("Enter");
    await page.locator(".chat-title", { hasText: "Three" }).waitFor();
    await act(page, "Move up");
    await expect.poll(() => names(page)).toEqual(["Three", "One", "Two", "Four"]);
    const target = page.locator("li[data-chat]").first();
    const dragged = page.locator("li[data-chat]", { hasText: "Two" });
    // A list that is drawn anew meanwhile, by what is told late, ends a drag; a person drags again.
    await expect
      .poll(
        async () => {
          if ((await names(page))[0] !== "Two")
            await dragged.dragTo(target, { targetPosition: { x: 40, y: 4 } });
          return names(page);
        },
        { timeout: 90_000 },
      )
      .toEqual(["Two", "Three", "One", "Four"]);
    await page.reload();
    await expect.poll(() => names(page)).toEqual(["Two", "Three", "One", "Four"]);
    await page.locator(".chat", { hasText: "Two" }).click();
    await act(page, "Unpin");
    await expect.poll(() => names(page)).toEqual(["Three", "One", "Four", "Two"]);
    expect(complaints).toEqual([]);
  });

  test("see what is unread in each chat and in all, and mark a chat as unread", async () => {
    await using pair = await stage.pair("Unread");
    const [ada, bob] = [pair.ada.page, pair.bob.page];
    await createChat(bob, "Elsewhere");
    await say(ada, "One");
    await say(ada, "Two");
    const badge = bob.locator(".chat", { hasText: "Unread" }).locator(".unread");
    await expect.poll(() => badge.textContent()).toBe("2 unread");
    await expect.poll(() => bob.title()).toBe("(2) Scrollback");
    await openMenu(ada, "Two");
    await ada.getByRole("menuitem", { name: "Delete" }).click();
    await expect.poll(() => bob.title()).toBe("(1) Scrollback");
    await bob.locator(".chat", { hasText: "Unread" }).click();
    await expect.poll(() => bob.title()).toBe("Scrollback");
    await act(bob, "Mark as unread");
    await expect.poll(() => badge.textContent()).toBe("marked as unread");
    expect(bob.url()).toMatch(/#\/$/);
    await bob.locator(".chat", { hasText: "Unread" }).click();
    await badge.waitFor({ state: "detached" });
  });

  test("choose of what a chat notifies them, and until when of nothing", async () => {
    await using visitor = await stage.visit();
    const { page } = visitor;
    await enter(page, "notify@example.com");
    await createChat(page, "Loud");
    await act(page, "Notifications …");
    await page.getByRole("radio", { name: "Of mentions only" }).check();
    await page.getByRole("radio", { name: "For an hour" }).check();
    await page.keyboard.press("Enter");
    await page.getByRole("img", { name: "muted" }).waitFor();
    await act(page, "Notifications …");
    expect(await page.getByRole("radio", { name: "Of mentions only" }).isChecked()).toBe(true);
    await page.getByRole("radio", { name: /^As it is, until/ }).waitFor();
    await page.getByRole("radio", { name: "Not muted" }).check();
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByRole("img", { name: "muted" }).waitFor({ state: "detached" });
  });

  test("find what they have begun to write, in the list and on another device", async () => {
    await using visitor = await stage.visit();
    const { page, context } = visitor;
    await enter(page, "drafts@example.com");
    const number = await createChat(page, "Letters");
    await composer(page).fill("Dear all,");
    await createChat(page, "Elsewhere");
    await page.locator(".chat", { hasText: "Draft: Dear all," }).waitFor();
    const other = await context.newPage();
    await other.goto(page.url());
    await enter(other, "drafts@example.com");
    await other.goto(page.url().replace(/#.*/, `#/chats/${number}`));
    await expect.poll(() => composer(other).inputValue()).toBe("Dear all,");
    await page.locator(".chat", { hasText: "Letters" }).click();
    await expect.poll(() => composer(page).inputValue()).toBe("Dear all,");
    await composer(other).press("Enter");
    await expect.poll(() => composer(page).inputValue()).toBe("");
  });

  test("find what they have begun to write in a thread, on another device too", async () => {
    await using visitor = await stage.visit();
    const { page, context } = visitor;
    await enter(page, "threads@example.com");
    const number = await createChat(page, "Threads");
    await say(page, "A question");
    const field = (of: Page) => of.getByLabel("Reply in the thread");
    await openMenu(page, "A question");
    await page.getByRole("menuitem", { name: "Reply in thread" }).click();
    await field(page).fill("Half an answer");
    await page.keyboard.press("Escape");
    await field(page).waitFor({ state: "detached" });
    const other = await context.newPage();
    await other.goto(page.url());
    await enter(other, "threads@example.com");
    await other.goto(page.url().replace(/#.*/, `#/chats/${number}`));
    await openMenu(other, "A question");
    await other.getByRole("menuitem", { name: "Reply in thread" }).click();
    await expect.poll(() => field(other).inputValue()).toBe("Half an answer");
    await field(other).press("Enter");
    await page.getByRole("button", { name: /^1 reply/ }).click();
    await expect.poll(() => field(page).inputValue()).toBe("");
    expect(await composer(page).inputValue()).toBe("");
  });

  test("can't send what nobody could see", async () => {
    await using visitor = await stage.visit();
    const { page } = visitor;
    await enter(page, "blank@example.com");
    const number = await createChat(page, "Blank");
    const send = page.getByRole("button", { name: "Send", exact: true });
    for (const text of ["   ", "\u200b", "\u3164", "\u2800"]) {
      await composer(page).fill(text);
      expect([text, await send.isDisabled()]).toEqual([text, true]);
      await composer(page).press("Enter");
    }
    await say(page, "Seen");
    expect(await stage.textsOf(number)).toEqual(["Seen"]);
  });

  test("mention each other, choosing by keyboard", async () => {
    await using pair = await stage.pair("Mentions");
    const [ada, bob] = [pair.ada.page, pair.bob.page];
    await createChat(bob, "Elsewhere");
    const options = ada.getByRole("option");
    await composer(ada).pressSequentially("Hello @bo");
    await options.filter({ hasText: "@bob" }).waitFor();
    await ada.keyboard.press("Escape");
    await expect.poll(() => options.count()).toBe(0);
    await composer(ada).fill("");
    await composer(ada).pressSequentially("Hello @");
    await expect.poll(() => options.count()).toBe(2);
    const active = (): Promise<string> =>
      ada.evaluate("document.querySelector('[role=option][aria-selected=true]').textContent");
    const named = (): Promise<string | null> => composer(ada).getAttribute("aria-activedescendant");
    expect(await options.and(ada.locator("[aria-selected=true]")).getAttribute("id")).toBe(await named());
    while (!(await active()).startsWith("@bob")) await ada.keyboard.press("ArrowDown");
    await ada.keyboard.press("ArrowUp");
    expect(await active()).toContain("@all");
    await ada.keyboard.press("ArrowDown");
    await ada.keyboard.press("Tab");
    await ada.keyboard.type("there");
    await ada.keyboard.press("Enter");
    await bob.locator(".chat", { hasText: "Mentions" }).locator(".mentioned").waitFor();
    const { data } = (await (await stage.api("GET", `/chats/${pair.number}/messages?limit=1`)).json()) as {
      data: { text: string; mentions: { user: string }[] }[];
    };
    expect(data[0]?.text).toMatch(/^Hello @bob-\w+ there$/);
    expect(data[0]?.mentions).toHaveLength(1);
    await bob.locator(".chat", { hasText: "Mentions" }).click();
    await bob.locator('.mention[data-me="true"]', { hasText: "@bob" }).waitFor();
    expect(await ada.locator('.mention[data-me="true"]').count()).toBe(0);
    expect([...pair.ada.complaints, ...pair.bob.complaints]).toEqual([]);
  });

  test("reply in a thread beside the chat, and close it with Escape", async () => {
    await using pair = await stage.pair("Threads");
    const [ada, bob] = [pair.ada.page, pair.bob.page];
    await say(ada, "Shall we?");
    await openMenu(bob, "Shall we?");
    await bob.getByRole("menuitem", { name: "Reply in thread" }).click();
    expect(await focused(bob)).toBe("Reply in the thread");
    await bob.keyboard.type("Yes");
    await bob.keyboard.press("Enter");
    const inThread = (page: Page) => page.getByRole("complementary", { name: "Thread" });
    await inThread(bob).locator('.line[data-state="complete"]', { hasText: "Yes" }).waitFor();
    await ada.getByRole("button", { name: /^1 reply/ }).focus();
    await ada.keyboard.press("Enter");
    await inThread(ada).locator(".line", { hasText: "Yes" }).waitFor();
    await ada.keyboard.type("Then tomorrow");
    await ada.keyboard.press("Enter");
    await inThread(bob).locator(".line", { hasText: "Then tomorrow" }).waitFor();
    await bob.getByRole("button", { name: /^2 replies/ }).waitFor();
    expect(await inThread(bob).locator(".quote").count()).toBe(0);
    await ada.keyboard.press("Escape");
    expect(await inThread(ada).count()).toBe(0);
    expect(await focused(ada)).toBe("Actions for message 1");
  });

  test("pin messages for everybody, and are led to them", async () => {
    await using pair = await stage.pair("Pins");
    const [ada, bob] = [pair.ada.page, pair.bob.page];
    for (const text of ["The address", "Something else", "The time"]) await say(ada, text);
    const pinned = bob.getByRole("region", { name: "Pinned messages" });
    for (const text of ["The address", "The time"]) {
      await openMenu(ada, text);
      await ada.getByRole("menuitem", { name: "Pin for everybody" }).click();
      await pinned.getByRole("button", { name: text }).waitFor();
    }
    await pinned.getByRole("button", { name: "2 pinned" }).click();
    await bob.getByRole("dialog").getByRole("button", { name: "The address" }).click();
    await expect.poll(() => focused(bob)).toBe("Actions for message 1");
    for (const text of ["The address", "The time"]) {
      await bob
        .locator(".line", { hasText: text })
        .getByRole("button", { name: "Actions for message" })
        .click();
      await bob.getByRole("menuitem", { name: "Unpin" }).click();
    }
    await ada.getByRole("region", { name: "Pinned messages" }).waitFor({ state: "hidden" });
  });

  test("administer a group: rules, roles, and what happens said in its midst", async () => {
    await using pair = await stage.pair("Rules");
    const [ada, bob] = [pair.ada.page, pair.bob.page];
    await act(ada, "Who may do what …");
    await ada.getByLabel("Write").selectOption("admins");
    await ada.getByLabel("Rename the group").selectOption("admins");
    await ada.getByRole("button", { name: "Save" }).click();
    await bob.getByText("Only the administrators of this group write here.").waitFor();
    expect(await composer(bob).isVisible()).toBe(false);
    await bob.getByRole("button", { name: "Actions for this chat" }).click();
    expect(await bob.getByRole("menuitem", { name: "Rename …" }).count()).toBe(0);
    expect(await bob.getByRole("menuitem", { name: "Who may do what …" }).count()).toBe(0);
    await bob.keyboard.press("Escape");
    await act(ada, "Members …");
    await ada.getByRole("button", { name: /^Make bob-\w+ an administrator$/ }).click();
    await ada.getByRole("button", { name: /^Make bob-\w+ a member without/ }).waitFor();
    await ada.keyboard.press("Escape");
    await composer(bob).waitFor();
    await act(bob, "Rename …");
    await bob.getByRole("textbox", { name: "Title" }).fill("Ruled by two");
    await bob.keyboard.press("Enter");
    await ada.locator(".event", { hasText: /^bob-\w+ called the group “Ruled by two”.$/ }).waitFor();
    await act(bob, "Leave …");
    await bob.getByRole("button", { name: "Leave" }).click();
    await ada.locator(".event", { hasText: /^bob-\w+ left.$/ }).waitFor();
    await act(ada, "Members …");
    await ada
      .getByRole("button", { name: /^Add bob-/ })
      .first()
      .click();
    await ada.locator(".event", { hasText: /^You added bob-\w+.$/ }).waitFor();
    const { admins, rules } = (await (await stage.api("GET", `/chats/${pair.number}`)).json()) as Chat;
    expect([admins?.length, rules?.write, rules?.rename, rules?.pin]).toEqual([
      1,
      "admins",
      "admins",
      "everyone",
    ]);
  });

  test("choose between two texts that two devices have given a message", async () => {
    await using visitor = await stage.visit();
    const { page, context } = visitor;
    await enter(page, "both@example.com");
    const number = await createChat(page, "Both");
    await say(page, "Frist");
    const other = await context.newPage();
    await other.goto(page.url());
    await enter(other, "both@example.com");
    const edit = async (device: Page, text: string): Promise<void> => {
      await device.locator(".bubble").waitFor();
      await device.locator(".line").hover();
      await device.getByRole("button", { name: "Actions for message 1" }).click();
      await device.getByRole("menuitem", { name: "Edit" }).click();
      await device.getByLabel("Edit the message").fill(text);
    };
    const theirs = page.locator(".as-it-stands p");
    const field = page.getByLabel("Edit the message");
    await edit(page, "From the laptop");
    await edit(other, "From the phone");
    await other.keyboard.press("Enter");
    await other.locator(".bubble", { hasText: "From the phone" }).waitFor();
    await page.keyboard.press("Enter");
    await expect.poll(() => theirs.allTextContents()).toEqual(["From the phone"]);
    expect(await field.inputValue()).toBe("From the laptop");
    await page.getByRole("button", { name: "Keep theirs" }).click();
    await page.locator(".bubble", { hasText: "From the phone" }).waitFor();
    await edit(page, "From the laptop again");
    await edit(other, "From the phone again");
    await other.keyboard.press("Enter");
    await other.locator(".bubble", { hasText: "From the phone again" }).waitFor();
    await page.keyboard.press("Enter");
    await theirs.waitFor();
    await page.getByRole("button", { name: "Save mine" }).click();
    await page.locator(".bubble", { hasText: "From the laptop again" }).waitFor();
    expect(await stage.textsOf(number)).toEqual(["From the laptop again"]);
  });
});
