import { z } from "zod";
import { type App, appHandle } from "../../shared/identity/app.ts";
import { codeMailTask, SEND_MAIL } from "../../shared/identity/tasks.ts";
import { composeCodeMail } from "../../shared/identity/sign-in-code.ts";
import { unreadMailTask } from "../../shared/notify/tasks.ts";
import { mailUnread } from "../../shared/notify/unread-mail.ts";
import type { Deps } from "../../shared/platform/deps.ts";
import { taskFunction } from "../runtime/background-function.ts";

/** Sends a mail, of one of the kinds that there are. */
export const sendMail = taskFunction({
  task: { ...SEND_MAIL, payload: z.union([codeMailTask.payload, unreadMailTask.payload]) },
  open: (deps) => (task) => {
    const app = appHandle(deps.firestore, task.app);
    return "challenge" in task ? mailCode(deps, app, task.challenge) : mailUnread(deps, app, task);
  },
});

/**
 * Mails the code of a sign-in. The mail of a challenge is always the same and carries the same id, so a
 * repeated delivery sends at worst a copy that mailboxes recognise.
 */
async function mailCode(deps: Deps, app: App, challenge: string): Promise<{ sent: boolean }> {
  const mail = await composeCodeMail(deps, app, challenge);
  if (mail === undefined) return { sent: false };
  await deps.mailer.send(mail);
  return { sent: true };
}
