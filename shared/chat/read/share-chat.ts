import type { App } from "../../identity/app.ts";
import { listHeads } from "./list-heads.ts";

/** Whether the two have an open chat together. One query; at most one read more for each large group. */
export async function shareChat(app: App, a: string, b: string): Promise<boolean> {
  return a === b || (await listHeads(app, a, { member: b, limit: 1 })).length > 0;
}
