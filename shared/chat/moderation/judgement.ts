import type { App } from "../../identity/app.ts";
import type { Caller } from "../../identity/caller.ts";
import { newSecurityEvent, securityEventsOf } from "../../identity/security-event.ts";
import type { Clock } from "../../platform/clock.ts";
import type { DocumentReference } from "../../platform/firestore.ts";
import { Timestamp } from "../../platform/firestore-values.ts";
import { derivedId } from "../../platform/ids.ts";
import { type Body, encodeBody } from "../log/body.ts";
import type { Judgement } from "./hook.ts";
import { REPORT_TTL_MS, reportRef, type StoredReport } from "./report.ts";

/** Who reports and decides where the app's hook does. */
export const HOOK_ACTOR = "moderation-hook";
/** A hook's requests come from us. */
const NO_CALLER: Caller = { ip: "", userAgent: "" };

/** The report of the hook on one text: the same however often that is judged. */
export const hookReportRef = (app: App, textId: string): DocumentReference =>
  reportRef(app, derivedId("hook-report", app.id, textId));

/**
 * What stands beside a message that the hook hides or reports: the report that moderators see, with what is
 * withheld, and the event. They are created in the commit that hides or stores the message.
 */
export function judgementRecords(
  { clock }: { readonly clock: Clock },
  app: App,
  judgement: Judgement,
  about: {
    readonly textId: string;
    readonly chat: number;
    readonly message: number;
    /** Null of a model's answer. */
    readonly sender: string | null;
    readonly withheld: Body | undefined;
  },
): { ref: DocumentReference; data: object }[] {
  if (judgement.decision === "allow") return [];
  const at = Timestamp.fromMillis(clock.now());
  const { textId, chat, message, sender, withheld } = about;
  const ref = hookReportRef(app, textId);
  const isDecided = withheld !== undefined && judgement.failed === undefined;
  const report: StoredReport = {
    reporter: HOOK_ACTOR,
    chat,
    message,
    user: sender,
    reason: judgement.reason,
    status: isDecided ? "decided" : "open",
    decision: isDecided ? "hide" : null,
    decidedBy: isDecided ? HOOK_ACTOR : null,
    decidedAt: isDecided ? at : null,
    ...(withheld === undefined ? {} : { withheld: encodeBody(withheld) as Body }),
    createdAt: at,
    expireAt: Timestamp.fromMillis(at.toMillis() + REPORT_TTL_MS),
  };
  const event = newSecurityEvent(
    { clock },
    {
      kind: "message-judged",
      actor: HOOK_ACTOR,
      subject: `report_${ref.id}`,
      caller: NO_CALLER,
      details: {
        chat,
        message,
        decision: withheld === undefined ? "report" : "hide",
        ...(judgement.failed === undefined ? {} : { failed: judgement.failed }),
      },
    },
  );
  return [
    { ref, data: { ...report, fingerprint: textId } },
    { ref: securityEventsOf(app).doc(ref.id), data: event },
  ];
}
