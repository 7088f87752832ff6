import { z } from "zod";
import { appHandle } from "../../shared/identity/app.ts";
import { AppId } from "../../shared/identity/contract.ts";
import { composeCodeMail } from "../../shared/identity/sign-in-code.ts";
import { taskFunction } from "../runtime/background-function.ts";

/**
 * Mails the code of a sign-in. The mail of a challenge is always the same and carries the same id, so a
 * repeated delivery sends at worst a copy that mailboxes recognise.
 */
export const sendMail = taskFunction({
  name: "send-mail",
  payload: z.object({ app: AppId, challenge: z.string() }),
  open:
    (deps) =>
    async ({ app, challenge }) => {
      const mail = await composeCodeMail(deps, appHandle(deps.firestore, app), challenge);
      if (mail === undefined) return { sent: false };
      await deps.mailer.send(mail);
      return { sent: true };
    },
});
