import { type ChatHandle, chatHandle } from "../../chat/chat-handle.ts";
import type { ChatHead } from "../../chat/log/head.ts";
import { latestAtOf } from "../../chat/log/crowd-times.ts";
import { readDraft, readThreadDraft } from "../../chat/own/draft.ts";
import { chatAfter, headOf, readHead } from "../../chat/store.ts";
import { readFile } from "../../files/store.ts";
import { type ExportedChat, type ExportedMessage, exportPaths } from "../contract.ts";
import { type ExportContext, mayHold, sightOf, titleOf, viewOf } from "../export-context.ts";
import { chatPage } from "../html/chat-page.ts";
import { type ChatPlace, type ChatsPlace, jsonBytes, type Output, type Place, type Turn } from "../turn.ts";
import { filesOfPage, readPage, rememberFiles } from "./read-page.ts";
import { writeFile } from "./write-file.ts";

/** Numbers of chats that one turn looks at for one that there is. */
const LOOK_MAX = 50;

/**
 * Writes chats one after the other: what a chat is, its messages a page at a time, after each page its files.
 * A chat is what it was when its turn came: messages that come later are left out. Whether the reader is in
 * it is looked at before every page and every stretch of a file.
 */
export const turnOfChats: Turn<ChatsPlace> = async (context, place, output) => {
  const { chat } = place;
  if (chat === undefined) return { place: await beginNext(context, place, output) };
  const handle = chatHandle(context.app, chat.number);
  const head = headOf(await readHead(handle));
  if (!mayHold(context, head)) return { place: await cut(context, place, chat, output) };
  if (chat.files !== undefined) return { place: await nextFile(context, place, { chat, head, output }) };
  return { place: await nextPage(context, place, { chat, head, output }) };
};

/** Finds the next chat and writes what it is. */
async function beginNext(context: ExportContext, place: ChatsPlace, output: Output): Promise<Place> {
  const { head, after } = await findNext(context, place.after);
  if (head === undefined) {
    if (after !== null) return { stage: "chats", after };
    return context.scope === "app" ? { stage: "index", part: 0, page: 1, rows: 0 } : { stage: "files" };
  }
  const title = await titleOf(context, head);
  const { writer, rows, counts } = output;
  await writer.add(exportPaths.chat(head.number), jsonBytes(await exportedOf(context, head)));
  const latestAt = latestAtOf(head).toDate().toISOString();
  rows.push({ number: head.number, title, messages: head.lastNumber, latestAt });
  counts.chats += 1;
  const sight = head.sees?.[sightOf(context)];
  const first = sight !== undefined && "after" in sight ? sight.after + 1 : 1;
  const chat: ChatPlace = { number: head.number, title, last: head.lastNumber, next: first, page: 1 };
  return nextPage(context, place, { chat, head, output });
}

/** `after`: the last number that was looked at, where the turn is over before a chat was found. */
async function findNext(
  context: ExportContext,
  after: number | null,
): Promise<{ readonly head?: ChatHead; readonly after: number | null }> {
  const { app, scope, person, appHead } = context;
  if (scope === "person") {
    const head = await chatAfter(app, person, after);
    return { ...(head === undefined ? {} : { head }), after: null };
  }
  let number = after ?? 0;
  for (let looks = 0; looks < LOOK_MAX; looks += 1) {
    number += 1;
    if (number > appHead.lastChatNumber) return { after: null };
    const head = headOf(await readHead(chatHandle(app, number)));
    if (mayHold(context, head)) return { head, after: number };
  }
  return { after: number };
}

async function exportedOf(context: ExportContext, head: ChatHead): Promise<ExportedChat> {
  const view = await viewOf(context, head);
  const { list: people } = await context.namesOf(head.members);
  const own = (await context.own())?.of(head.number);
  const handle = chatHandle(context.app, head.number);
  const threads = Object.entries(own?.threadDrafts ?? {});
  const threadDrafts = await Promise.all(
    threads.map(async ([message, { text, at, isCut }]) => ({
      message: Number(message),
      text: isCut ? await wholeThreadDraft(context, handle, { message, text }) : text,
      updatedAt: at.toDate().toISOString(),
    })),
  );
  const { draft } = view;
  return {
    ...view,
    ...(draft?.cut === true
      ? {
          draft: {
            text: (await readDraft(handle, context.person)) ?? draft.text,
            updatedAt: draft.updatedAt,
          },
        }
      : {}),
    ...(threadDrafts.length === 0 ? {} : { threadDrafts }),
    people,
  };
}

const wholeThreadDraft = async (
  { person }: ExportContext,
  chat: ChatHandle,
  { message, text }: { readonly message: string; readonly text: string },
): Promise<string> => (await readThreadDraft(chat, person, Number(message))) ?? text;

interface InChat {
  readonly chat: ChatPlace;
  readonly head: ChatHead;
  readonly output: Output;
}

async function nextPage(
  context: ExportContext,
  place: ChatsPlace,
  { chat, head, output: { writer, counts } }: InChat,
): Promise<Place> {
  const { number, page, title, last } = chat;
  const { messages, next } = await readPage(context, head, { from: chat.next, through: last });
  const names = await context.namesOf(peopleIn(messages));
  const isLast = next > last;
  const json = { chat: number, part: page, messages, people: names.list };
  if (messages.length > 0) {
    await writer.add(exportPaths.messages(number, page), Buffer.from(JSON.stringify(json)));
  }
  const shown = { number, title, kind: head.kind, messagesCount: last };
  const { manner } = context;
  const html = chatPage({ chat: shown, part: page, messages, isLast, nameOf: names.of, manner });
  await writer.add(exportPaths.page(number, page), html);
  counts.messages += messages.length;
  const after: ChatPlace = { number, title, last, next, page: page + 1 };
  const held = rememberFiles(context, { chat: number, from: chat.next }, messages);
  if (held.length === 0) return isLast ? done(number) : { ...place, chat: after };
  const files = { from: chat.next, through: next - 1, message: 0, index: 0 };
  return { ...place, chat: { ...after, files } };
}

const done = (number: number): Place => ({ stage: "chats", after: number });

/** Everybody who is named on a page. */
function peopleIn(messages: readonly ExportedMessage[]): Set<string> {
  const people = new Set<string>();
  const add = (sender: ExportedMessage["sender"]): void => {
    if ("id" in sender && sender.bot === undefined) people.add(sender.id);
  };
  for (const { sender, parts, reactions, event } of messages) {
    add(sender);
    for (const part of parts) if ("sender" in part) add(part.sender);
    for (const each of Object.values(reactions).flat()) people.add(each);
    if (event !== undefined && "user" in event) people.add(event.user);
  }
  return people;
}

/** Writes the next bytes of the files of the page before. */
async function nextFile(
  context: ExportContext,
  place: ChatsPlace,
  { chat, head, output }: InChat,
): Promise<Place> {
  const { files, ...rest } = chat;
  if (files === undefined) return { ...place, chat };
  const held = await filesOfPage(context, head, files);
  const { file: begun, ...at } = files;
  const next = held.find(
    ({ message, index }) => message > at.message || (message === at.message && index >= at.index),
  );
  const isSame = next?.message === at.message && next.index === at.index;
  if (begun !== undefined && !isSame) {
    // Its message was deleted while it was written.
    await output.writer.end();
    output.counts.lost += 1;
  }
  if (next === undefined) return rest.next > rest.last ? done(rest.number) : { ...place, chat: rest };
  const { message, index, id, path } = next;
  const { stored } = await readFile(context.app, id);
  const file = await writeFile(context, output, { id, stored, path, place: isSame ? begun : undefined });
  const reached = file === undefined ? { message, index: index + 1 } : { message, index, file };
  return { ...place, chat: { ...rest, files: { ...at, ...reached } } };
}

/** The reader has lost the chat, or it is no more: it ends where it has come to. */
async function cut(
  { manner }: ExportContext,
  place: ChatsPlace,
  chat: ChatPlace,
  { writer }: Output,
): Promise<Place> {
  const { number, title, last, page, next, files } = chat;
  if (files?.file !== undefined) await writer.end();
  await writer.add(exportPaths.cut(number), jsonBytes({ chat: number, after: next - 1 }));
  if (next <= last) {
    const shown = { number, title, kind: "group" as const, messagesCount: last };
    const nameOf = (id: string): string => id;
    const html = chatPage({
      chat: shown,
      part: page,
      messages: [],
      isLast: true,
      isCut: true,
      nameOf,
      manner,
    });
    await writer.add(exportPaths.page(number, page), html);
  }
  return { stage: "chats", after: place.chat?.number ?? place.after };
}
