import { describe, expect, test } from "vitest";
import { hasBrowser, lookNow, openOperations, shareStage } from "../testing.ts";

describe.skipIf(!hasBrowser)("the operations page", () => {
  const stage = shareStage();

  test("lists what was given up, shows it, delivers it again and lets it go", async () => {
    await stage.publish("chat-changes", { poison: "planted" });
    await using visitor = await stage.visit();
    const { page, complaints } = visitor;
    await openOperations(page, "Dead letters");
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
