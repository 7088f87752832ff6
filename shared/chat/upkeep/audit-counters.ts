import { type ChatHandle, chatHandle } from "../chat-handle.ts";
import { storedMessage } from "../log/message.ts";
import { appHandle } from "../../identity/app.ts";
import { storedAppHead } from "../../identity/store.ts";
import type { Query } from "../../platform/firestore.ts";
import { Timestamp } from "../../platform/firestore-values.ts";
import { READ_MS_MAX, within } from "../../platform/within.ts";
import type { ChatDeps } from "../log/chat-log.ts";
import type { ChatChanged } from "../contract.ts";
import { auditBlocks } from "../blocks/audit-blocks.ts";
import { advance, type ChatHead } from "../log/head.ts";
import { fillNumbers } from "./fill-numbers.ts";
import { type Silent, SILENT_RUNS_MAX, silentAfter, withSilent } from "../log/silent.ts";
import { type ChangedChat, eachOf, sum, sweepChanges } from "./sweep-changes.ts";
import { countSilent, headOf, listSilent, messagesOf, readHead } from "../store.ts";

export interface Audited {
  readonly chats: number;
  readonly apps: number;
  /** Counters that were behind what is stored, and have been set to it. */
  readonly repaired: number;
  /** Numbers that were given and are not there: nothing can repair that. */
  readonly missing: number;
  /** Shards in which the next run has to go on. */
  readonly left: number;
}

type Finding = "right" | "repaired" | "missing";

/** Chats that are looked at at once in a shard: with eight shards, what a third of a processor manages. */
const AT_ONCE = 4;

/**
 * Proves the counters of what has changed since the last audit: a chat's last number is how many messages
 * there are, an app's how many chats, as numbers have no gaps. A counter that is behind, as after restoring a
 * part of the data, is set to the highest number there is; a gap is reported, and stays.
 *
 * Costs for each changed chat and each app of one 1 read, 1 count (a read for each 1000) and 1 query of 1
 * read; for a chat 1 read and 1 count more, of what is unread to nobody, and what `auditBlocks` costs.
 * Idempotent; a run that is cut short is continued by the next.
 * @throws when Firestore fails
 */
export async function auditCounters(deps: ChatDeps): Promise<Audited> {
  const apps = new Set<string>();
  const take = (finding: Finding, of: Readonly<Record<string, unknown>>): Counts => {
    if (finding === "right") return NOTHING;
    deps.log.error(
      `A counter was found ${finding === "missing" ? "above" : "below"} what is stored.`,
      undefined,
      of,
    );
    return { ...NOTHING, [finding]: 1 };
  };
  const look = async (changed: readonly ChangedChat[]): Promise<Counts> => {
    const found = await eachOf(changed, AT_ONCE, async ({ app, head }) => {
      const finding = await auditChat(deps, { app, chat: head.number });
      return { ...take(finding, { app, chat: head.number }), chats: 1 };
    });
    // One app's chats may be in many pages; its own count is proved once a run.
    const others = new Set(changed.map(({ app }) => app).filter((app) => !apps.has(app)));
    for (const app of others) {
      found.push({ ...take(await auditApp(deps, app), { app }), apps: 1 });
      apps.add(app);
    }
    return sum(found, NOTHING);
  };
  return sweepChanges(deps, { name: "audit", look }, NOTHING);
}

type Counts = Record<"chats" | "apps" | "repaired" | "missing", number>;
const NOTHING: Counts = { chats: 0, apps: 0, repaired: 0, missing: 0 };

/** How many there are, and the highest number among them. */
async function tally(numbered: Query, counted: Query): Promise<{ count: number; highest: number }> {
  const [count, last] = await Promise.all([
    within(READ_MS_MAX, counted.count().get()),
    within(READ_MS_MAX, numbered.orderBy("number", "desc").limit(1).get()),
  ]);
  return { count: count.data().count, highest: Number(last.docs[0]?.get("number") ?? 0) };
}

/**
 * Each counter is checked twice, since a message appended between the two reads makes them differ for a
 * moment.
 */
const LOOKS = 2;

async function auditChat(
  deps: ChatDeps,
  { app: appId, chat }: Pick<ChatChanged, "app" | "chat">,
): Promise<Finding> {
  const app = appHandle(deps.firestore, appId);
  let finding: Finding = "right";
  for (let look = 0; look < LOOKS; look += 1) {
    const before = headOf(await readHead(chatHandle(app, chat)));
    if (before === undefined || before.status !== "open") return "right";
    const messages = messagesOf(chatHandle(app, chat));
    const { count, highest } = await tally(messages, messages);
    const isBehind = highest > before.lastNumber;
    if (!isBehind && count >= before.lastNumber) {
      const found = [
        await auditSilent(deps, chatHandle(app, chat)),
        await auditBlocks(chatHandle(app, chat)),
      ];
      return found.includes("repaired") ? "repaired" : "right";
    }
    finding = isBehind ? "repaired" : "missing";
  }
  if (finding === "repaired") await raise(deps, appId, chat);
  return finding;
}

/** Messages that are read to find anew which of them are unread to nobody. */
const SILENT_LOOK_MAX = 2 * SILENT_RUNS_MAX;

/**
 * Proves what unread counts rest on: the head names the messages that are unread to nobody, and these say so
 * themselves. Where the two differ, the head is made to say what they do. 1 count; to repair 1 query and at
 * most SILENT_LOOK_MAX reads. A head that has forgotten the oldest is left alone.
 */
async function auditSilent(deps: ChatDeps, chat: ChatHandle): Promise<Finding> {
  for (let look = 0; look < LOOKS; look += 1) {
    const head = headOf(await readHead(chat));
    if (head === undefined || head.status !== "open" || (head.silent?.length ?? 0) >= 2 * SILENT_RUNS_MAX)
      return "right";
    if (silentAfter(head.silent, 0) === (await countSilent(chat))) return "right";
  }
  let numbers: readonly number[];
  const at = Timestamp.fromMillis(deps.clock.now());
  await deps.chatLog.chats.change<void>(chat.ref, {
    async prepare() {
      numbers = await listSilent(chat, SILENT_LOOK_MAX);
    },
    decide(head) {
      const silent = numbers.reduceRight<Silent>((runs, number) => withSilent(runs, number), []);
      return { head: advance(head, at, { silent }), create: [], bytes: 0, result: undefined };
    },
  });
  return "repaired";
}

/** Lets a chat's head catch up with its messages. */
async function raise(deps: ChatDeps, appId: string, chat: number): Promise<void> {
  const app = appHandle(deps.firestore, appId);
  const messages = messagesOf(chatHandle(app, chat));
  const newest = await within(READ_MS_MAX, messages.orderBy("number", "desc").limit(1).get());
  const changed = await within(READ_MS_MAX, messages.orderBy("revision", "desc").limit(1).get());
  const last = storedMessage(newest.docs[0]);
  const revision = Number(changed.docs[0]?.get("revision") ?? 0);
  if (last === undefined) return;
  const at = Timestamp.fromMillis(deps.clock.now());
  await deps.chatLog.chats.change<void>(chatHandle(app, chat).ref, {
    decide(head) {
      if (head.lastNumber >= last.number) return { head, create: [], bytes: 0, result: undefined };
      const next: ChatHead = {
        ...advance(head, at, {}),
        revision: Math.max(head.revision, revision) + 1,
        lastNumber: last.number,
        ...(last.branch === head.activeBranch ? { tip: last.number } : {}),
      };
      return { head: next, create: [], bytes: 0, result: undefined };
    },
  });
}

async function auditApp(deps: ChatDeps, appId: string): Promise<Finding> {
  const app = appHandle(deps.firestore, appId);
  let finding: Finding = "right";
  for (let look = 0; look < LOOKS; look += 1) {
    const isUnderWay = await fillNumbers(deps, app);
    const head = storedAppHead(await within(READ_MS_MAX, app.ref.get()));
    if (head === undefined) return "right";
    const heads = app.collection("chats").where("status", "in", ["open", "deleted", "copying"]);
    const { count, highest } = await tally(app.collection("chats").where("number", ">", 0), heads);
    const isBehind = highest > head.lastChatNumber;
    if (!isBehind && count >= head.lastChatNumber) return "right";
    // Chats that are just being made have their numbers already.
    finding = isBehind ? "repaired" : isUnderWay ? "right" : "missing";
    if (isBehind && look === LOOKS - 1) {
      await deps.chatLog.apps.change<void>(app.ref, {
        decide: (now) => ({
          head: now.lastChatNumber >= highest ? now : { ...now, lastChatNumber: highest },
          create: [],
          bytes: 0,
          result: undefined,
        }),
      });
    }
  }
  return finding;
}
