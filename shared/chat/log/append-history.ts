import { type ChatHandle, chatHandle } from "../chat-handle.ts";
import type { App } from "../../identity/app.ts";
import { noSuchApp } from "../../identity/manage-app.ts";
import type { Principal } from "../../identity/principal.ts";
import { AppError } from "../../platform/errors.ts";
import type { DocumentReference } from "../../platform/firestore.ts";
import { Timestamp } from "../../platform/firestore-values.ts";
import { storedAs } from "../../platform/stored.ts";
import type { NewChat } from "../contract.ts";
import { listBranches, readPlaces } from "../store.ts";
import { type ChatDeps, changeStamp } from "./chat-log.ts";
import { newHead } from "./create-chat.ts";
import { facetsOf } from "./facets.ts";
import { type ChatHead, noSuchChat } from "./head.ts";
import {
  type HistoryMessage,
  type Place,
  type Placed,
  placeHistory,
  type Standing,
} from "./place-history.ts";

/** A chat that is brought from elsewhere. */
export interface BroughtChat {
  /** The document that says which chat it is here: the same conversation always has the same. */
  readonly record: DocumentReference;
  readonly draft: NewChat;
  readonly members: readonly string[];
  /** When it was begun there. */
  readonly createdAt: Timestamp;
}

/** Which chat a conversation from elsewhere is. */
export interface StoredBrought {
  readonly chat: number;
  readonly createdBy: string;
  /** The step of the import that made it. */
  readonly broughtBy: string;
  /** Of all that was brought last: the same again brings nothing new. */
  readonly print?: string;
  /** The step that has noted that. */
  readonly printBy?: string;
}
export const storedBrought = storedAs<StoredBrought>();

/**
 * Creates the chats that are not there yet, in one commit, without a message, and unseen by anybody until
 * `appendHistory` brings the first. Idempotent by their records. 1 read for each record, 1 commit with 2
 * writes for each new chat, and 1 write; 1 read when this instance does not know the app's head.
 * @returns the chats by the paths of their records
 * @throws AppError `unavailable`
 */
export async function createBroughtChats(
  deps: ChatDeps,
  app: App,
  by: Principal,
  { chats, broughtBy }: { readonly chats: readonly BroughtChat[]; readonly broughtBy: string },
): Promise<ReadonlyMap<string, StoredBrought & { readonly isNew: boolean }>> {
  const found = new Map<string, StoredBrought & { readonly isNew: boolean }>();
  if (chats.length === 0) return found;
  await deps.chatLog.apps.change<void>(app.ref, {
    async prepare() {
      found.clear();
      const records = await deps.firestore.getAll(...chats.map(({ record }) => record));
      for (const record of records) {
        const stored = storedBrought(record);
        if (stored !== undefined) found.set(record.ref.path, { ...stored, isNew: false });
      }
    },
    decide(head) {
      if (head.status !== "open") throw noSuchApp();
      const create: { ref: DocumentReference; data: object }[] = [];
      let number = head.lastChatNumber;
      for (const { record, draft, createdAt } of chats) {
        const known = found.get(record.path);
        if (known !== undefined && !known.isNew) continue;
        number += 1;
        const chat = newHead(number, by, [], { draft, at: createdAt });
        const stored: StoredBrought = { chat: number, createdBy: by.id, broughtBy };
        create.push({ ref: chatHandle(app, number).ref, data: { ...chat, ...changeStamp(chat) } });
        create.push({ ref: record, data: stored });
        found.set(record.path, { ...stored, isNew: true });
      }
      const next = number === head.lastChatNumber ? head : { ...head, lastChatNumber: number };
      return { head: next, create, bytes: create.length * 1000, result: undefined };
    },
  });
  return found;
}

/** What is known of a chat by whoever brings messages: nothing has to be read while nobody else moves it. */
export interface Known {
  places: Map<string, Place>;
  branches: Standing["branches"];
  /** Undefined while it has to be read what is there. */
  revision: number | undefined;
}

/** Of a chat that was created just now. */
export const knownOfNew = (): Known => ({ places: new Map(), branches: [], revision: 1 });
/** Of any other. */
export const nothingKnown = (): Known => ({ places: new Map(), branches: [], revision: undefined });

/** Places that are remembered of a chat; older ones are read again when they are needed. */
export const PLACES_MAX = 5_000;

export interface BroughtMessages {
  readonly messages: readonly HistoryMessage[];
  /** The document of the message at which the chat is to go on. */
  readonly tip?: string | undefined;
  /** Who is in it, once the first messages are. */
  readonly members: readonly string[];
  readonly known: Known;
  readonly record: DocumentReference;
  /** The step of the import that brings them. */
  readonly broughtBy: string;
  /** To be noted with these, if they are all. */
  readonly print?: string | undefined;
}

/**
 * Appends messages that were written elsewhere, those that are not there yet, in one commit. Parents stand
 * before their children. Nobody is told of them, and they are unread to nobody. Idempotent by their
 * documents. Costs 1 commit with a write for each new message, 1 for the head and 1 for each branch that
 * grows; 1 read for each message and branch unless what is there is known.
 * @returns how many this step has brought, those included that an attempt at it before has
 * @throws AppError `not_found` for a chat that was deleted, `unavailable`
 */
export async function appendHistory(
  deps: ChatDeps,
  chat: ChatHandle,
  { messages, tip, members, known, record, broughtBy, print }: BroughtMessages,
): Promise<number> {
  const at = Timestamp.fromMillis(deps.clock.now());
  for (let looks = 0; looks < LOOKS_MAX; looks += 1) {
    let standing: Standing = known;
    let tries = 0;
    const { result, head } = await deps.chatLog.chats.change<Placed | undefined>(chat.ref, {
      async prepare() {
        tries += 1;
        const isKnown = known.revision !== undefined && tries === 1 && knowsParents(known, messages);
        if (isKnown) return;
        known.revision = undefined;
        standing = await readStanding(chat, messages, known.places);
      },
      decide(before) {
        const open = access(before);
        if (isBehind(known, standing, open)) return { head: before, create: [], bytes: 0, result: undefined };
        const placed = placeHistory(chat, seenBy(open, members), messages, { standing, tip, broughtBy, at });
        const noted = print === undefined ? [] : [{ ref: record, data: { print, printBy: broughtBy } }];
        const isNothing = placed.places.size === 0;
        return { ...placed.decision, ...(isNothing ? { head: before } : { merge: noted }), result: placed };
      },
    });
    if (result === undefined) {
      known.revision = undefined;
      continue;
    }
    const before = known.places;
    const foundAgain = messages.filter(
      ({ id }) => !before.has(id) && standing.places.get(id)?.broughtBy === broughtBy,
    ).length;
    remember(known, result, { head, standing });
    if (result.places.size === 0 && print !== undefined)
      await record.set({ print, printBy: broughtBy }, { merge: true });
    return result.places.size + foundAgain;
  }
  throw new AppError("unavailable", "Others keep moving the chat.", { retryAfterSeconds: 1 });
}

/** How often what is there is read, where others move the chat between the reading and the commit. */
const LOOKS_MAX = 10;
/** Branches that are read of a chat. Beyond, messages may begin branches that others could have gone on. */
const BRANCHES_MAX = 2_000;

/** Somebody else has moved the chat since what is known of it was read. */
const isBehind = (known: Known, { branches }: Standing, head: ChatHead): boolean =>
  (known.revision !== undefined && known.revision !== head.revision) ||
  (head.branchesCount > 1 && branches.length !== Math.min(head.branchesCount, BRANCHES_MAX));

/** @throws AppError `not_found` */
function access(head: ChatHead): ChatHead {
  if (head.status !== "open") throw noSuchChat();
  return head;
}

const knowsParents = ({ places }: Known, messages: readonly HistoryMessage[]): boolean => {
  const own = new Set(messages.map(({ id }) => id));
  return messages.every(({ parent }) => !parent || own.has(parent) || places.has(parent));
};

function remember(
  known: Known,
  placed: Placed,
  { head, standing }: { readonly head: ChatHead | undefined; readonly standing: Standing },
): void {
  for (const [id, place] of [...standing.places, ...placed.places]) known.places.set(id, place);
  for (const id of known.places.keys()) {
    if (known.places.size <= PLACES_MAX) break;
    known.places.delete(id);
  }
  known.branches = placed.branches;
  known.revision = head?.revision;
}

/** The chat with its members, which it has none of while it is empty. */
const seenBy = (head: ChatHead, members: readonly string[]): ChatHead =>
  head.members.length > 0 || head.lastNumber > 0
    ? head
    : {
        ...head,
        members,
        ...facetsOf({ members, tags: head.tags, metadata: head.metadata ?? {} }),
        facetsRevision: head.revision + 1,
        ...(head.kind === "group"
          ? { admins: members.includes(head.createdBy) ? [head.createdBy] : [] }
          : {}),
      };

/** Of a chat that has moved while it was read, the decision is made again. */
async function readStanding(
  chat: ChatHandle,
  messages: readonly HistoryMessage[],
  known: ReadonlyMap<string, Place>,
): Promise<Standing> {
  const ids = new Set(messages.flatMap(({ id, parent }) => (parent ? [id, parent] : [id])));
  const unknown = [...ids].filter((id) => !known.has(id));
  const [places, branches] = await Promise.all([
    readPlaces(chat, unknown),
    listBranches(chat, -1, BRANCHES_MAX),
  ]);
  return { places: new Map([...known, ...places]), branches };
}
