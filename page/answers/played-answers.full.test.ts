import type { ServerResponse } from "node:http";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  ENDED,
  type OwnProvider,
  refuse,
  sse,
  startProvider,
  thought,
  word,
} from "../../shared/testing/own-provider.ts";
import { createAssistantChat, enter, hasBrowser, shareStage, submit } from "../testing.ts";

const THOUGHTS = "The tide <b>turns</b> twice a day.";

const endedBy = (reason: string) => ({ choices: [{ index: 0, delta: {}, finish_reason: reason }] });
const thinking = (page: Page) => page.locator(".thinking");
const answer = (page: Page) => page.locator('.line:not([data-mine="true"])');

/** Answers whose every piece the test gives. */
describe.skipIf(!hasBrowser)("an answer in the page", () => {
  let provider: OwnProvider;
  beforeAll(async () => {
    provider = await startProvider();
  });
  const stage = shareStage(() => ({
    MODEL_BASE_URL: provider.baseUrl,
    MODEL_API_KEY: "local",
    MODEL_FAST: "played",
    MODEL_SLOW: "played",
  }));
  afterAll(() => provider?.[Symbol.asyncDispose]());

  /**
   * The reply to this question, to be written piece by piece. Others, such as what a title is, are greeted.
   */
  const replyTo = (question: string) => {
    const { promise, resolve } = Promise.withResolvers<ServerResponse>();
    provider.answer(({ messages }, response) => {
      if (messages.at(-1)?.content === question) resolve(response);
      else response.end(sse(word("Hello"), ENDED));
    });
    return promise;
  };

  test("shows what the model thinks as it comes, folded, as text, and keeps it", async () => {
    await using visitor = await stage.visit();
    const { page, complaints } = visitor;
    await enter(page, "thinker@example.com");
    await createAssistantChat(page);
    const question = "When is high water?";
    const asked = replyTo(question);
    await submit(page, question);
    const reply = await asked;
    reply.write(sse(thought(THOUGHTS.slice(0, 15))));
    const summary = page.getByText("Thinking …");
    await summary.waitFor();
    expect(await thinking(page).locator(".thoughts").isVisible()).toBe(false);
    await summary.focus();
    await page.keyboard.press("Enter");
    const thoughts = page.locator(".thoughts");
    await expect.poll(() => thoughts.textContent()).toBe(THOUGHTS.slice(0, 15));
    reply.write(sse(thought(THOUGHTS.slice(15))));
    await expect.poll(() => thoughts.textContent()).toBe(THOUGHTS);
    reply.write(sse(word("At nine.")));
    await page.getByText("Thought for a while").waitFor();
    reply.end(sse(ENDED));
    await page.locator('.line[data-state="complete"]', { hasText: "At nine." }).waitFor();
    // It was unfolded, and stays so when the answer is finished.
    expect(await thoughts.isVisible()).toBe(true);
    expect(await thinking(page).locator("b").count()).toBe(0);
    expect(await page.evaluate<string>("document.activeElement.textContent")).toBe("Thought for a while");
    await page.reload();
    await page.getByText("Thought for a while").waitFor();
    expect([await thoughts.isVisible(), await thoughts.textContent()]).toEqual([false, THOUGHTS]);
    expect(complaints).toEqual([]);
  });

  test("shows nothing of thinking where there was none", async () => {
    await using visitor = await stage.visit();
    const { page } = visitor;
    await enter(page, "plain@example.com");
    await createAssistantChat(page);
    await submit(page, "Good morning");
    await page.locator('.line[data-state="complete"]', { hasText: "Hello" }).waitFor();
    expect(await thinking(page).count()).toBe(0);
    expect(await page.locator(".ending").count()).toBe(0);
  });

  test("says that it was cut off or held back, and can be given again", async () => {
    await using visitor = await stage.visit();
    const { page, complaints } = visitor;
    await enter(page, "cut@example.com");
    await createAssistantChat(page);
    const question = "Tell a long story";
    let asked = replyTo(question);
    await submit(page, question);
    (await asked).end(sse(word("Once upon a"), endedBy("length")));
    await page.getByText("The answer is cut off here").waitFor();
    asked = replyTo(question);
    expect(await page.getByRole("button", { name: "Answer again" }).count()).toBe(1);
    await page.getByRole("button", { name: "Answer again" }).click();
    (await asked).end(sse(word("Twice"), endedBy("content_filter")));
    await page.getByText("held the rest of this answer back").waitFor();
    await page.locator(".pager", { hasText: "2/2" }).waitFor();
    expect(complaints).toEqual([]);
  });

  test("says that thinking left no room for an answer, without an empty bubble", async () => {
    await using visitor = await stage.visit();
    const { page } = visitor;
    await enter(page, "pondering@example.com");
    await createAssistantChat(page);
    const question = "What is the last digit of pi?";
    const asked = replyTo(question);
    await submit(page, question);
    (await asked).end(sse(thought("Hmm."), endedBy("length")));
    await page.getByText("had no room left to answer").waitFor();
    expect(await answer(page).locator(".bubble").isVisible()).toBe(false);
  });

  test("that failed says why, and is not tried again where that can't help", async () => {
    await using visitor = await stage.visit();
    const { page } = visitor;
    await enter(page, "refused@example.com");
    await createAssistantChat(page);
    provider.answer((_, response) => refuse(response, 400, "This can't be read."));
    await submit(page, "Is this valid?");
    const failed = page.locator('.line[data-state="failed"]');
    await failed.getByText("The model could not take this question.").waitFor();
    expect(await failed.getByRole("button", { name: "Try again" }).count()).toBe(0);
    expect(await failed.locator(".stand-in").count()).toBe(0);
  });
});
