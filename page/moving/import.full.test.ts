import { readFile } from "node:fs/promises";
import { mkdirSync } from "node:fs";
import type { Locator, Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { longChatGpt } from "../../shared/testing/chat-exports.ts";
import { makeArchive } from "../../shared/testing/make-archive.ts";
import { enter, hasBrowser, shareStage } from "../testing.ts";

/** Where the pictures go that whoever changes the page looks at; none by default. */
const PICTURES = process.env["PICTURES"];
async function picture(page: Page, name: string): Promise<void> {
  if (PICTURES === undefined) return;
  mkdirSync(PICTURES, { recursive: true });
  await page.screenshot({ path: `${PICTURES}/${name}.png` });
}

/** Longer than reading and bringing these files takes on a busy machine. */
const OVER_MS_MAX = 150_000;
const PATIENCE = { timeout: OVER_MS_MAX };

interface Chosen {
  readonly name: string;
  readonly mimeType: string;
  readonly buffer: Buffer;
}
const csv = (name: string, rows: readonly string[]): Chosen => ({
  name,
  mimeType: "text/csv",
  buffer: Buffer.from(["chat,role,text,time", ...rows].join("\r\n")),
});
const soup = csv("recipes.csv", [
  "Soup,user,How do I make minestrone?,2024-01-01T10:00:00Z",
  "Soup,assistant,Chop the celeriac.,2024-01-01T10:01:00Z",
  "Bread,user,How long does sourdough rest?,2024-01-02T10:00:00Z",
  "Bread,user,,2024-01-02T10:01:00Z",
]);
const LONG_ROWS = 90_000;
/** More than a step of an import brings. */
const long = (): Chosen =>
  csv(
    "log.csv",
    Array.from({ length: LONG_ROWS }, (_, index) => `Log ${index % 40},user,Entry ${index},2024-01-01`),
  );

const file = (page: Page) => page.getByRole("group", { name: "The file" });
const imports = (page: Page) => page.getByRole("list", { name: "Imports" }).getByRole("listitem");
const chats = (page: Page) => page.getByRole("list", { name: "Chats" });
const button = (page: Page, name: string) =>
  page.getByRole("dialog", { name: "Account" }).getByRole("button", { name, exact: true });

async function openAccount(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Account" }).click();
  await button(page, "Export my data").waitFor();
}
async function closeAccount(page: Page): Promise<void> {
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
}
const choose = (page: Page, chosen: Chosen) => page.locator(".drop-place input").setInputFiles(chosen);

/** Lets go of files over the place for them, as somebody does who has dragged them there. */
async function drop(page: Page, ...files: readonly Chosen[]): Promise<void> {
  const sent = files.map(({ name, mimeType, buffer }) => [name, mimeType, buffer.toString("base64")]);
  await page.evaluate(`(() => {
    const dataTransfer = new DataTransfer();
    for (const [name, type, bytes] of ${JSON.stringify(sent)}) {
      const content = Uint8Array.from(atob(bytes), (character) => character.charCodeAt(0));
      dataTransfer.items.add(new File([content], name, { type }));
    }
    for (const type of ["dragover", "drop"]) {
      const event = new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true });
      document.querySelector(".drop-place").dispatchEvent(event);
    }
  })()`);
}

async function download(page: Page, name: string): Promise<string> {
  const [saved] = await Promise.all([page.waitForEvent("download"), button(page, name).click()]);
  return readFile(await saved.path(), "utf8");
}

const offer = (page: Page, words: RegExp) => file(page).getByText(words).waitFor(PATIENCE);
const brought = (page: Page, words: RegExp) => imports(page).filter({ hasText: words }).waitFor(PATIENCE);

describe.skipIf(!hasBrowser)("bringing chats from elsewhere", () => {
  const stage = shareStage();

  test("a table is looked through, brought, told of and found", async () => {
    await using visitor = await stage.visit();
    const { page, complaints } = visitor;
    await enter(page, "table@example.com");
    await openAccount(page);
    await picture(page, "import-before");
    await choose(page, soup);
    await offer(page, /^2 chats and 3 messages can be brought; 1 item can’t\.$/);
    await picture(page, "import-offer");
    expect(await download(page, "Download what can’t be brought")).toMatch(/^where,what,why\r\n.*row/);
    expect(await chats(page).getByRole("listitem").count()).toBe(0);
    await button(page, "Bring them here").click();
    await brought(page, /^2 new chats, 3 messages; 1 item could not be kept/);
    await picture(page, "import-done");
    await page.emulateMedia({ colorScheme: "dark" });
    await picture(page, "import-done-dark");
    expect(await download(page, "Report")).toContain("row");
    await closeAccount(page);
    await chats(page).getByRole("link", { name: "Soup" }).click();
    await page.locator(".line", { hasText: "celeriac" }).waitFor();
    await page.getByRole("button", { name: "Messages /" }).click();
    await expect
      .poll(async () => {
        await page.getByLabel("Search messages").fill("");
        await page.keyboard.type("sourdough");
        await page.locator(".search-status", { hasText: /message|found/ }).waitFor();
        return page.locator(".hit").count();
      }, PATIENCE)
      .toBe(1);
    expect(complaints).toEqual([]);
  });

  test("an archive of ChatGPT is dropped and brought; again, it brings nothing", async () => {
    await using visitor = await stage.visit();
    const { page, complaints } = visitor;
    await enter(page, "archive@example.com");
    const bytes = Buffer.from(JSON.stringify([longChatGpt("Tea", 6), longChatGpt("Coffee", 4)]));
    const archive: Chosen = {
      name: "chatgpt.zip",
      mimeType: "application/zip",
      buffer: makeArchive([{ name: "conversations.json", bytes }]),
    };
    await openAccount(page);
    await drop(page, archive, soup);
    await page.getByText("One file at a time, please.").waitFor();
    await drop(page, archive);
    await offer(page, /^2 chats and 12 messages can be brought\.$/);
    await button(page, "Bring them here").click();
    await brought(page, /^2 new chats, 12 messages/);
    await drop(page, archive);
    await offer(page, /can be brought/);
    await button(page, "Bring them here").click();
    await brought(page, /^Nothing new; 12 messages were here already/);
    await closeAccount(page);
    await chats(page).getByRole("link", { name: "Coffee" }).click();
    await page.locator(".line", { hasText: "Coffee says 3" }).waitFor();
    expect(complaints).toEqual([]);
  });

  test("what can't be read says why, and what is not wanted is let be", async () => {
    await using visitor = await stage.visit();
    const { page, complaints } = visitor;
    await enter(page, "unreadable@example.com");
    await openAccount(page);
    await choose(page, { ...soup, name: "holiday.csv", buffer: Buffer.from("a,b\r\n1,2\r\n") });
    await file(page).getByText("no export that is known").waitFor(PATIENCE);
    await picture(page, "import-unreadable");
    await choose(page, soup);
    await offer(page, /can be brought/);
    await closeAccount(page);
    await page.reload();
    await openAccount(page);
    await file(page).getByText("recipes.csv").waitFor();
    await button(page, "Not now").click();
    await file(page).waitFor({ state: "hidden" });
    await closeAccount(page);
    await page.reload();
    await openAccount(page);
    await button(page, "Choose a file …").waitFor();
    expect(await file(page).isVisible()).toBe(false);
    expect(await imports(page).count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  test("an upload that is cancelled leaves nothing", async () => {
    await using visitor = await stage.visit();
    const { page, context, complaints } = visitor;
    await enter(page, "cancelled@example.com");
    await openAccount(page);
    const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
    await context.route(
      (url) => url.pathname.endsWith("/files"),
      async (route) => {
        await held;
        await route.continue();
      },
    );
    await choose(page, soup);
    await file(page).getByText("Is being uploaded").waitFor();
    await picture(page, "import-uploading");
    await closeAccount(page);
    await openAccount(page);
    await file(page).getByText("Is being uploaded").waitFor();
    await button(page, "Cancel").click();
    letGo();
    await button(page, "Choose a file …").waitFor();
    expect(await file(page).isVisible()).toBe(false);
    expect(complaints).toEqual([]);
  });

  test("an import goes on while the page is away, and can be cancelled", async () => {
    await using visitor = await stage.visit();
    const { page, complaints } = visitor;
    await enter(page, "away@example.com");
    await openAccount(page);
    await choose(page, long());
    await offer(page, /and 90,000 messages can be brought\.$/);
    await button(page, "Bring them here").click();
    await imports(page).filter({ hasText: "Under way" }).waitFor(PATIENCE);
    await page.reload();
    await openAccount(page);
    await imports(page).getByRole("progressbar").waitFor();
    await brought(page, /messages so far.* a second · .* left · begun/);
    await picture(page, "import-under-way");
    await button(page, "Cancel").click();
    await brought(page, /^Cancelled; .* messages stay/);
    await chats(page).getByRole("link", { name: "Log 7" }).waitFor();
    expect(complaints).toEqual([]);
  });

  test("the keyboard alone does it, on a phone", async () => {
    await using visitor = await stage.visit({ width: 320, height: 640 });
    const { page, complaints } = visitor;
    await enter(page, "kim@example.com");
    await page.getByRole("button", { name: "Account" }).focus();
    await page.keyboard.press("Enter");
    const begin = button(page, "Choose a file …");
    await begin.waitFor();
    await tabTo(page, begin);
    const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.keyboard.press("Enter")]);
    await picture(page, "import-phone-before");
    await chooser.setFiles(soup);
    await offer(page, /can be brought/);
    await expect.poll(() => hasFocus(file(page))).toBe(true);
    await picture(page, "import-phone-offer");
    await page.emulateMedia({ colorScheme: "dark" });
    await picture(page, "import-phone-offer-dark");
    await tabTo(page, button(page, "Bring them here"));
    await page.keyboard.press("Enter");
    await brought(page, /^2 new chats, 3 messages/);
    await expect.poll(() => hasFocus(begin)).toBe(true);
    await picture(page, "import-phone-done-dark");
    expect(await overflowOf(page.getByRole("dialog"))).toBe(0);
    expect(complaints).toEqual([]);
  });
});

/** What the tests ask of elements. */
interface Elements {
  readonly scrollWidth: number;
  readonly clientWidth: number;
  matches(selector: string): boolean;
}
const hasFocus = (element: Locator): Promise<boolean> =>
  element.evaluate((each) => (each as unknown as Elements).matches(":focus"));
const overflowOf = (element: Locator): Promise<number> =>
  element.evaluate((each) => {
    const { scrollWidth, clientWidth } = each as unknown as Elements;
    return scrollWidth - clientWidth;
  });

async function tabTo(page: Page, element: Locator): Promise<void> {
  for (let presses = 0; presses < 40; presses += 1) {
    if (await hasFocus(element)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error("The keyboard does not reach it.");
}
