import { chatHandle } from "../chat-handle.ts";
import type { App } from "../../identity/app.ts";
import { demandOpen } from "../../identity/manage-app.ts";
import type { Contact } from "../../identity/contract.ts";
import type { Principal } from "../../identity/principal.ts";
import type { AppHead } from "../../identity/store.ts";
import { AppError } from "../../platform/errors.ts";
import type { DocumentReference, DocumentSnapshot } from "../../platform/firestore.ts";
import { Timestamp } from "../../platform/firestore-values.ts";
import { type Decision, type Proof, recall } from "../../platform/head-change.ts";
import { READ_MS_MAX, within } from "../../platform/within.ts";
import { nameKeysOf } from "../../words/name-keys.ts";
import { derivedId, fingerprint } from "../../platform/ids.ts";
import { type ChatDeps, changeStamp } from "./chat-log.ts";
import type { Chat, NewChat } from "../contract.ts";
import { timesOfNew } from "./crowd-times.ts";
import { facetsOf } from "./facets.ts";
import { access, type ChatHead, chatView, MAIN_BRANCH } from "./head.ts";
import { headOf, readHeadAndOwn } from "../store.ts";
import { membersOf, resolveMembers } from "./new-members.ts";
import { chatIn, NO_CHAT, pairProof } from "./pair.ts";

export interface CreatedChat {
  readonly chat: Chat;
  /** False for a direct chat that the two had already. */
  readonly created: boolean;
  readonly replayed: boolean;
}

/** Idempotency keys of chats are honoured this long; 24 hours are promised. */
const REQUEST_TTL_MS = 7 * 24 * 3600 * 1000;

/**
 * Creates a chat: one commit that gives it the app's next chat number. A direct chat is created once
 * for each pair of people; a repeated request gets the same. Idempotent under `requestKey`.
 *
 * Costs 1 commit and 2 writes (3 with a key or for a direct chat), 1 publish, 1 read for each other
 * member (3 for a direct chat), and 1 read when this instance does not know the app's head.
 * @throws AppError `invalid_request`, `idempotency_key_reused`, `unavailable`
 */
export async function createChat(
  deps: ChatDeps,
  app: App,
  creator: Principal,
  {
    draft,
    requestKey,
    contact = "anyone",
  }: {
    readonly draft: NewChat;
    readonly requestKey: string | undefined;
    /** Whom people may open a direct chat with. */
    readonly contact?: Contact;
  },
): Promise<CreatedChat> {
  const first = await resolveMembers(deps, app, creator, { draft, contact });
  const { members } = first;
  const print = fingerprint(JSON.stringify(draft));
  const at = Timestamp.fromMillis(deps.clock.now());
  const create = (number: number, blockedBy: readonly string[] = first.blockedBy): ChatHead =>
    newHead(number, creator, members, { draft, at, blockedBy });
  const proof =
    draft.kind === "direct"
      ? pairProof(app, members)
      : requestKey === undefined
        ? undefined
        : requestProof(app, creator, requestKey, print);
  const made = await deps.chatLog.apps.change<number>(app.ref, {
    decide: (head) => decideCreate(app, head, create(head.lastChatNumber + 1), { proof, at }),
    ...(proof === undefined ? {} : { proof }),
  });
  const isKeptOpen = made.replayed && made.result === NO_CHAT;
  const { result: number, replayed } = isKeptOpen
    ? await createInPlace(deps, app, {
        pair: pairProof(app, members).ref,
        resolve: () => resolveMembers(deps, app, creator, { draft, contact }),
        create,
      })
    : made;
  if (replayed) return { ...(await existingChat(app, creator, number)), replayed: draft.kind !== "direct" };
  await deps.chatLog.announce(app.id, number, 1);
  const head = newHead(number, creator, members, { draft, at });
  return { chat: chatView(head, creator.id, { read: 0 }), created: true, replayed: false };
}

/**
 * The chat that a request made; undefined when it made none. To whoever is no member any more it is shown as
 * it was made, with nothing of what came since. 1 to 3 reads.
 */
export async function recallChat(
  app: App,
  creator: Principal,
  { draft, requestKey }: { readonly draft: NewChat; readonly requestKey: string },
): Promise<Chat | undefined> {
  const { members } = membersOf(creator, draft);
  const isDirect = draft.kind === "direct";
  const proof = isDirect
    ? pairProof(app, members)
    : requestProof(app, creator, requestKey, fingerprint(JSON.stringify(draft)));
  let at: Timestamp | undefined;
  const number = await recall({
    ...proof,
    result: (record) => {
      at = madeAt(record);
      return chatIn(record);
    },
  });
  if (number === undefined || number === NO_CHAT) return undefined;
  try {
    return (await existingChat(app, creator, number)).chat;
  } catch (cause) {
    if (!(cause instanceof AppError) || cause.code !== "not_found" || at === undefined) throw cause;
    return chatView(newHead(number, creator, members, { draft, at }), creator.id, { read: 0 });
  }
}

/** When the request of a record came. */
function madeAt(record: DocumentSnapshot): Timestamp | undefined {
  const expireAt = record.get("expireAt") as Timestamp | undefined;
  return expireAt && Timestamp.fromMillis(expireAt.toMillis() - REQUEST_TTL_MS);
}

/**
 * Creates the direct chat of two of whom one has blocked the other before, or who have deleted theirs. Every
 * block and every deletion writes the pair's document, and the commit is refused when that was written since
 * the blocks were read: a block and a chat that come at the same moment come one after the other.
 */
async function createInPlace(
  deps: ChatDeps,
  app: App,
  {
    pair,
    resolve,
    create,
  }: {
    readonly pair: DocumentReference;
    readonly resolve: () => Promise<{ readonly blockedBy: readonly string[] }>;
    readonly create: (number: number, blockedBy: readonly string[]) => ChatHead;
  },
): Promise<{ result: number; replayed: boolean }> {
  let found: DocumentSnapshot;
  let blockedBy: readonly string[];
  const { result } = await deps.chatLog.apps.change<{ result: number; replayed: boolean }>(app.ref, {
    async prepare() {
      found = await within(READ_MS_MAX, pair.get());
      ({ blockedBy } = await resolve());
    },
    decide(head) {
      const existing = chatIn(found);
      if (existing !== NO_CHAT) {
        return { head, create: [], bytes: 0, result: { result: existing, replayed: true } };
      }
      const number = head.lastChatNumber + 1;
      const chat = create(number, blockedBy);
      const decided = decideCreate(app, head, chat, { proof: undefined, at: chat.createdAt });
      const update = [{ ref: pair, fields: [["chat", number]] as const, lastUpdateTime: found.updateTime }];
      return { ...decided, update, result: { result: number, replayed: false } };
    },
  });
  return result;
}

function decideCreate(
  app: App,
  head: AppHead,
  chat: ChatHead,
  { proof, at }: { readonly proof: Proof<number> | undefined; readonly at: Timestamp },
): Decision<AppHead, number> {
  demandOpen(head);
  const create = [{ ref: chatHandle(app, chat.number).ref, data: { ...chat, ...changeStamp(chat) } }];
  const record =
    chat.kind === "direct"
      ? { chat: chat.number, fingerprint: proof?.fingerprint }
      : requestRecord(chat.number, proof?.fingerprint, at);
  return {
    head: { ...head, lastChatNumber: chat.number },
    create: proof === undefined ? create : [...create, { ref: proof.ref, data: record }],
    bytes: 1000 + chat.members.length * 30 + JSON.stringify(chat.metadata ?? {}).length * 3,
    result: chat.number,
  };
}

/** Which chat a request created. */
export const requestRecord = (chat: number, print: string | undefined, at: Timestamp): object => ({
  chat,
  fingerprint: print,
  expireAt: Timestamp.fromMillis(at.toMillis() + REQUEST_TTL_MS),
});

export const requestProof = (
  app: App,
  creator: Principal,
  requestKey: string,
  print: string,
): Proof<number> => ({
  ref: app.collection("requests").doc(derivedId("create-chat", app.id, creator.id, requestKey)),
  fingerprint: print,
  result: chatIn,
});

async function existingChat(
  app: App,
  creator: Principal,
  number: number,
): Promise<{ chat: Chat; created: boolean }> {
  const { snapshot, own } = await readHeadAndOwn(chatHandle(app, number), creator.id);
  return { chat: chatView(access(headOf(snapshot), creator), creator.id, own), created: false };
}

export function newHead(
  number: number,
  creator: Pick<Principal, "id">,
  members: readonly string[],
  {
    draft,
    at,
    blockedBy = [],
  }: { readonly draft: NewChat; readonly at: Timestamp; readonly blockedBy?: readonly string[] },
): ChatHead {
  const facets = facetsOf({ members, tags: draft.tags ?? [], metadata: draft.metadata ?? {} });
  return {
    number,
    kind: draft.kind,
    title: draft.title ?? "",
    // Nobody finds a temporary chat.
    nameKeys: draft.temporary ? {} : nameKeysOf(draft.title ?? ""),
    members,
    tags: draft.tags ?? [],
    metadata: draft.metadata ?? {},
    ...facets,
    titleBy: draft.title ? "person" : null,
    model: draft.model ?? null,
    instructions: draft.instructions ?? null,
    temperature: draft.temperature ?? null,
    temporary: draft.temporary ?? false,
    revision: 1,
    settingsRevision: 1,
    settingsAt: at,
    facetsRevision: 1,
    lastNumber: 0,
    latest: null,
    sent: {},
    activeBranch: MAIN_BRANCH,
    tip: 0,
    branchesCount: 1,
    ...(blockedBy.length === 0 ? {} : { blockedBy }),
    ...(draft.kind === "group" ? { admins: members.includes(creator.id) ? [creator.id] : [] } : {}),
    archived: false,
    pinned: false,
    status: "open",
    createdBy: creator.id,
    createdAt: at,
    ...timesOfNew(facets.isCrowd, at),
  };
}
