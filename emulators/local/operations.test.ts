import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CHROMIUM, hasBrowser, lookNow, openStage, type Stage } from "./testing.ts";

if (!hasBrowser)
  console.warn(`The tests of operations are skipped: there is no browser at ${CHROMIUM}. Set CHROMIUM.`);

describe.skipIf(!hasBrowser)("the operations page", () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
  });
  afterAll(() => stage?.close());

  /** The page at one of its tabs, from the link on the first page. */
  async function open(page: Page, tab: string): Promise<void> {
    await page.getByRole("link", { name: "Operations" }).click();
    await page.getByRole("tab", { name: tab }).click();
  }

  test("shows a message as a waterfall of one trace, with attributes and log lines", async () => {
    const chat = (await (await stage.api("POST", "/chats", { kind: "assistant" })).json()) as {
      number: number;
    };
    await stage.api("POST", `/chats/${chat.number}/messages`, { text: "What is 2+3?" });
    await using visitor = await stage.visit();
    const { page, complaints } = visitor;
    await open(page, "Traces");
    const trace = page.locator(".trace-list button", { hasText: "{chat}/messages" });
    await trace.first().click();
    for (const name of ["Firestore Commit", "publish chat-changes", "on-chat-changed", "answer-fast"]) {
      await page.locator(".span-row", { hasText: name }).first().waitFor();
    }
    await page.locator(".span-row", { hasText: "chat emulated-small" }).click();
    const details = page.locator(".span-details:visible");
    expect(await details.textContent()).toContain("gen_ai.request.modelemulated-small");
    expect(await details.textContent()).toContain("parentanswer-fast");
    await page.locator(".trace-lines li", { hasText: "answer-fast done" }).waitFor();
    expect(complaints).toEqual([]);
  });

  test("is led to from a log line, to its trace", async () => {
    await stage.api("GET", "/users?limit=2");
    await using visitor = await stage.visit();
    const { page, complaints } = visitor;
    await page.getByRole("tab", { name: "Logs" }).click();
    const line = page.locator(".log-lines li", { hasText: "GET /v1/apps/{app}/users 200" }).first();
    await line.locator("summary").click();
    await line.getByRole("link", { name: "Show its trace" }).click();
    await page.locator(".trace-detail h2", { hasText: "GET /v1/apps/{app}/users" }).waitFor();
    expect(complaints).toEqual([]);
  });

  test("finds a trace by its name", async () => {
    await stage.api("GET", "/users?limit=3");
    await using visitor = await stage.visit();
    await open(visitor.page, "Traces");
    await visitor.page.getByLabel("Only traces whose name has").fill("apps/{app}/users");
    const names = visitor.page.locator(".trace-list .trace-name");
    await names.first().waitFor();
    await expect
      .poll(async () => new Set(await names.allTextContents()))
      .toEqual(new Set(["GET /v1/apps/{app}/users"]));
  });

  test("shows figures for each endpoint, what waits, and runs a schedule", async () => {
    await using visitor = await stage.visit();
    const { page, complaints } = visitor;
    await open(page, "Dashboard");
    await page.locator("tr", { hasText: "POST /v1/apps/{app}/chats/{chat}/messages" }).waitFor();
    await page.locator(".tile", { hasText: "p99" }).waitFor();
    await page.locator("table", { hasText: "Models that have failed" }).waitFor();
    const schedule = page.locator("tr", { hasText: "recover-jobs" });
    await schedule.getByRole("button", { name: "Run recover-jobs now" }).click();
    await page.getByText("“recover-jobs” has run.").waitFor();
    await page
      .locator("table", { hasText: "Background" })
      .locator("tr", { hasText: "recover-jobs" })
      .waitFor();
    expect(complaints).toEqual([]);
  });

  test("lists what was given up, shows it, delivers it again and lets it go", async () => {
    await stage.publish("chat-changes", { poison: "planted" });
    await using visitor = await stage.visit();
    const { page, complaints } = visitor;
    await open(page, "Dead letters");
    const letter = page.locator("tr", { hasText: "invalid_request" });
    await letter.waitFor();
    await letter.getByRole("button", { name: "Inspect" }).click();
    expect(await page.getByRole("dialog").textContent()).toContain("planted");
    await page.getByRole("button", { name: "Close" }).click();
    await letter.getByRole("button", { name: "Replay" }).click();
    await page.getByText("It is delivered again.").waitFor();
    await expect
      .poll(async () => {
        await lookNow(page);
        return letter.textContent();
      })
      .toContain("2 times");
    await page.getByRole("button", { name: "Replay all" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Replay all" }).click();
    await page.locator("table", { hasText: "Jobs" }).locator("tr", { hasText: "completed" }).waitFor();
    await expect
      .poll(async () => {
        await lookNow(page);
        return letter.textContent();
      })
      .toContain("3 times");
    await letter.getByRole("button", { name: "Discard" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Discard" }).click();
    await page.locator("tr", { hasText: "discarded" }).waitFor();
    expect(complaints).toEqual([]);
  });
});
