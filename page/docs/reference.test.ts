import { describe, expect, test } from "vitest";
import { hasBrowser, shareStage } from "../testing.ts";

const SCROLLED_PX = 400;

describe.skipIf(!hasBrowser)("the reference", () => {
  const stage = shareStage();

  test("shows every route, opens one, and takes nothing from elsewhere", { timeout: 90_000 }, async () => {
    await using visitor = await stage.visit();
    const { page, complaints } = visitor;
    const asked: string[] = [];
    page.on("request", (request) => asked.push(request.url()));
    await page.goto(new URL("/docs", page.url()).href);
    const description = await (await page.request.get(new URL("/v1/openapi.json", page.url()).href)).json();
    const operations = Object.entries(description.paths as Record<string, object>).flatMap(
      ([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    // Of a long list only what is to be seen is in the document.
    await page.locator(".opblock").first().waitFor();
    const shown = new Set<string>();
    const look = async (): Promise<number> => {
      for (const words of await page.locator(".opblock-summary").allInnerTexts()) {
        const [method = "", path = ""] = words.split(/\s+/);
        shown.add(`${method} ${path.replaceAll("\u200b", "")}`);
      }
      await page.mouse.wheel(0, SCROLLED_PX);
      return operations.filter((each) => !shown.has(each)).length;
    };
    await expect.poll(look, { interval: 50, timeout: 60_000 }).toBe(0);
    await page.getByPlaceholder("Filter by tag or path").fill("/messages");
    await page.getByText("Posts a message, or schedules one.").click();
    await expect.poll(() => page.getByText("Needs the permission message:write.").isVisible()).toBe(true);
    const { origin } = new URL(page.url());
    expect(asked.filter((url) => !url.startsWith(origin) && !url.startsWith("data:"))).toEqual([]);
    expect(complaints).toEqual([]);
  });
});
