import type { App } from "../../identity/app.ts";
import { listHeads } from "./list-heads.ts";

/** Large groups are read beside what fits, so a page of one would find nothing among many of them. */
const HEADS_AT_ONCE = 20;

/**
 * Whether the two have an open chat together, as far as a bounded list of chats tells. Mostly one query and
 * one read.
 */
export async function shareChat(app: App, a: string, b: string): Promise<boolean> {
  return a === b || (await listHeads(app, a, { member: b, limit: HEADS_AT_ONCE })).heads.length > 0;
}
