import type { Deps } from "../../platform/deps.ts";
import { recoverEach } from "../../platform/recover.ts";
import { tryEnqueue } from "../../platform/task.ts";
import { sendScheduledTask } from "../tasks.ts";
import { overdue } from "./store.ts";

/** So late a task is taken for lost, or for given up. */
export const LOST_MS = 60_000;
/**
 * Enqueues messages anew whose time has passed and that nobody has sent: their task was lost, or given up.
 * Each run has names of its own, as whoever sends one claims it. A read and a task for each, and 1 query for
 * each 500. Idempotent.
 * @throws when Firestore fails; the next run continues
 */
export async function recoverScheduled(
  deps: Pick<Deps, "firestore" | "tasks" | "clock" | "log">,
): Promise<{ recovered: number; isCut: boolean }> {
  const now = deps.clock.now();
  const occasion = `late ${Math.floor(now / LOST_MS)}`;
  return recoverEach(overdue(deps.firestore, now - LOST_MS), async (document) => {
    const app = document.ref.parent.parent?.id;
    if (app === undefined) return;
    const payload = { app, id: document.id, version: Number(document.get("version")) };
    await tryEnqueue(deps, sendScheduledTask, payload, { occasion });
  });
}
