import { Firestore, Timestamp } from "@google-cloud/firestore";
import { newHead } from "../../shared/chat/log/create-chat.ts";
import type { StoredMessage } from "../../shared/chat/log/message.ts";
import { entryId, entryOf } from "../../shared/search/entry.ts";
import type { Said } from "../../shared/testing/search-recall.ts";
import type { Corpus } from "./corpus.ts";

export const CHATS = 2_000;
/** The searcher is a member of every other one. */
export const isSearched = (chat: number): boolean => chat % 2 === 1;
const YEAR_MS = 365 * 24 * 3600 * 1000;
/** Messages, with as many entries, in one commit. */
const COMMIT_MESSAGES = 200;
const LANES = 3;

export interface Loaded {
  readonly client: Firestore;
  readonly app: string;
  readonly searcher: string;
  readonly corpus: Corpus;
  /** The first message's time; the last is about now. */
  readonly fromMs: number;
  readonly spanMs: number;
}

/** Opens the client that fills an app, and gives it chats without messages. */
export async function createChats(
  env: NodeJS.ProcessEnv,
  app: string,
  searcher: string,
  corpus: Corpus,
): Promise<Loaded> {
  process.env.FIRESTORE_EMULATOR_HOST = env.FIRESTORE_EMULATOR_HOST;
  const client = new Firestore({ projectId: env.GOOGLE_CLOUD_PROJECT ?? "" });
  const loaded = { client, app, searcher, corpus, fromMs: Date.now() - YEAR_MS, spanMs: YEAR_MS };
  await writeHeads(loaded, 0);
  await client.doc(`apps/${app}`).update({ lastChatNumber: CHATS });
  return loaded;
}

const PEOPLE = ["nobody", "somebody"];

function headOf({ searcher, fromMs }: Loaded, chat: number) {
  const principal = { id: "nobody", kind: "person", role: "member" } as const;
  const members = isSearched(chat) ? [searcher, "nobody"] : PEOPLE;
  return newHead(chat, principal, members, { draft: { kind: "group" }, at: Timestamp.fromMillis(fromMs) });
}

/** Heads and progress of all chats, when so many messages lie in each. */
async function writeHeads(loaded: Loaded, each: number): Promise<void> {
  const { client, app } = loaded;
  for (let from = 1; from <= CHATS; from += COMMIT_MESSAGES) {
    const batch = client.batch();
    for (let chat = from; chat < Math.min(from + COMMIT_MESSAGES, CHATS + 1); chat += 1) {
      const revision = 1 + each;
      const head = { ...headOf(loaded, chat), lastNumber: each, tip: each, revision };
      batch.set(client.doc(`apps/${app}/chats/${chat}`), {
        ...head,
        shard: chat % 8,
        changedAt: head.createdAt,
      });
      const progress = { revision, countedNumber: each, searchFacetsRevision: 1 };
      batch.set(client.doc(`apps/${app}/chats/${chat}/progress/changes`), progress);
    }
    await batch.commit();
  }
}

/** The message with this index: chats take turns, so each has one more after every CHATS messages. */
function messageOf({ searcher, corpus, fromMs, spanMs }: Loaded, index: number, total: number) {
  const chat = (index % CHATS) + 1;
  const number = Math.floor(index / CHATS) + 1;
  const stored: StoredMessage = {
    number,
    revision: 1 + number,
    createdRevision: 1 + number,
    branch: "main",
    parent: number === 1 ? null : number - 1,
    sender: { id: isSearched(chat) && number % 2 === 0 ? searcher : "nobody" },
    role: "user",
    body: { text: corpus.text(index) },
    status: "complete",
    fingerprint: "bench",
    createdAt: Timestamp.fromMillis(Math.round(fromMs + (spanMs * index) / total)),
  };
  return { chat, stored };
}

/** What the searcher may find, among so many messages. */
export function saidOf(loaded: Loaded, total: number): Said[] {
  return Array.from({ length: total }, (_, index) => messageOf(loaded, index, total))
    .filter(({ chat }) => isSearched(chat))
    .map(({ chat, stored }) => ({ chat, number: stored.number, text: stored.body.text }));
}

/**
 * Adds messages up to a number, with their entries, as `on-chat-changed` leaves them; times are spread over
 * `total`.
 */
export async function addMessages(
  loaded: Loaded,
  [from, to]: readonly [number, number],
  total: number,
  tell: (done: number) => void,
): Promise<void> {
  const { client, app } = loaded;
  let next = from;
  const lane = async (): Promise<void> => {
    while (next < to) {
      const first = next;
      next = Math.min(first + COMMIT_MESSAGES, to);
      const batch = client.batch();
      for (let index = first; index < next; index += 1) {
        const { chat, stored } = messageOf(loaded, index, total);
        const id = `message-${stored.number}`;
        batch.set(client.doc(`apps/${app}/chats/${chat}/messages/${id}`), stored);
        const entry = entryOf(headOf(loaded, chat), id, stored);
        batch.set(client.doc(`apps/${app}/search/${entryId(chat, stored)}`), entry);
      }
      await batch.commit();
      tell(next);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  await writeHeads(loaded, Math.floor(to / CHATS));
}
