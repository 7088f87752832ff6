import { mkdirSync } from "node:fs";
import type { Locator, Page } from "playwright-core";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { createAssistantChat, enter, hasBrowser, shareStage } from "../testing.ts";

const composer = (page: Page) => page.getByLabel("Message", { exact: true });
const chosen = (page: Page) => page.getByRole("list", { name: "Files" });
const send = (page: Page) => page.getByRole("button", { name: "Send", exact: true });

/** Where the pictures go that whoever changes the page looks at; none by default. */
const PICTURES = process.env["PICTURES"];
async function photograph(page: Page, name: string): Promise<void> {
  if (PICTURES === undefined) return;
  mkdirSync(PICTURES, { recursive: true });
  await page.screenshot({ path: `${PICTURES}/${name}.png` });
}

/** How wide the image in it is, once it is loaded. */
const widthOf = (within: Locator) =>
  within.locator("img").evaluate((image) => (image as unknown as { naturalWidth: number }).naturalWidth);

/** What the page would find again after a reload, as it keeps it in the browser. */
const keptOf = (page: Page): Promise<string[]> =>
  page.evaluate(`(async () => {
    const database = await new Promise((resolve) => {
      const request = indexedDB.open("scrollback-uploads", 1);
      request.onsuccess = () => resolve(request.result);
    });
    const all = await new Promise((resolve) => {
      const request = database.transaction("uploads").objectStore("uploads").getAll();
      request.onsuccess = () => resolve(request.result);
    });
    database.close();
    return all
      .sort((one, other) => one.at - other.at)
      .map(({ name, id, proof }) => name + (id ? " done" : " sent " + (proof?.ends.at(-1) ?? 0)));
  })()`);
/** As a browser without room for them. */
const loseBytes = (page: Page): Promise<void> =>
  page.evaluate(`(async () => {
    const database = await new Promise((resolve) => {
      const request = indexedDB.open("scrollback-uploads", 1);
      request.onsuccess = () => resolve(request.result);
    });
    const transaction = database.transaction("uploads", "readwrite");
    const store = transaction.objectStore("uploads");
    store.getAll().onsuccess = ({ target }) => {
      for (const { content, ...rest } of target.result) store.put(rest);
    };
    await new Promise((resolve) => { transaction.oncomplete = resolve; });
    database.close();
  })()`);

/** A PNG of one colour. */
const png = (width: number, height: number): Promise<Buffer> =>
  sharp({ create: { width, height, channels: 3, background: "#666" } })
    .png()
    .toBuffer();

describe.skipIf(!hasBrowser)("files in the page", () => {
  const stage = shareStage();

  test("are chosen, uploaded, sent with and without words, and seen and opened by the other", async () => {
    await using pair = await stage.pair("Files");
    const { ada, bob } = pair;
    const input = ada.page.locator(".composer input[type=file]").first();
    await input.setInputFiles([
      { name: "photo.png", mimeType: "image/png", buffer: await png(640, 400) },
      { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("Some notes") },
    ]);
    await chosen(ada.page).getByText("notes.txt").waitFor();
    await expect.poll(() => send(ada.page).isEnabled()).toBe(true);
    await composer(ada.page).fill("Look at these");
    await send(ada.page).click();
    await chosen(ada.page).waitFor({ state: "hidden" });
    const picture = bob.page.getByRole("button", { name: "Open photo.png" });
    await picture.waitFor();
    await expect.poll(() => widthOf(picture)).toBeGreaterThan(100);
    await picture.click();
    const opened = bob.page.getByRole("dialog", { name: "photo.png" });
    await expect.poll(() => widthOf(opened)).toBe(640);
    await bob.page.keyboard.press("Escape");
    await opened.waitFor({ state: "detached" });
    const download = bob.page.waitForEvent("download");
    await bob.page.getByRole("button", { name: "Save notes.txt" }).click();
    expect((await download).suggestedFilename()).toBe("notes.txt");
    // All of a chat together.
    await bob.page.getByRole("button", { name: "Actions for this chat" }).click();
    await bob.page.getByRole("menuitem", { name: "Images and files …" }).click();
    const gallery = bob.page.getByRole("dialog", { name: "Images and files" });
    await expect.poll(() => widthOf(gallery.getByRole("list", { name: "Images" }))).toBeGreaterThan(100);
    await gallery.getByRole("list", { name: "Other files" }).getByText("notes.txt").waitFor();
    await photograph(bob.page, "gallery");
    await bob.page.setViewportSize({ width: 320, height: 640 });
    await photograph(bob.page, "gallery-narrow");
    await bob.page.setViewportSize({ width: 1440, height: 900 });
    await gallery.getByRole("button", { name: "Close" }).click();
    // Without a word.
    await input.setInputFiles([{ name: "alone.txt", mimeType: "text/plain", buffer: Buffer.from("Alone") }]);
    await expect.poll(() => send(ada.page).isEnabled()).toBe(true);
    await send(ada.page).click();
    await bob.page.getByRole("button", { name: "Save alone.txt" }).waitFor();
    expect([...ada.complaints, ...bob.complaints]).toEqual([]);
  });

  test("that are large go in parts, and on where the connection was cut", async () => {
    await using pair = await stage.pair("Large");
    const { page } = pair.ada;
    let parts = 0;
    await page.route("**/*upload_id=*", (route) => {
      parts += 1;
      return parts === 2 ? route.abort("connectionreset") : route.continue();
    });
    const buffer = Buffer.alloc(9_000_000, "Large. ");
    const input = page.locator(".composer input[type=file]").first();
    await input.setInputFiles([{ name: "large.txt", mimeType: "text/plain", buffer }]);
    await expect.poll(() => send(page).isEnabled(), { timeout: 30_000 }).toBe(true);
    expect(parts).toBeGreaterThan(4);
    await send(page).click();
    await pair.bob.page.getByRole("button", { name: "Save large.txt" }).waitFor();
  });

  test("that were on their way go on after a reload, and those that had come are still there", async () => {
    await using pair = await stage.pair("Reloaded");
    const { page } = pair.ada;
    const ranges: string[] = [];
    // Of the large file the first parts arrive, and the page is reloaded while the next is on its way.
    let isHeld = true;
    await page.route("**/*upload_id=*", async (route) => {
      ranges.push(route.request().headers()["content-range"] ?? "");
      if (isHeld && ranges.length > 2) return;
      await route.continue();
    });
    const buffer = Buffer.alloc(9_000_000, "Large. ");
    const input = page.locator(".composer input[type=file]").first();
    await input.setInputFiles(
      [
        { name: "large.txt", mimeType: "text/plain", buffer },
        { name: "small.txt", mimeType: "text/plain", buffer: Buffer.from("Small") },
      ],
      { timeout: 60_000 },
    );
    await expect.poll(() => ranges.length).toBe(3);
    await expect.poll(() => keptOf(page)).toEqual(["large.txt sent 4194304", "small.txt done"]);
    isHeld = false;
    await page.reload();
    await chosen(page).getByText("small.txt").waitFor();
    await expect.poll(() => send(page).isEnabled(), { timeout: 60_000 }).toBe(true);
    // It is asked how much has arrived, and nothing of that is sent again.
    expect(ranges.slice(3)).toEqual([
      "bytes */9000000",
      "bytes 4194304-6291455/9000000",
      "bytes 6291456-8388607/9000000",
      "bytes 8388608-8999999/9000000",
    ]);
    await send(page).click();
    for (const name of ["large.txt", "small.txt"])
      await pair.bob.page.getByRole("button", { name: `Save ${name}` }).waitFor();
    await expect.poll(() => keptOf(page)).toEqual([]);
  });

  test("whose bytes the browser has not kept are asked for again, and known again", async () => {
    await using pair = await stage.pair("Asked");
    const { page } = pair.ada;
    let parts = 0;
    let isHeld = true;
    await page.route("**/*upload_id=*", async (route) => {
      parts += 1;
      if (isHeld && parts > 1) return;
      await route.continue();
    });
    const buffer = Buffer.alloc(9_000_000, "Large. ");
    const file = { name: "large.txt", mimeType: "text/plain", buffer };
    await page.locator(".composer input[type=file]").first().setInputFiles([file], { timeout: 60_000 });
    await expect.poll(() => keptOf(page)).toEqual(["large.txt sent 2097152"]);
    await loseBytes(page);
    isHeld = false;
    await page.reload();
    const choose = async (content: Buffer) => {
      const chooser = page.waitForEvent("filechooser");
      await page.getByRole("button", { name: "Choose large.txt again, to go on" }).click();
      await (await chooser).setFiles([{ ...file, buffer: content }]);
    };
    await choose(Buffer.alloc(9_000_000, "Other. "));
    await page.getByText("It is another file.").waitFor();
    await choose(buffer);
    await expect.poll(() => send(page).isEnabled(), { timeout: 60_000 }).toBe(true);
    await send(page).click();
    await pair.bob.page.getByRole("button", { name: "Save large.txt" }).waitFor();
  });

  test("that a model was given are named below its answer", async () => {
    await using visitor = await stage.visit();
    const { page } = visitor;
    await enter(page, "asks-about-files@example.com");
    await createAssistantChat(page);
    const notes = { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("The boat is blue.") };
    await page.locator(".composer input[type=file]").first().setInputFiles([notes]);
    await expect.poll(() => send(page).isEnabled()).toBe(true);
    await composer(page).fill("What is 6 times 7?");
    await send(page).click();
    await page.getByText("Was given notes.txt.").waitFor();
    await photograph(page, "given");
    expect(visitor.complaints).toEqual([]);
  });

  test("that can't be uploaded say so, are tried again, and can be taken out", async () => {
    await using pair = await stage.pair("Trouble");
    const { page } = pair.ada;
    let refusals = 1;
    await page.route("**/v1/apps/*/files", (route) => {
      refusals -= 1;
      if (refusals < 0) return route.continue();
      return route.fulfill({ status: 413, json: { title: "Too large", detail: "The file is too large." } });
    });
    const input = page.locator(".composer input[type=file]").first();
    await input.setInputFiles([{ name: "odd.txt", mimeType: "text/plain", buffer: Buffer.from("Odd") }]);
    await page.getByText("The file is too large.").waitFor();
    await composer(page).fill("With a file");
    expect(await send(page).isDisabled()).toBe(true);
    await page.getByRole("button", { name: "Try odd.txt again" }).click();
    await expect.poll(() => send(page).isEnabled()).toBe(true);
    await page.getByRole("button", { name: "Remove odd.txt" }).click();
    await chosen(page).waitFor({ state: "hidden" });
    await send(page).click();
    await expect.poll(() => stage.textsOf(pair.number)).toEqual(["With a file"]);
  });
});
