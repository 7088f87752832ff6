import { noSuchApp } from "../../identity/manage-app.ts";
import type { AppHead } from "../../identity/store.ts";
import type { Deps } from "../../platform/deps.ts";
import type { DocumentReference } from "../../platform/firestore.ts";
import { FieldValue } from "../../platform/firestore-values.ts";
import { createHeadLog, type HeadLog } from "../../platform/head-log.ts";
import { PUBLISH_MS_MAX } from "../../platform/publisher.ts";
import { createSharedCommits } from "../../platform/shared-commits.ts";
import { within } from "../../platform/within.ts";
import type { ChatChanged } from "../contract.ts";
import { type ChatHead, noSuchChat } from "./head.ts";

/** The logs that an instance moves: one a chat, and one an app for the numbers of its chats. */
export interface ChatLog {
  readonly chats: HeadLog<ChatHead>;
  readonly apps: HeadLog<AppHead>;
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
    apps: createHeadLog<AppHead>({ ...common, absent: noSuchApp }),
    chats: createHeadLog<ChatHead>({
      ...common,
      absent: noSuchChat,
      committed: (ref, head) => announce(appOf(ref), head.number, head.revision),
      stamp: (ref) => changeStamp(Number(ref.id)),
    }),
  };
}

/** What makes a chat's latest change findable by the reconciler: the server's time, not the instance's. */
export const changeStamp = (chat: number): { changedAt: FieldValue; shard: number } => ({
  changedAt: FieldValue.serverTimestamp(),
  shard: chat % CHANGE_SHARDS,
});

/** `apps/{app}/chats/{number}` */
const appOf = (ref: DocumentReference): string => ref.parent.parent?.id ?? "";
