import { mkdirSync } from "node:fs";
import type { Page } from "playwright-core";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import type { FileCreated } from "../../shared/files/contract.ts";
import { sendBytes } from "../../shared/testing/upload-file.ts";
import { enter, hasBrowser, openMenu, say, shareStage } from "../testing.ts";

/** Where the pictures go that whoever changes the page looks at; none by default. */
const PICTURES = process.env["PICTURES"];
async function picture(page: Page, name: string): Promise<void> {
  if (PICTURES === undefined) return;
  mkdirSync(PICTURES, { recursive: true });
  await page.screenshot({ path: `${PICTURES}/${name}.png` });
}

const openAccount = async (page: Page) => {
  await page.getByRole("button", { name: "Account" }).click();
  await page.getByRole("dialog", { name: "Account" }).waitFor();
};
/** Of an image, 0 until it is there. */
const loadedWidth = (page: Page, selector: string): Promise<number> =>
  page
    .locator(selector)
    .first()
    .evaluate((image) => (image as unknown as { naturalWidth: number }).naturalWidth);
const closed = (page: Page) => page.getByRole("dialog").waitFor({ state: "detached" });

describe.skipIf(!hasBrowser)("an account", () => {
  const stage = shareStage();

  test("shows where one is signed in, and ends the session on another device", async () => {
    await using here = await stage.visit();
    await using there = await stage.visit();
    for (const { page } of [here, there]) await enter(page, "everywhere@example.com");
    await openAccount(here.page);
    const sessions = here.page.getByRole("list", { name: "Where you are signed in" }).getByRole("listitem");
    await sessions.nth(1).waitFor();
    expect(await sessions.count()).toBe(2);
    expect(await sessions.filter({ hasText: "this one" }).count()).toBe(1);
    expect(await sessions.first().textContent()).toContain("on Linux");
    await picture(here.page, "account");
    await here.page.getByRole("button", { name: "End the session on" }).click();
    await sessions.nth(1).waitFor({ state: "detached" });
    await here.page.getByRole("button", { name: "Close" }).click();
    await there.page.getByLabel("E-mail address").waitFor();
    expect([...here.complaints, ...there.complaints]).toEqual([]);
  });

  test("has a picture that others see, and the app has a logo", async () => {
    await using both = await stage.pair("Faces");
    const { ada, bob } = both;
    const photo = await sharp({ create: { width: 600, height: 400, channels: 3, background: "#c33" } })
      .composite([{ input: { create: { width: 200, height: 200, channels: 3, background: "#fc3" } } }])
      .jpeg()
      .toBuffer();
    await openAccount(ada.page);
    const input = ada.page.locator(".own-picture-row input[type=file]");
    await input.setInputFiles({ name: "notes.jpg", mimeType: "image/jpeg", buffer: Buffer.from("No image") });
    await ada.page.getByText("It is not what its name says.").waitFor();
    await input.setInputFiles({ name: "me.jpg", mimeType: "image/jpeg", buffer: photo });
    await expect.poll(() => loadedWidth(ada.page, ".own-picture img")).toBe(96);
    await picture(ada.page, "own-picture");
    await ada.page.setViewportSize({ width: 320, height: 640 });
    await picture(ada.page, "own-picture-narrow");
    await ada.page.setViewportSize({ width: 1440, height: 900 });
    await ada.page.getByRole("button", { name: "Close" }).click();
    await say(ada.page, "Do you see me?");
    await bob.page.reload();
    await bob.page.locator(".line", { hasText: "Do you see me?" }).waitFor();
    await expect.poll(() => loadedWidth(bob.page, ".sender .avatar img")).toBe(96);
    await picture(bob.page, "picture-of-another");
    await openAccount(ada.page);
    await ada.page.getByRole("button", { name: "Take it away" }).click();
    await ada.page.locator(".own-picture img").waitFor({ state: "detached" });
    expect([...ada.complaints, ...bob.complaints]).toEqual([]);
    const logo = { name: "logo.jpg", type: "image/jpeg", size: photo.length, purpose: "logo" };
    const begun = await stage.api("POST", "/files", logo);
    const { file, upload } = (await begun.json()) as FileCreated;
    await sendBytes(upload, photo);
    await expect.poll(async () => (await stage.api("PUT", "/logo", { file: file.id })).status).toBe(200);
    await bob.page.reload();
    await expect.poll(() => loadedWidth(bob.page, ".brand img")).toBe(96);
    await picture(bob.page, "logo");
    await stage.api("DELETE", "/logo");
  });

  test("reports a message and blocks who wrote it, and takes the block back", async () => {
    await using both = await stage.pair("Quarrel");
    const { ada, bob, number } = both;
    await say(bob.page, "You are a fool");
    await ada.page.locator(".line", { hasText: "You are a fool" }).waitFor();
    await openMenu(ada.page, "You are a fool");
    await picture(ada.page, "message-menu");
    await ada.page.getByRole("menuitem", { name: "Report …" }).click();
    await ada.page.getByLabel("What is wrong?").fill("Insults me");
    await picture(ada.page, "report");
    await ada.page.getByRole("button", { name: "Report" }).click();
    await ada.page.locator(".toast", { hasText: "Reported" }).waitFor();
    const { data } = (await (await stage.api("GET", "/reports?status=open")).json()) as {
      data: { reason: string; message: object }[];
    };
    expect(data[0]).toMatchObject({ reason: "Insults me", message: { chat: number } });

    await openMenu(ada.page, "You are a fool");
    await ada.page.getByRole("menuitem", { name: /^Block bob-.* …$/ }).click();
    await picture(ada.page, "block");
    await ada.page.getByRole("button", { name: "Block", exact: true }).click();
    await ada.page.locator(".toast", { hasText: "is blocked" }).waitFor();
    await openAccount(ada.page);
    const blocked = ada.page.getByRole("list", { name: "People you have blocked" }).getByRole("listitem");
    await blocked.filter({ hasText: "bob-" }).waitFor();
    await picture(ada.page, "account-blocked");
    await ada.page.getByRole("button", { name: /^Unblock/ }).click();
    await ada.page.getByText("Nobody.", { exact: true }).waitFor();
    expect([...ada.complaints, ...bob.complaints]).toEqual([]);
  });

  test("reports and blocks a member, by keyboard too", async () => {
    await using both = await stage.pair("Members");
    const { page, complaints } = both.ada;
    await page.getByRole("button", { name: "Actions for this chat" }).click();
    await page.getByRole("menuitem", { name: "Members …" }).click();
    await page.getByRole("button", { name: /^Block bob-/ }).focus();
    await picture(page, "members");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: /^Block bob-/ }).waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: /^Report bob-/ }).click();
    await page.getByLabel("What is wrong?").fill("Sells things");
    await page.getByRole("button", { name: "Report", exact: true }).click();
    await page.locator(".toast", { hasText: "Reported" }).waitFor();
    await page.getByRole("button", { name: "Close" }).click();
    await closed(page);
    expect(complaints).toEqual([]);
  });

  test("needs no address where the app takes guests, and only there", async () => {
    await using without = await stage.visit();
    await without.page.getByLabel("E-mail address").waitFor();
    const link = (page: Page) => page.getByRole("button", { name: "Come in without an address" });
    expect(await link(without.page).isVisible()).toBe(false);
    await stage.api("PATCH", "", { settings: { registration: { guests: true } } });
    await using visitor = await stage.visit();
    const { page, complaints } = visitor;
    await link(page).click();
    await page.getByLabel("Your name").fill("Visiting Vera");
    await picture(page, "guest");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Hello, Visiting Vera" }).waitFor();
    await page.reload();
    await page.getByRole("heading", { name: "Hello, Visiting Vera" }).waitFor();
    await picture(page, "guest-inside");
    await stage.api("PATCH", "", { settings: { registration: { guests: false } } });
    expect(complaints).toEqual([]);
  });

  test("is shown whole on a phone", async () => {
    await using visitor = await stage.visit({ width: 390, height: 844 });
    const { page } = visitor;
    await enter(page, "phone@example.com");
    await openAccount(page);
    await page.getByText("Nobody.", { exact: true }).waitFor();
    await picture(page, "account-phone");
    const box = await page.getByRole("dialog", { name: "Account" }).boundingBox();
    expect(box?.width).toBeLessThanOrEqual(390);
    const overflow = await page.evaluate("document.documentElement.scrollWidth > innerWidth");
    expect(overflow).toBe(false);
  });
});
