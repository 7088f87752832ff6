import { readFile } from "node:fs/promises";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { readArchive } from "../../shared/testing/read-archive.ts";
import { enter, hasBrowser, say, shareStage } from "../testing.ts";

/** Where the pictures go that whoever changes the page looks at; none by default. */
const PICTURES = process.env["PICTURES"];

/** Runs in the browser. */
const directionOf = (element: unknown): string => {
  const { getComputedStyle } = globalThis as unknown as {
    getComputedStyle(of: unknown): { readonly direction: string };
  };
  return getComputedStyle(element).direction;
};

describe.skipIf(!hasBrowser)("taking out one's data", () => {
  const stage = shareStage();

  test("begins in the account, tells when it is ready, and is an archive that reads by itself", async () => {
    await using both = await stage.pair("Plans");
    const { page, context, complaints } = both.ada;
    await say(page, "Let us meet <b>at noon</b>");
    await say(both.bob.page, "سأكون هناك في الظهر");
    await page.locator(".line", { hasText: "الظهر" }).waitFor();
    await page.getByRole("button", { name: "Account" }).click();
    await picture("export-before");
    await page.getByRole("button", { name: "Export my data" }).click();
    const row = page.getByRole("list", { name: "Exports" }).getByRole("listitem");
    await row.filter({ hasText: "Ready" }).waitFor({ timeout: 60_000 });
    await picture("export-ready");
    const [download] = await Promise.all([
      page.waitForEvent("download", { timeout: 60_000 }),
      page.getByRole("button", { name: "Download" }).click(),
    ]);
    expect(download.suggestedFilename()).toMatch(/^demo-\d{4}-\d\d-\d\d\.zip$/);
    const archive = await readArchive(await readFile(await download.path()));
    const folder = mkdtempSync(join(tmpdir(), "export-"));
    for (const [name, bytes] of archive) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), bytes);
    }
    const reader = await context.newPage();
    const refused: string[] = [];
    reader.on("console", (line) => line.type() === "error" && refused.push(line.text()));
    await reader.goto(pathToFileURL(join(folder, "index.html")).href);
    await reader.getByRole("link", { name: "Plans" }).click();
    await reader.getByText("Let us meet <b>at noon</b>").waitFor();
    const arabic = reader.getByText("سأكون هناك في الظهر");
    expect(await arabic.evaluate(directionOf)).toBe("rtl");
    await pictureOf(reader, "export-chat");
    await reader.getByRole("searchbox").fill("noon");
    expect(await arabic.isVisible()).toBe(false);
    await reader.setViewportSize({ width: 320, height: 640 });
    await reader.getByRole("searchbox").fill("");
    expect(await reader.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(320);
    await reader.emulateMedia({ colorScheme: "dark" });
    await pictureOf(reader, "export-chat-narrow-dark");
    await reader.getByRole("link", { name: "All chats" }).first().click();
    await reader.getByRole("link", { name: "Profile" }).click();
    await pictureOf(reader, "export-profile");
    rmSync(folder, { recursive: true });
    expect([...complaints, ...refused]).toEqual([]);

    async function picture(name: string): Promise<void> {
      await pictureOf(page, name);
    }
  });

  test("is shown whole on a phone", async () => {
    await using visitor = await stage.visit({ width: 320, height: 640 });
    const { page } = visitor;
    await enter(page, "exports@example.com");
    await page.getByRole("button", { name: "Account" }).click();
    await page.getByRole("button", { name: "Export my data" }).scrollIntoViewIfNeeded();
    await pictureOf(page, "export-phone");
    const box = await page.getByRole("button", { name: "Export my data" }).boundingBox();
    expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(320);
  });

  async function pictureOf(
    page: Awaited<ReturnType<typeof stage.visit>>["page"],
    name: string,
  ): Promise<void> {
    if (PICTURES === undefined) return;
    mkdirSync(PICTURES, { recursive: true });
    await page.screenshot({ path: `${PICTURES}/${name}.png`, fullPage: true });
  }
});
