import type { App } from "../identity/app.ts";
import { holds } from "../identity/permissions.ts";
import type { Principal } from "../identity/principal.ts";
import type { Deps } from "../platform/deps.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import { noSuchFile } from "./no-such-file.ts";
import { fileRef, inFileTransaction, isThere, storedFile } from "./store.ts";

/**
 * Deletes a file: nobody finds it any more, and `tend-files` removes its bytes and shows in messages that it
 * is gone. Idempotent as far as the caller can see. 1 transaction with 1 read and 1 write.
 * @throws AppError `not_found`, also for a file that was deleted before and for anybody's but whoever may
 * delete others' messages
 */
export async function deleteFile(
  { firestore, clock }: Pick<Deps, "firestore" | "clock">,
  app: App,
  by: Principal,
  id: string,
): Promise<void> {
  await inFileTransaction(firestore, async (transaction) => {
    const ref = fileRef(app, id);
    const stored = storedFile(await transaction.get(ref));
    const mayDelete = stored?.createdBy === by.id || holds(by, "message:delete-any");
    if (!isThere(stored) || !mayDelete) throw noSuchFile();
    transaction.update(ref, {
      status: "deleted",
      refusal: "deleted",
      dueAt: Timestamp.fromMillis(clock.now()),
    });
  });
}
