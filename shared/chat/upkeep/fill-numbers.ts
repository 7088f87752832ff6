import type { App } from "../../identity/app.ts";
import type { Deps } from "../../platform/deps.ts";
import { GRPC, grpcCode } from "../../platform/errors.ts";
import { Timestamp } from "../../platform/firestore-values.ts";
import { withdraw } from "../../platform/head-commit-apart.ts";
import { READ_MS_MAX, within } from "../../platform/within.ts";
import { chatHandle } from "../chat-handle.ts";
import { changeStamp } from "../log/chat-log.ts";
import { promisesOf, storedPromise } from "../log/chat-numbers.ts";
import { newHead } from "../log/create-chat.ts";
import type { ChatHead } from "../log/head.ts";

/** What was promised so long ago comes no more by itself. */
export const PROMISE_MS = 10 * 60_000;
/** Promises looked at in one go; the next audit goes on. */
const AT_ONCE = 100;

/**
 * Gives the numbers of new chats that never came, since their instance died between two commits, to deleted
 * chats: numbers have no gaps. Idempotent. 1 query, 1 read; for each promise that was left 3 writes and a
 * commit for each of its numbers.
 * @returns whether some are still under way
 * @throws when Firestore fails
 */
export async function fillNumbers(deps: Pick<Deps, "clock">, app: App): Promise<boolean> {
  const found = await within(READ_MS_MAX, promisesOf(app).orderBy("at").limit(AT_ONCE).get());
  const at = Timestamp.fromMillis(deps.clock.now());
  const due = found.docs.filter(
    (document) => storedPromise(document).at.toMillis() <= at.toMillis() - PROMISE_MS,
  );
  for (const document of due) {
    // Nothing of it can come from here on.
    if (!(await withdraw(document.ref, document.updateTime))) continue;
    const { after, through } = storedPromise(document);
    for (let number = after + 1; number <= through; number += 1) await fill(app, number, at);
    await within(READ_MS_MAX, document.ref.delete());
  }
  return found.size > due.length;
}

async function fill(app: App, number: number, at: Timestamp): Promise<void> {
  const deleted: ChatHead = {
    ...newHead(number, { id: "" }, [], { draft: { kind: "group" }, at }),
    status: "deleted",
  };
  try {
    const { ref } = chatHandle(app, number);
    await within(READ_MS_MAX, ref.create({ ...deleted, ...changeStamp(deleted) }));
  } catch (cause) {
    if (grpcCode(cause) !== GRPC.alreadyExists) throw cause;
  }
}
