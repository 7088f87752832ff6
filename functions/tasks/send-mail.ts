import { z } from "zod";
import { appHandle } from "../../shared/identity/app.ts";
import { composeInvitationMail } from "../../shared/identity/invitation.ts";
import { codeMailTask, invitationMailTask, SEND_MAIL } from "../../shared/identity/tasks.ts";
import { composeCodeMail } from "../../shared/identity/sign-in-code.ts";
import { unreadMailTask } from "../../shared/notify/tasks.ts";
import { mailUnread } from "../../shared/notify/unread-mail.ts";
import { transferMailTask } from "../../shared/transfers/tasks.ts";
import { composeTransferMail } from "../../shared/transfers/transfer-mail.ts";
import type { Mail } from "../../shared/platform/mailer.ts";
import type { Deps } from "../../shared/platform/deps.ts";
import { taskFunction } from "../runtime/background-function.ts";

/** Sends a mail, of one of the kinds that there are. */
export const sendMail = taskFunction({
  task: {
    ...SEND_MAIL,
    payload: z.union([
      codeMailTask.payload,
      invitationMailTask.payload,
      transferMailTask.payload,
      unreadMailTask.payload,
    ]),
  },
  open: (deps) => async (task) => {
    const app = appHandle(deps.firestore, task.app);
    if ("challenge" in task) return send(deps, await composeCodeMail(deps, app, task.challenge));
    if ("invitation" in task) return send(deps, await composeInvitationMail(deps, app, task.invitation));
    if ("transfer" in task) return send(deps, await composeTransferMail(deps, app, task));
    return mailUnread(deps, app, task);
  },
});

/**
 * Sends what a task has composed. The mail of a task is always the same and carries the same id, so a
 * repeated delivery sends at worst a copy that mailboxes recognise.
 */
async function send(deps: Deps, mail: Mail | undefined): Promise<{ sent: boolean }> {
  if (mail === undefined) return { sent: false };
  await deps.mailer.send(mail);
  return { sent: true };
}
