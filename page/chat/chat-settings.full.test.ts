import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { type Chat, INSTRUCTIONS_CHARS_MAX, TEMPERATURE_MAX } from "../../shared/chat/contract.ts";
import {
  METADATA_KEY_CHARS_MAX,
  METADATA_PAIRS_MAX,
  METADATA_VALUE_CHARS_MAX,
} from "../../shared/platform/contract.ts";
import { createAssistantChat, createChat, enter, hasBrowser, shareStage, submit } from "../testing.ts";

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
    const temperature = page.getByLabel("Temperature");
    expect(await temperature.getAttribute("max")).toBe(String(TEMPERATURE_MAX));
    await temperature.fill("0.3");
    await save(page);
    await page.locator(".chat-about", { hasText: "With emulated-small" }).waitFor();
    const told = { model: "emulated-small", instructions: "Be brief.\nBe <b>kind</b>.", temperature: 0.3 };
    expect(await chatOf(number)).toMatchObject(told);

    await stage.api("PATCH", `/chats/${number}`, { instructions: "Rhyme." });
    await openSettings(page);
    expect(await instructions.inputValue()).toBe("Rhyme.");
    await modelField(page).selectOption("");
    await instructions.fill("");
    expect(await temperature.inputValue()).toBe("0.3");
    await temperature.fill("");
    await save(page);
    await page.locator(".chat-about", { hasText: "With a model" }).waitFor();
    const { model, instructions: after, temperature: left } = await chatOf(number);
    expect([model, after, left]).toEqual([undefined, undefined, undefined]);
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

  test("say a model's label where it has one, and its id where it has none", async () => {
    await using visitor = await stage.visit();
    const { page } = visitor;
    await enter(page, "labels@example.com");
    const models = [{ id: "emulated-small", label: "A quick one" }, { id: "emulated-large" }];
    await page.route("**/models", (route) =>
      route.fulfill({ json: { data: models, hasMore: false, next: null, prev: null } }),
    );
    await createAssistantChat(page);
    await openSettings(page);
    expect(await modelField(page).getByRole("option").allTextContents()).toEqual([
      "Chosen for each question",
      "A quick one",
      "emulated-large",
    ]);
    await modelField(page).selectOption("emulated-small");
    await save(page);
    await page.locator(".chat-about", { hasText: "With A quick one" }).waitFor();
    await submit(page, "Hello");
    await page.locator(".line .sender", { hasText: "A quick one" }).waitFor();
  });

  test.each(["-0.1", "2.1"])("refuse a temperature of %s", async (value) => {
    await using visitor = await stage.visit();
    const { page } = visitor;
    await enter(page, `warm${value}@example.com`);
    await createAssistantChat(page);
    await openSettings(page);
    await page.getByLabel("Temperature").fill(value);
    await page.getByRole("button", { name: "Save" }).click();
    expect(await page.locator("input:invalid").getAttribute("name")).toBe("temperature");
    expect(await page.getByRole("dialog").count()).toBe(1);
  });

  test("are chosen when a chat is made, and asked for only where a model answers", async () => {
    await using visitor = await stage.visit();
    const { page, complaints } = visitor;
    await enter(page, "begin@example.com");
    await page.locator("#sidebar").getByRole("button", { name: "New chat" }).click();
    expect(await page.getByLabel("Instructions").isVisible()).toBe(false);
    const others = page.getByRole("group", { name: "With" });
    await others.getByRole("checkbox").first().check();
    await page.getByRole("radio", { name: "Assistant" }).check();
    expect(await others.isVisible()).toBe(false);
    await modelField(page).selectOption("emulated-large");
    await page.getByLabel("Temperature").fill("1.5");
    await page.getByLabel("Instructions").fill("Rhyme.");
    await page.getByRole("radio", { name: "Group" }).check();
    expect(await page.getByLabel("Instructions").isVisible()).toBe(false);
    await page.getByRole("radio", { name: "Assistant" }).check();
    await page.getByRole("button", { name: "Create" }).click();
    await page.locator(".chat-about", { hasText: "With emulated-large" }).waitFor();
    const number = Number(/\d+$/.exec(page.url())?.[0]);
    expect(await chatOf(number)).toMatchObject({
      model: "emulated-large",
      temperature: 1.5,
      instructions: "Rhyme.",
    });
    expect(complaints).toEqual([]);
  });

  test("of one device are those of another at once", async () => {
    await using visitor = await stage.visit();
    const { page } = visitor;
    await enter(page, "devices@example.com");
    const number = await createAssistantChat(page);
    await stage.api("PATCH", `/chats/${number}`, { model: "emulated-large" });
    await page.locator(".chat-about", { hasText: "With emulated-large" }).waitFor();
    await stage.api("PATCH", `/chats/${number}`, { model: null });
    await page.locator(".chat-about", { hasText: "With a model" }).waitFor();
    expect((await chatOf(number)).model).toBeUndefined();
  });

  test("say whose words the title is", async () => {
    await using visitor = await stage.visit();
    const { page } = visitor;
    await enter(page, "titles@example.com");
    await createAssistantChat(page);
    const about = async (): Promise<string> => {
      await openMenuOf(page);
      await page.getByRole("menuitem", { name: "Rename …" }).click();
      const dialog = page.getByRole("dialog", { name: "Rename the chat" });
      const words = await dialog.locator(".hint").innerText();
      await dialog.getByRole("button", { name: "Cancel" }).click();
      return words;
    };
    expect(await about()).toMatch(/^The model makes one/);
    await submit(page, "When does the ferry to Turin leave?");
    await page.locator(".chat-title").filter({ hasNotText: "Assistant" }).waitFor();
    expect(await about()).toMatch(/^The model made this title/);
    await openMenuOf(page);
    await page.getByRole("menuitem", { name: "Rename …" }).click();
    await page.getByRole("textbox", { name: "Title" }).fill("Mine");
    await page.getByRole("button", { name: "Rename" }).click();
    await page.locator(".chat-title", { hasText: "Mine" }).waitFor();
    expect(await about()).toMatch(/^Left empty/);
  });

  test("ask of a group nothing that only models are told", async () => {
    await using visitor = await stage.visit();
    const { page } = visitor;
    await enter(page, "group@example.com");
    await createChat(page, "People");
    await openSettings(page);
    await page.getByRole("group", { name: "Noted for programs" }).waitFor();
    expect(await page.getByLabel("Instructions").count()).toBe(0);
  });

  test("note pairs for programs, change them and take them away, by keyboard", async () => {
    await using visitor = await stage.visit();
    const { page, complaints } = visitor;
    await enter(page, "pairs@example.com");
    const number = await createChat(page, "Order");
    const { metadata: before } = await chatOf(number);
    expect(before).toBeUndefined();
    await openSettings(page);
    await page.getByText("Nothing is noted.").waitFor();
    await page.getByRole("button", { name: "Add a pair" }).press("Enter");
    await page.keyboard.type("order");
    await page.keyboard.press("Tab");
    await page.keyboard.type("42");
    await page.getByRole("button", { name: "Add a pair" }).press("Enter");
    await page.keyboard.type("order");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Two pairs have the same name.").waitFor();
    await page.getByLabel("Name of the pair").nth(1).fill("note");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("“note” needs a value").waitFor();
    await page.getByLabel("Value of the pair").nth(1).fill("Two\nlines");
    await save(page);
    expect((await chatOf(number)).metadata).toEqual({ order: "42", note: "Two\nlines" });

    await openSettings(page);
    await page.getByText(`2 of ${METADATA_PAIRS_MAX} pairs`).waitFor();
    await stage.api("PATCH", `/chats/${number}`, { metadata: { by: "a server" } });
    // They come sorted by their names.
    await page.getByRole("button", { name: "Remove the pair" }).nth(1).press("Enter");
    await save(page);
    expect((await chatOf(number)).metadata).toEqual({ note: "Two\nlines", by: "a server" });

    const all = Object.fromEntries(
      Array.from({ length: METADATA_PAIRS_MAX - 2 }, (_, at) => [`n${at}`, "x"]),
    );
    await stage.api("PATCH", `/chats/${number}`, { metadata: all });
    await openSettings(page);
    expect(await page.getByRole("button", { name: "Add a pair" }).isDisabled()).toBe(true);
    const fields = ["Name of the pair", "Value of the pair"].map((label) => page.getByLabel(label).first());
    const limits = await Promise.all(fields.map((field) => field.getAttribute("maxlength")));
    expect(limits).toEqual([String(METADATA_KEY_CHARS_MAX), String(METADATA_VALUE_CHARS_MAX)]);
    expect(complaints).toEqual([]);
  });
});
