import { expect, test } from "vitest";
import type { Chat } from "../chat/contract.ts";
import { type ChatSettings, createChatHeads } from "./chat-heads.ts";

const CHAT: Chat = {
  number: 1,
  kind: "assistant",
  title: "Ferries",
  titleBy: "model",
  members: ["me"],
  createdBy: "me",
  tags: [],
  model: "small",
  instructions: "Be kind.",
  temperature: 0,
  temporary: false,
  revision: 3,
  messagesCount: 0,
  unreadCount: 0,
  readThrough: 0,
  mentioned: false,
  pinnedMessages: [],
  activeBranch: "main",
  branchesCount: 1,
  archived: false,
  pinned: false,
  notify: "all",
  markedUnread: false,
  createdAt: "2026-11-01T00:00:00.000Z",
  latestAt: "2026-11-01T00:00:00.000Z",
  updatedAt: "2026-11-01T00:00:00.000Z",
};

const settings = (changes: Partial<ChatSettings>): ChatSettings => ({
  chat: 1,
  revision: 4,
  title: "Ferries",
  titleBy: "model",
  tags: [],
  members: ["me"],
  activeBranch: "main",
  branchesCount: 1,
  ...changes,
});

function headAfter(...told: readonly Partial<ChatSettings>[]): Chat | undefined {
  const heads = createChatHeads("me", () => undefined);
  heads.take(CHAT);
  for (const changes of told) heads.takeSettings(settings(changes));
  return heads.get(1);
}

test("settings that are told take the place of those that were known, and null takes them back", () => {
  expect(headAfter({ model: "large", instructions: "Rhyme.", temperature: 1.5 })).toMatchObject({
    model: "large",
    instructions: "Rhyme.",
    temperature: 1.5,
  });
  const without = headAfter({ model: null, instructions: null, temperature: null, titleBy: "person" });
  expect(without).toMatchObject({ titleBy: "person", revision: 4 });
  for (const name of ["model", "instructions", "temperature"]) expect(without).not.toHaveProperty(name);
});

test("what an older server does not tell stays as it is known", () => {
  expect(headAfter({ title: "Boats" })).toMatchObject({ ...CHAT, title: "Boats", revision: 4 });
});

test("an older change that comes later changes nothing", () => {
  expect(headAfter({ revision: 6, model: null }, { revision: 5, model: "large" })).not.toHaveProperty(
    "model",
  );
});
