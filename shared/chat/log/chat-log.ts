import { noSuchApp } from "../../identity/manage-app.ts";
import type { AppHead } from "../../identity/store.ts";
import type { Deps } from "../../platform/deps.ts";
import type { DocumentReference } from "../../platform/firestore.ts";
import { FieldValue } from "../../platform/firestore-values.ts";
import { createHeadLog, type HeadLog } from "../../platform/head-log.ts";
import { PUBLISH_MS_MAX } from "../../platform/publisher.ts";
import { createSharedCommits } from "../../platform/shared-commits.ts";
import { within } from "../../platform/within.ts";
import { createRecentBlocks, type RecentBlocks } from "../blocks/recent-blocks.ts";
import type { ChatChanged } from "../contract.ts";
import { promiseOfNumbers } from "./chat-numbers.ts";
import { isCalm } from "./crowd-times.ts";
import { type ChatHead, noSuchChat } from "./head.ts";

/**
 * The logs that an instance moves: one a chat, and one an app for the numbers of its chats; and what it
 * remembers of them.
 */
export interface ChatLog {
  readonly chats: HeadLog<ChatHead>;
  readonly apps: HeadLog<AppHead>;
  readonly recentBlocks: RecentBlocks;
  /**
   * Tells the background about a chat's revision. Never throws: the commit is the truth and the
   * reconciler publishes what is missing.
   */
  announce(app: string, chat: number, revision: number): Promise<void>;
}

export type ChatDeps = Deps & { readonly chatLog: ChatLog };

export const CHAT_CHANGES_TOPIC = "chat-changes";

/**
 * Chats are spread over this many ranges of the index by which the reconciler finds recent changes;
 * Firestore sustains about 500 writes/s in one range of an index that only grows.
 */
export const CHANGE_SHARDS = 8;
/** Crowds have ranges of their own, after those, by another field. */
export const CROWD_SHARDS = 2;

export function openChatLog(deps: Deps): ChatLog {
  const announce: ChatLog["announce"] = async (app, chat, revision) => {
    const event: ChatChanged = { app, chat, revision };
    try {
      await within(PUBLISH_MS_MAX, deps.publisher.publish(CHAT_CHANGES_TOPIC, event));
    } catch (cause) {
      deps.log.error("A change could not be announced; the reconciler will.", cause, { app, chat, revision });
    }
  };
  const common = { firestore: deps.firestore, commits: createSharedCommits(deps.firestore) };
  return {
    announce,
    recentBlocks: createRecentBlocks(),
    apps: createHeadLog<AppHead>({ ...common, absent: noSuchApp, promise: promiseOfNumbers }),
    chats: createHeadLog<ChatHead>({
      ...common,
      absent: noSuchChat,
      committed: (ref, head) => announce(appOf(ref), head.number, head.revision),
      stamp: (_ref, head) => changeStamp(head),
    }),
  };
}

/** What makes a chat's latest change findable by the reconciler: the server's time, not the instance's. */
export const changeStamp = (
  head: Pick<ChatHead, "number" | "latestAt">,
): { readonly [field in "changedAt" | "stampedAt"]?: FieldValue } & { readonly shard: number } =>
  isCalm(head)
    ? { stampedAt: FieldValue.serverTimestamp(), shard: CHANGE_SHARDS + (head.number % CROWD_SHARDS) }
    : { changedAt: FieldValue.serverTimestamp(), shard: head.number % CHANGE_SHARDS };

/** `apps/{app}/chats/{number}` */
const appOf = (ref: DocumentReference): string => ref.parent.parent?.id ?? "";
