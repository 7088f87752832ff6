import type { App } from "../../identity/app.ts";
import type { Principal } from "../../identity/principal.ts";
import type { Clock } from "../../platform/clock.ts";
import { AppError } from "../../platform/errors.ts";
import type { JudgedText, NewText, TextJudge } from "../log/text-judge.ts";
import type { Hook, Hooks } from "./hook.ts";
import { judgementRecords } from "./judgement.ts";

/**
 * Who judges what this principal writes: the app's hook, if there is one and a person writes. What the app's
 * own server says, as itself or as a bot, is not asked about. No read while the app is known here.
 */
export async function textJudgeFor(
  deps: { readonly clock: Clock; readonly hooks: Hooks },
  app: App,
  writer: Principal,
): Promise<TextJudge | undefined> {
  if (writer.kind !== "person") return undefined;
  const hook = await deps.hooks.of(app);
  if (hook === undefined) return undefined;
  return hook.mode === "after" ? {} : { judge: (text) => judgeNew(deps, app, hook, text) };
}

async function judgeNew(
  deps: { readonly clock: Clock },
  app: App,
  hook: Hook,
  { id, chat, sender, body, isEdit }: NewText,
): Promise<JudgedText> {
  const judgement = await hook.judge({
    id: `msg_${id}`,
    chat,
    message: {
      sender,
      text: body.text,
      ...(body.forward === undefined ? {} : { forwarded: body.forward.text }),
      isEdit,
    },
  });
  if (judgement.decision === "refuse") {
    throw new AppError("message_refused", judgement.reason || "This app does not take the message.");
  }
  return {
    isHidden: judgement.decision === "hide",
    records: ({ message, withheld }) =>
      judgementRecords(deps, app, judgement, { textId: id, chat: chat.number, message, sender, withheld }),
  };
}
