import sharp from "sharp";
import { beforeEach, describe, expect, test, vi } from "vitest";
import type { Message } from "../../../shared/chat/contract.ts";
import { ENDED, refuse, sse, startProvider, word } from "../../../shared/testing/own-provider.ts";
import { pdfOf } from "../../../shared/testing/pdf.ts";
import { type FileDraft, uploadFile } from "../../../shared/testing/upload-file.ts";
import { usePeople, useResource, useSystem } from "../../../shared/testing/use-system.ts";

/** What models are given of the files in a conversation, and what is told of it. */

const provider = useResource(startProvider);
const MODELS = [{ id: "sees", images: true }, { id: "reads" }, { id: "small", windowTokens: 2_000 }];
const system = useSystem(() => ({
  env: {
    MODEL_BASE_URL: provider.baseUrl,
    MODEL_FAST: "reads",
    MODEL_SLOW: "reads",
    MODELS: JSON.stringify(MODELS),
  },
}));
const [ada] = usePeople(system, "ada@given.test");
beforeEach(() => {
  provider.calls.length = 0;
  provider.answer((_, response) => response.end(sse(word("Seen"), ENDED)));
});

const photo = async (width = 40, height = 20): Promise<FileDraft> => ({
  name: "photo.png",
  type: "image/png",
  bytes: await sharp({ create: { width, height, channels: 3, background: "teal" } })
    .png()
    .toBuffer(),
});
const pdf: FileDraft = {
  name: "menu.pdf",
  type: "application/pdf",
  bytes: pdfOf(["Monday: lentils", "Tuesday: rice"]),
};
const notes = (text: string): FileDraft => ({
  name: "notes.md",
  type: "text/markdown",
  bytes: Buffer.from(text),
});

const chats = "/v1/apps/demo/chats";
async function chatWith(model: string): Promise<string> {
  const { body } = await ada.api.post(chats, { kind: "assistant", title: "Files", model });
  return `${chats}/${body.number}`;
}

async function ready(draft: FileDraft): Promise<string> {
  const { id } = await uploadFile(ada.api, draft);
  await system.settle();
  return id;
}

/** Asks, and waits until the answer has ended. */
async function ask(chat: string, body: object): Promise<Message> {
  const { body: question } = await ada.api.post(`${chat}/messages`, body);
  return ended(chat, question.answer.number);
}

const ended = (chat: string, number: number): Promise<Message> =>
  vi.waitUntil(
    async () => {
      const { body } = await ada.api.get(`${chat}/messages/${number}`);
      return body.status !== "queued" && body.status !== "streaming" && (body as Message);
    },
    { interval: 10, timeout: 60_000 },
  );

type Content = string | readonly { type: string; text?: string; image_url?: { url: string } }[];
/** What a model was given as its last question. */
const contentOf = (model: string): Content =>
  provider.callsTo(model).at(-1)?.messages.at(-1)?.content as unknown as Content;
const textOf = (content: Content): string =>
  typeof content === "string" ? content : content.map(({ text }) => text ?? "").join("");
const imagesOf = (content: Content): string[] =>
  typeof content === "string" ? [] : content.flatMap(({ image_url: image }) => image?.url ?? []);

describe("an image", { timeout: 60_000 }, () => {
  test("is shown to a model that sees, small and as JPEG, and the answer says so", async () => {
    const chat = await chatWith("sees");
    const id = await ready(await photo(3_000, 1_500));
    const answer = await ask(chat, { text: "What is this?", files: [id] });
    const content = contentOf("sees");
    expect(textOf(content)).toBe("What is this?\n\n[File: photo.png (image/png)]");
    const [url = ""] = imagesOf(content);
    expect(url).toMatch(/^data:image\/jpeg;base64,/);
    const bytes = Buffer.from(url.slice(url.indexOf(",") + 1), "base64");
    expect(await sharp(bytes).metadata()).toMatchObject({ format: "jpeg", width: 1024, height: 512 });
    expect(answer).toMatchObject({ status: "complete", given: [{ file: id, as: "image" }] });
    expect(answer.usage?.inputTokens).toBeGreaterThan(700);
  });

  test("is named to a model that does not see", async () => {
    const chat = await chatWith("reads");
    const answer = await ask(chat, { text: "What is this?", files: [await ready(await photo())] });
    expect(contentOf("reads")).toBe(
      "What is this?\n\n[File: photo.png (image/png)]\n\n[The images of this message are not shown to you.]",
    );
    expect(answer.given).toBeUndefined();
  });

  test("stays in view for the questions that follow, until it is deleted", async () => {
    const chat = await chatWith("sees");
    const id = await ready(await photo());
    await ask(chat, { files: [id] });
    await ask(chat, { text: "And now?" });
    const images = (): number =>
      (provider.callsTo("sees").at(-1)?.messages ?? []).flatMap(({ content }) =>
        imagesOf(content as unknown as Content),
      ).length;
    expect(images()).toBe(1);
    await ada.api.delete(`/v1/apps/demo/files/${id}`);
    await ask(chat, { text: "And after that?" });
    expect(images()).toBe(0);
  });

  test("that a provider refuses ends the question with words, and no later one", async () => {
    const chat = await chatWith("sees");
    provider.answer(({ messages, model }, response) => {
      const hasImage = model === "reads" || messages.some(({ content }) => typeof content !== "string");
      if (hasImage) refuse(response, 400, "This model does not take image_url.");
      else response.end(sse(word("Hello"), ENDED));
    });
    const answer = await ask(chat, { text: "What is this?", files: [await ready(await photo())] });
    expect(answer).toMatchObject({ status: "failed", error: { code: "images" } });
    const later = await ask(chat, { text: "Never mind. How are you?" });
    expect(later).toMatchObject({ status: "complete", text: "Hello" });
    expect(later.given).toBeUndefined();
  });

  test("of the same name is not answered as another was", async () => {
    await system.operator.patch("/v1/apps/demo", { settings: { assistant: { cache: "person" } } });
    const first = await ready(await photo());
    await ask(await chatWith("sees"), { text: "Which colour?", files: [first] });
    provider.answer((_, response) => refuse(response, 500, "Down."));
    const chat = await chatWith("sees");
    const second = await ready(await photo(50, 50));
    const { body } = await ada.api.post(`${chat}/messages`, { text: "Which colour?", files: [second] });
    await expect
      .poll(async () => (await ada.api.get(`${chat}/messages/${body.answer.number}`)).body.served?.as)
      .toBe("queued");
    await ada.api.delete(`${chat}/messages/${body.answer.number}/answer`);
    await system.operator.patch("/v1/apps/demo", { settings: { assistant: { cache: "off" } } });
  });
});

describe("a text", { timeout: 60_000 }, () => {
  test("is read out of a PDF, and out of a text as it is", async () => {
    const chat = await chatWith("reads");
    const files = [await ready(pdf), await ready(notes("# Notes\nBuy *lentils*."))];
    const answer = await ask(chat, { text: "What is for lunch?", files });
    expect(contentOf("reads")).toBe(
      "What is for lunch?\n\n" +
        "[File: menu.pdf (application/pdf)]\nMonday: lentils\n\nTuesday: rice\n[End of menu.pdf]\n\n" +
        "[File: notes.md (text/markdown)]\n# Notes\nBuy *lentils*.\n[End of notes.md]",
    );
    expect(answer.given).toEqual(files.map((file) => ({ file, as: "text" })));
  });

  test("longer than its share of the window is given from its beginning, and said to go on", async () => {
    const chat = await chatWith("small");
    const id = await ready(notes("One more line of the notes.\n".repeat(2_000)));
    const answer = await ask(chat, { text: "Sum it up.", files: [id] });
    const content = textOf(contentOf("small"));
    expect(content.startsWith("Sum it up.")).toBe(true);
    expect(content.endsWith("[notes.md goes on; only its beginning is given.]")).toBe(true);
    expect(answer).toMatchObject({ status: "complete", given: [{ file: id, as: "text", cut: true }] });
    expect(answer.usage?.inputTokens).toBeLessThan(1_000);
  });

  test("of what holds none is left out", async () => {
    const chat = await chatWith("reads");
    const id = await ready({
      name: "a.bin",
      type: "application/octet-stream",
      bytes: Buffer.from([0, 1, 2]),
    });
    const answer = await ask(chat, { text: "What is this?", files: [id] });
    expect(contentOf("reads")).toBe("What is this?\n\n[File: a.bin (application/octet-stream)]");
    expect(answer.given).toBeUndefined();
  });
});

test("a question waits for its files to be checked", { timeout: 60_000 }, async () => {
  const chat = await chatWith("reads");
  const { promise: until, resolve: release } = Promise.withResolvers<void>();
  system.fault({ service: "pubsub", method: "Push", kind: "held", until, match: system.project });
  const { id } = await uploadFile(ada.api, notes("Late notes"));
  const { body: question } = await ada.api.post(`${chat}/messages`, { text: "What is new?", files: [id] });
  expect(provider.calls).toEqual([]);
  release();
  const answer = await ended(chat, question.answer.number);
  expect(textOf(contentOf("reads"))).toContain("Late notes");
  expect(answer.given).toEqual([{ file: id, as: "text" }]);
  system.clearFaults();
});
