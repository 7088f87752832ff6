import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import type { Chat, NewChat } from "../../shared/chat/contract.ts";
import type { User } from "../../shared/identity/contract.ts";
import { createChat, enter, hasBrowser, shareStage } from "../testing.ts";

/** More than the page reads at once. */
const MANY = 40;
const names = (page: Page) => page.locator(".chat-name").allTextContents();

describe.skipIf(!hasBrowser)("finding by name", () => {
  const stage = shareStage();
  const made = async <T>(path: string, body: object): Promise<T> =>
    (await (await stage.api("POST", path, body)).json()) as T;
  const userOf = (name: string): Promise<User> => made("/users", { externalId: crypto.randomUUID(), name });

  async function meOf(page: Page, email: string): Promise<string> {
    await enter(page, email);
    const number = await createChat(page, "Mine");
    return ((await (await stage.api("GET", `/chats/${number}`)).json()) as Chat).createdBy;
  }

  test("a chat is found that is on no page that was read, by any part of its name", async () => {
    await using visitor = await stage.visit();
    const { page, complaints } = visitor;
    const me = await meOf(page, "seeker@example.com");
    const zoe = await userOf("Zoë Quux");
    const create = (chat: NewChat) => made<Chat>("/chats", { members: [me], ...chat });
    await create({ kind: "group", title: "The needle in it" });
    await create({ kind: "direct", members: [me, zoe.id] });
    for (let at = 0; at < MANY; at += 1) await create({ kind: "group", title: `Straw ${at}` });
    await page.reload();
    await page.locator(".chat", { hasText: `Straw ${MANY - 1}` }).waitFor();
    const field = page.getByLabel("Find a chat by its name");
    await field.fill("NEEDL");
    await expect.poll(() => names(page)).toEqual(["The needle in it"]);
    await field.fill("quu");
    await expect.poll(() => names(page)).toEqual(["Zoë Quux"]);
    await field.fill("nowhere");
    await page.getByText("No chat is called that.").waitFor();
    await field.fill("straw");
    const more = page.getByRole("button", { name: "Show more" });
    await more.press("Enter");
    await expect.poll(async () => new Set(await names(page)).size).toBe(MANY);
    expect((await names(page)).length).toBe(MANY);
    await field.fill("needle");
    await expect.poll(() => names(page)).toEqual(["The needle in it"]);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.locator(".chat-title", { hasText: "The needle in it" }).waitFor();
    expect(complaints).toEqual([]);
  });

  test("people are found among many, for a new chat and for a group", async () => {
    await using visitor = await stage.visit();
    const { page, complaints } = visitor;
    await enter(page, "host@example.com");
    await Promise.all(Array.from({ length: 110 }, (_, at) => userOf(`Filler ${at}`)));
    await userOf("Ärger Müller");
    await userOf("Zebulon Last");
    await page.locator("#sidebar").getByRole("button", { name: "New chat" }).click();
    const dialog = page.getByRole("dialog", { name: "New chat" });
    const field = dialog.getByRole("searchbox", { name: "With" });
    await field.fill("muller");
    await dialog.getByRole("checkbox", { name: "Ärger Müller" }).press("Space");
    await field.fill("zebu");
    await dialog.getByRole("checkbox", { name: "Zebulon Last" }).press("Space");
    await field.fill("filler");
    await dialog.getByRole("checkbox", { name: "Filler" }).first().waitFor();
    expect(await dialog.getByRole("checkbox", { checked: true }).count()).toBe(2);
    const people = dialog.getByRole("list", { name: "People" }).getByRole("listitem");
    await dialog.getByRole("button", { name: "More people" }).press("Enter");
    await expect.poll(() => people.count()).toBeGreaterThan(32);
    await field.fill("nobody at all");
    await dialog.getByText("Nobody else by this name.").waitFor();
    await dialog.getByRole("textbox", { name: "Title" }).fill("Found");
    await dialog.getByRole("button", { name: "Create" }).click();
    await page.locator(".chat-about", { hasText: "3 members" }).waitFor();

    await page.getByRole("button", { name: "Actions for this chat" }).click();
    await page.getByRole("menuitem", { name: "Members …" }).click();
    const members = page.getByRole("dialog", { name: "Members" });
    await members.getByRole("searchbox", { name: "Add people" }).fill("filler 109");
    await members.getByRole("button", { name: "Add Filler 109" }).press("Enter");
    await page.locator(".chat-about", { hasText: "4 members" }).waitFor();
    await members.getByText("Nobody else by this name.").waitFor();
    expect(complaints).toEqual([]);
  });
});
