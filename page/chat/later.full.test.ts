import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { SCHEDULE_AHEAD_MS_MAX } from "../../shared/chat/scheduled/schedule-message.ts";
import { createChat, enter, hasBrowser, openMenu, say, shareStage } from "../testing.ts";

const DAY_MS = 86_400_000;
const composer = (page: Page) => page.getByLabel("Message", { exact: true });
const list = (page: Page) => page.getByRole("dialog", { name: "Messages sent later" });
const rows = (page: Page) => list(page).getByRole("listitem");

/** As a field for a time has it, in the clock of the browser, which is that of this machine. */
const localOf = (ms: number): string =>
  new Date(ms - new Date(ms).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);

async function openList(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Actions for this chat" }).click();
  await page.getByRole("menuitem", { name: "Messages sent later …" }).click();
  await list(page).waitFor();
}

/** What the list says once it is opened anew; a message is listed until its sending has been noted. */
const listed = (page: Page) => async () => {
  await openList(page);
  const dialog = list(page);
  await dialog.getByText("Looking").waitFor({ state: "detached" });
  const said = await dialog.innerText();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  return said;
};

/** By keyboard alone, from the field. */
async function schedule(page: Page, text: string, at: number): Promise<void> {
  await composer(page).fill(text);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: "Send later" });
  await dialog.waitFor();
  expect(await dialog.innerText()).toContain(`at most ${SCHEDULE_AHEAD_MS_MAX / DAY_MS} days ahead`);
  await page.getByLabel("At", { exact: true }).fill(localOf(at));
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor({ state: "detached" });
}

/** What was in the field is sent so soon instead. */
async function hurry(page: Page, ms: number): Promise<void> {
  await page.route("**/messages", async (route) => {
    const body = route.request().postDataJSON() as object;
    await route.continue({
      postData: JSON.stringify({ ...body, sendAt: new Date(Date.now() + ms).toISOString() }),
    });
  });
}

describe.skipIf(!hasBrowser)("messages sent later", () => {
  const stage = shareStage();

  test("are written, listed, changed and cancelled, by keyboard", async () => {
    await using visitor = await stage.visit();
    const { page, complaints } = visitor;
    await enter(page, "later@example.com");
    const number = await createChat(page, "Later");
    expect(await page.getByRole("button", { name: "Send later …" }).isDisabled()).toBe(true);
    const at = Date.now() + 3 * DAY_MS;
    await schedule(page, "Happy birthday", at);
    await page.locator(".toast", { hasText: "It will be sent" }).waitFor();
    expect(await composer(page).inputValue()).toBe("");
    await schedule(page, "And another", at - DAY_MS);
    expect(await stage.textsOf(number)).toEqual([]);

    await openList(page);
    const texts = () => rows(page).locator(".said-later").allTextContents();
    await expect.poll(texts).toEqual(["And another", "Happy birthday"]);
    await page.getByRole("button", { name: "Change …: Happy birthday" }).press("Enter");
    const change = page.getByRole("dialog", { name: "Change the message" });
    await change.waitFor();
    expect(await change.getByLabel("At", { exact: true }).inputValue()).toBe(localOf(at));
    await change.getByLabel("Text").fill("Happy birthday,\nBob");
    await change.getByLabel("At", { exact: true }).fill(localOf(at - 2 * DAY_MS));
    await change.getByRole("button", { name: "Save" }).press("Enter");
    await expect.poll(texts).toEqual(["Happy birthday,\nBob", "And another"]);
    await page.getByRole("button", { name: "Cancel it: Happy birthday" }).press("Enter");
    await expect.poll(texts).toEqual(["And another"]);
    expect(await page.evaluate<string>("document.activeElement.ariaLabel")).toBe("Change …: And another");
    await page.getByRole("button", { name: "Cancel it: And another" }).press("Enter");
    await list(page).getByText("Nothing waits to be sent.").waitFor();
    await page.keyboard.press("Escape");
    await list(page).waitFor({ state: "detached" });
    expect(await stage.textsOf(number)).toEqual([]);
    expect(complaints).toEqual([]);
  });

  test("come at their time, and what was not scheduled after all stays in the field", async () => {
    await using pair = await stage.pair("Soon");
    const [ada, bob] = [pair.ada.page, pair.bob.page];
    await composer(ada).fill("Not yet");
    await ada.getByRole("button", { name: "Send later …" }).click();
    await ada.getByRole("button", { name: "Cancel" }).click();
    expect(await composer(ada).inputValue()).toBe("Not yet");
    await hurry(ada, 700);
    await schedule(ada, "Right on time", Date.now() + DAY_MS);
    await bob.locator(".line", { hasText: "Right on time" }).waitFor();
    await expect.poll(listed(ada)).toContain("Nothing waits to be sent.");
  });

  test("that could not be sent say why, and can be discarded", async () => {
    await using pair = await stage.pair("Gone");
    const [ada, bob] = [pair.ada.page, pair.bob.page];
    await say(ada, "A question");
    await openMenu(bob, "A question");
    await bob.getByRole("menuitem", { name: "Reply", exact: true }).click();
    await hurry(bob, 2_500);
    await schedule(bob, "An answer", Date.now() + DAY_MS);
    await openMenu(ada, "A question");
    await ada.getByRole("menuitem", { name: "Delete" }).click();
    await ada.locator('.line[data-state="deleted"]').waitFor();
    await ada.evaluate("dispatchEvent(new Event('pagehide'))");
    await expect.poll(listed(bob), { timeout: 20_000 }).toMatch(/Not sent .*: what it refers to is gone/);
    await openList(bob);
    await bob.getByRole("button", { name: "Discard: An answer" }).click();
    await list(bob).getByText("Nothing waits to be sent.").waitFor();
  });
});
