import type { App } from "../../identity/app.ts";
import type { Proof } from "../../platform/head-change.ts";
import { derivedId } from "../../platform/ids.ts";

/** Which chat a record of its creation names. */
export const chatIn = (record: { get(field: string): unknown }): number => Number(record.get("chat"));

/** What the document of a pair says that has no chat. */
export const NO_CHAT = 0;

/**
 * Two people have one direct chat. A document named after the pair says which; it is there without a chat
 * where one has blocked the other before, or the chat was deleted.
 */
export const pairProof = (app: App, pair: readonly string[]): Proof<number> => ({
  ref: app.collection("pairs").doc(derivedId("pair", ...[...pair].sort())),
  fingerprint: "direct",
  result: chatIn,
});
