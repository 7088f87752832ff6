import { AppError } from "../../platform/errors.ts";
import type { App } from "../../identity/app.ts";
import type { Principal } from "../../identity/principal.ts";
import { chatHandle } from "../chat-handle.ts";
import { listHeads } from "../read/list-heads.ts";
import { removeMember } from "./change-members.ts";
import type { ChatDeps } from "./chat-log.ts";

/** Groups that are left at once. */
const LEAVE_AT_ONCE = 10;
/** Groups that one call leaves; another goes on. */
export const LEAVE_MAX = 500;

/**
 * Takes somebody who has been removed from the app out of their groups. Direct chats and those with a model
 * stay as they are: the former are the other person's too, and nobody but them saw the latter. Idempotent.
 * For each group 1 read, and 1 commit, 2 writes and 1 publish.
 * @throws AppError `unavailable` when there are more than LEAVE_MAX: to be called again
 */
export async function leaveGroups(deps: ChatDeps, app: App, userId: string): Promise<void> {
  const leaver: Principal = { id: userId, kind: "person", role: "member" };
  for (let left = 0; left < LEAVE_MAX; left += LEAVE_AT_ONCE) {
    const { heads: groups } = await listHeads(app, userId, { kind: "group", limit: LEAVE_AT_ONCE });
    if (groups.length === 0) return;
    await Promise.all(
      groups.map(({ number }) =>
        removeMember(deps, chatHandle(app, number), leaver, userId).catch((cause: unknown) => {
          // Somebody else has just removed them or deleted the chat.
          if (!(cause instanceof AppError && cause.code === "not_found")) throw cause;
        }),
      ),
    );
  }
  throw new AppError("unavailable", "They are in more groups than can be left at once; repeat it.", {
    retryAfterSeconds: 1,
  });
}
