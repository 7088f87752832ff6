import { expect, test } from "vitest";
import type { ExportedMessage } from "../contract.ts";
import { chatPage } from "./chat-page.ts";
import { dataPage } from "./data-page.ts";
import { indexPage } from "./index-page.ts";

const MANNER = { language: "en", timeZone: "Etc/UTC" };
const AT = "2026-03-04T05:06:07.000Z";
const HOSTILE = `<img src=x onerror=alert(1)>"'&</script><script>alert(2)</script>\u0000`;

const message = (fields: Partial<ExportedMessage>): ExportedMessage => ({
  id: "m",
  number: 1,
  revision: 1,
  branch: "main",
  parent: null,
  sender: { id: "ada" },
  role: "user",
  text: "",
  parts: [],
  status: "complete",
  reactions: {},
  createdAt: AT,
  ...fields,
});

const pageOf = (messages: ExportedMessage[], title = "Plans"): string =>
  chatPage({
    chat: { number: 7, title, kind: "group", messagesCount: messages.length },
    part: 1,
    messages,
    isLast: true,
    nameOf: (id) => (id === "ada" ? HOSTILE : id),
    manner: MANNER,
  }).toString();

/** What is markup in a page: nothing that somebody has written may be. */
const tagsOf = (page: string): string[] => page.match(/<(?:script|img|b|a|iframe)\b[^>]*>/g) ?? [];

test("whatever people write is text, wherever it stands", () => {
  const file = {
    id: "f",
    name: HOSTILE,
    type: "image/png",
    size: 1,
    status: "ready" as const,
    createdAt: AT,
  };
  const page = pageOf(
    [
      message({
        text: HOSTILE,
        parts: [
          { type: "text", text: HOSTILE },
          { type: "quote", message: 1, sender: { id: "ada" }, text: HOSTILE },
          { type: "forward", chat: 1, message: 1, sender: { model: HOSTILE }, text: HOSTILE, createdAt: AT },
          { type: "image", file: "f" },
        ],
        files: [file],
        attachments: [{ file: "f", path: "chats/7/files/1/1-a b#?.png" }],
        reactions: { "👍": ["ada"] },
        edits: [
          { text: HOSTILE, revision: 1, createdAt: AT },
          { text: HOSTILE, revision: 2, createdAt: AT },
        ],
        thinking: { text: HOSTILE, tokens: 1 },
      }),
      message({ number: 2, event: { type: "renamed", title: HOSTILE } }),
    ],
    HOSTILE,
  );
  const tags = tagsOf(page);
  expect(tags.filter((tag) => tag.startsWith("<script"))).toEqual(["<script>"]);
  expect(tags.filter((tag) => tag.startsWith("<img"))).toEqual([
    '<img loading="lazy" src="../../chats/7/files/1/1-a%20b%23%3F.png" alt="">',
  ]);
  expect(page).not.toContain("\u0000");
  for (const other of [
    dataPage("Profile", { name: HOSTILE, [HOSTILE]: [HOSTILE] }).toString(),
    indexPage({
      title: HOSTILE,
      begunAt: AT,
      part: 1,
      rows: [{ number: 1, title: HOSTILE, messages: 1, latestAt: AT }],
      isLast: true,
      besides: [],
      manner: MANNER,
    }).toString(),
  ]) {
    expect(tagsOf(other).filter((tag) => /^<(?:script|img)/.test(tag))).toEqual(["<script>"]);
  }
});

test("nothing that was written may run, and nothing is loaded from elsewhere", () => {
  const [, policy = ""] = /Content-Security-Policy" content="([^"]+)"/.exec(pageOf([])) ?? [];
  expect(policy).toContain("default-src &#39;none&#39;");
  expect(policy).not.toMatch(/unsafe|https?:/);
});

test("what was deleted or is withheld says so, and nothing else", () => {
  const page = pageOf([
    message({ status: "deleted", text: "gone", parts: [{ type: "text", text: "gone" }] }),
    message({ number: 2, hidden: true, parts: [{ type: "text", text: "withheld words" }] }),
  ]);
  expect(page).toContain("Deleted.");
  expect(page).toContain("Withheld by a moderator.");
  expect(page).not.toContain("withheld words");
});

test("texts of any direction stand by themselves, and a branch says what it follows", () => {
  const page = pageOf([
    message({ parts: [{ type: "text", text: "سلام" }] }),
    message({ number: 4, branch: "b4", parent: 1, parts: [{ type: "text", text: "Otherwise" }] }),
  ]);
  expect(page).toContain('<p class="text" dir="auto">سلام</p>');
  expect(page).toContain('follows <a href="#m1">1</a>');
});
