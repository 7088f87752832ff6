import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { type Chat, INSTRUCTIONS_CHARS_MAX } from "../../shared/chat/contract.ts";
import { createAssistantChat, createChat, enter, hasBrowser, shareStage } from "../testing.ts";

const openMenuOf = (page: Page) => page.getByRole("button", { name: "Actions for this chat" }).click();

const modelField = (page: Page) => page.getByRole("combobox", { name: "Model" });

async function openSettings(page: Page): Promise<void> {
  await openMenuOf(page);
  await page.getByRole("menuitem", { name: "Settings …" }).click();
  await page.getByRole("dialog", { name: "Settings of this chat" }).waitFor();
}

async function save(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
}

describe.skipIf(!hasBrowser)("the settings of a chat", () => {
  const stage = shareStage();
  const chatOf = async (number: number): Promise<Chat> =>
    (await (await stage.api("GET", `/chats/${number}`)).json()) as Chat;

  test("choose the model and say what it is told, and take both back", async () => {
    await using visitor = await stage.visit();
    const { page, complaints } = visitor;
    await enter(page, "settings@example.com");
    const number = await createAssistantChat(page);
    await openSettings(page);
    await modelField(page).selectOption("emulated-small");
    const instructions = page.getByLabel("Instructions");
    expect(await instructions.getAttribute("maxlength")).toBe(String(INSTRUCTIONS_CHARS_MAX));
    await instructions.fill("Be brief.\nBe <b>kind</b>.");
    await page.getByText("25 of 8,000").waitFor();
    await save(page);
    await page.locator(".chat-about", { hasText: "With emulated-small" }).waitFor();
    const told = { model: "emulated-small", instructions: "Be brief.\nBe <b>kind</b>." };
    expect(await chatOf(number)).toMatchObject(told);

    await stage.api("PATCH", `/chats/${number}`, { instructions: "Rhyme." });
    await openSettings(page);
    expect(await instructions.inputValue()).toBe("Rhyme.");
    await modelField(page).selectOption("");
    await instructions.fill("");
    await save(page);
    await page.locator(".chat-about", { hasText: "With a model" }).waitFor();
    const { model, instructions: after } = await chatOf(number);
    expect([model, after]).toEqual([undefined, undefined]);
    expect(complaints).toEqual([]);
  });

  test("leave alone what was not changed, as somebody else may have", async () => {
    await using visitor = await stage.visit();
    const { page } = visitor;
    await enter(page, "apart@example.com");
    const number = await createAssistantChat(page);
    await openSettings(page);
    await stage.api("PATCH", `/chats/${number}`, { model: "emulated-large" });
    await page.getByLabel("Instructions").fill("Be brief.");
    await save(page);
    expect(await chatOf(number)).toMatchObject({ model: "emulated-large", instructions: "Be brief." });
  });

  test("ask for no model where the app has one only", async () => {
    await using visitor = await stage.visit();
    const { page } = visitor;
    await enter(page, "only@example.com");
    await createAssistantChat(page);
    await page.route("**/models", (route) =>
      route.fulfill({ json: { data: [{ id: "only" }], hasMore: false, next: null, prev: null } }),
    );
    await openSettings(page);
    await page.getByLabel("Instructions").waitFor();
    expect(await modelField(page).count()).toBe(0);
  });

  test("are there only where a model answers", async () => {
    await using visitor = await stage.visit();
    const { page } = visitor;
    await enter(page, "group@example.com");
    await createChat(page, "People");
    await openMenuOf(page);
    await page.getByRole("menuitem", { name: "Rename …" }).waitFor();
    expect(await page.getByRole("menuitem", { name: "Settings …" }).count()).toBe(0);
  });
});
