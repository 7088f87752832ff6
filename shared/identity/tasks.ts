import { z } from "zod";
import { defineTask } from "../platform/task.ts";
import { AppId } from "./contract.ts";

/** The function and the queue of all mails. */
export const SEND_MAIL = { name: "send-mail", queue: "mail" } as const;

/** Mails an invitation. */
export const invitationMailTask = defineTask({
  ...SEND_MAIL,
  payload: z.object({ app: AppId, invitation: z.string() }),
  idOf: ({ app, invitation }) => ["invitation", app, invitation],
});

/** Mails the code of a sign-in. */
export const codeMailTask = defineTask({
  ...SEND_MAIL,
  payload: z.object({ app: AppId, challenge: z.string() }),
  idOf: ({ app, challenge }) => ["sign-in-code", app, challenge],
});
