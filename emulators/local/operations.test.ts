import { describe, expect, test } from "vitest";
import { hasBrowser, openOperations, shareStage } from "../../page/testing.ts";

describe.skipIf(!hasBrowser)("the suite's part of the operations page", () => {
  const stage = shareStage();

  test("shows a message as a waterfall of one trace, with attributes and log lines", async () => {
    const chat = (await (await stage.api("POST", "/chats", { kind: "assistant" })).json()) as {
      number: number;
    };
    await stage.api("POST", `/chats/${chat.number}/messages`, { text: "What is 2+3?" });
    await using visitor = await stage.visit();
    const { page, complaints } = visitor;
    await openOperations(page, "Traces");
    const trace = page.locator(".trace-list button", { hasText: "{chat}/messages" });
    await trace.first().click();
    for (const name of ["Firestore Commit", "publish chat-changes", "on-chat-changed", "answer-fast"]) {
      await page.locator(".span-row", { hasText: name }).first().waitFor();
    }
    await page.locator(".span-row", { hasText: /chat emulated-small\s*answer-/ }).click();
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
    await openOperations(visitor.page, "Traces");
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
    await openOperations(page, "Dashboard");
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
});
