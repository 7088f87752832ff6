import type { App } from "../../identity/app.ts";
import type { Caller } from "../../identity/caller.ts";
import { rightsOf } from "../../identity/permissions.ts";
import type { Principal } from "../../identity/principal.ts";
import { addSecurityEvent, securityEventsOf } from "../../identity/security-event.ts";
import { isPresent, readDocument, storedUser, userRef } from "../../identity/store.ts";
import { AppError, GRPC, grpcCode } from "../../platform/errors.ts";
import type { DocumentReference } from "../../platform/firestore.ts";
import { FieldPath, FieldValue, Timestamp } from "../../platform/firestore-values.ts";
import { derivedId } from "../../platform/ids.ts";
import { type NewestFirst, newestFirst } from "../../platform/newest-first.ts";
import { storedAs } from "../../platform/stored.ts";
import { READ_MS_MAX, within } from "../../platform/within.ts";
import { chatHandle } from "../chat-handle.ts";
import type { Decision, Message, NewReport, Report } from "../contract.ts";
import type { Body } from "../log/body.ts";
import { hideMessage, showMessage } from "../log/hide-message.ts";
import type { ChatDeps } from "../log/chat-log.ts";
import { deleteMessage } from "../log/delete-message.ts";
import { noSuchChat } from "../log/head.ts";
import { messageView } from "../log/message.ts";
import { readVisible } from "../read/read-messages.ts";
import { listNumbered } from "../blocks/read-blocks.ts";
import { headOf, readHead } from "../store.ts";

/** As long as security events: whoever looks into something late finds both. */
export const REPORT_TTL_MS = 400 * 24 * 3600 * 1000;

export interface StoredReport {
  readonly reporter: string;
  readonly chat: number | null;
  readonly message: number | null;
  /** Who wrote the message, or who was reported; null for a model. */
  readonly user: string | null;
  readonly reason: string;
  readonly status: "open" | "decided";
  readonly decision: Decision | null;
  readonly decidedBy: string | null;
  readonly decidedAt: Timestamp | null;
  /** What a hidden message said. */
  readonly withheld?: Body;
  readonly createdAt: Timestamp;
  readonly expireAt: Timestamp;
}
export const storedReport = storedAs<StoredReport>();

export const reportRef = (app: App, id: string): DocumentReference => app.collection("reports").doc(id);
const noSuchReport = (): AppError => new AppError("not_found", "There is no such report.");

/**
 * Reports a message that the person can read, or somebody. One of each by each person: a repetition finds the
 * first. 1 or 2 reads, 2 writes.
 * @throws AppError `not_found`
 */
export async function createReport(
  deps: ChatDeps,
  app: App,
  reporter: Principal,
  { draft, caller }: { readonly draft: NewReport; readonly caller: Caller },
): Promise<{ report: Report; replayed: boolean }> {
  const target = await targetOf(deps, app, reporter, draft).catch((cause: unknown) => cause as Error);
  if (target instanceof Error) {
    // What was reported may be gone since, or the reporter; their report is not.
    const { data } = await readDocument(reportRef(app, reportId(app, reporter, draft)), storedReport);
    if (data === undefined) throw target;
    return { report: view(reportId(app, reporter, draft), data), replayed: true };
  }
  const at = Timestamp.fromMillis(deps.clock.now());
  const stored: StoredReport = {
    reporter: reporter.id,
    ...target,
    reason: draft.reason,
    status: "open",
    decision: null,
    decidedBy: null,
    decidedAt: null,
    createdAt: at,
    expireAt: Timestamp.fromMillis(at.toMillis() + REPORT_TTL_MS),
  };
  const id = reportId(app, reporter, draft);
  const batch = deps.firestore.batch();
  batch.create(reportRef(app, id), { ...stored });
  addSecurityEvent(deps, batch, securityEventsOf(app), {
    event: { kind: "report-created", actor: reporter.id, subject: `report_${id}`, caller },
  });
  try {
    await within(READ_MS_MAX, batch.commit());
    return { report: view(id, stored), replayed: false };
  } catch (cause) {
    if (grpcCode(cause) !== GRPC.alreadyExists) throw cause;
    const { data } = await readDocument(reportRef(app, id), storedReport);
    if (data === undefined) throw cause;
    return { report: view(id, data), replayed: true };
  }
}

/** A second report of the same by the same person is the first. */
function reportId(app: App, reporter: Principal, { message, user }: NewReport): string {
  const what = message === undefined ? `user ${user ?? null}` : `message ${message.chat} ${message.message}`;
  return derivedId("report", app.id, reporter.id, what);
}

async function targetOf(
  deps: ChatDeps,
  app: App,
  reporter: Principal,
  { message, user }: NewReport,
): Promise<Pick<StoredReport, "chat" | "message" | "user">> {
  if (message === undefined) {
    const { data } = await readDocument(userRef(app, user ?? ""), storedUser);
    if (!isPresent(data)) throw new AppError("not_found", "There is no such user.");
    return { chat: null, message: null, user: user ?? null };
  }
  const chat = chatHandle(app, message.chat);
  const found = await readVisible(deps, chat, reporter, message.message);
  if (found.stored.status === "deleted") {
    throw new AppError("not_found", "There is no such message.");
  }
  const { sender } = found.stored;
  return { ...message, user: "id" in sender ? sender.id : null };
}

const view = (id: string, stored: StoredReport): Report => ({
  id,
  reporter: stored.reporter,
  ...(stored.chat === null || stored.message === null
    ? {}
    : { message: { chat: stored.chat, message: stored.message } }),
  user: stored.user,
  reason: stored.reason,
  status: stored.status,
  ...(stored.decision === null ? {} : { decision: stored.decision }),
  ...(stored.decidedBy === null ? {} : { decidedBy: stored.decidedBy }),
  ...(stored.decidedAt === null ? {} : { decidedAt: stored.decidedAt.toDate().toISOString() }),
  createdAt: stored.createdAt.toDate().toISOString(),
});

/** A page of reports, newest first. One query, one read for each. */
export function listReports(
  deps: ChatDeps,
  app: App,
  {
    status,
    ...page
  }: {
    readonly status?: StoredReport["status"] | undefined;
    readonly cursor?: string | undefined;
    readonly limit: number;
  },
): Promise<NewestFirst<Report>> {
  const all = app.collection("reports");
  return newestFirst(
    deps,
    status === undefined ? all : all.where("status", "==", status),
    {
      field: "createdAt",
      scope: ["reports", app.id, status ?? ""],
      view: (document) => view(document.id, storedReport(document)),
    },
    page,
  );
}

/**
 * A page of what a person has reported, in no order that means anything. One query, one read for each;
 * `next` leads to the following page.
 */
export async function listReportsBy(
  app: App,
  reporter: string,
  { cursor, limit }: { readonly cursor?: string | undefined; readonly limit: number },
): Promise<{ readonly data: readonly Report[]; readonly next: string | null }> {
  let query = app.collection("reports").where("reporter", "==", reporter).orderBy(FieldPath.documentId());
  if (cursor !== undefined) query = query.startAfter(cursor);
  const { docs } = await within(READ_MS_MAX, query.limit(limit).get());
  const last = docs.length === limit ? docs.at(-1) : undefined;
  return { data: docs.map((document) => view(document.id, storedReport(document))), next: last?.id ?? null };
}

/** Messages on either side of the reported one that a moderator sees with it. */
export const CONTEXT_MESSAGES = 3;

/**
 * The reported message and a few around it, as they are now, for moderators who are not in the chat; what was
 * hidden is shown to them. That they looked is written down first. 2 reads and 1 for each message, 1 write.
 * @throws AppError `not_found`, also for a report on somebody
 */
export async function readReported(
  deps: ChatDeps,
  app: App,
  by: Principal,
  { id, caller }: { readonly id: string; readonly caller: Caller },
): Promise<Message[]> {
  const { data: report } = await readDocument(reportRef(app, id), storedReport);
  const { chat: number, message } = report ?? {};
  if (report === undefined || typeof number !== "number" || typeof message !== "number") throw noSuchReport();
  const chat = chatHandle(app, number);
  const head = headOf(await readHead(chat));
  if (head?.status !== "open") throw noSuchChat();
  const batch = deps.firestore.batch();
  addSecurityEvent(deps, batch, securityEventsOf(app), {
    event: { kind: "report-read", actor: by.id, subject: `report_${id}`, caller, details: { chat: number } },
  });
  await within(READ_MS_MAX, batch.commit());
  const around = {
    after: Math.max(0, message - CONTEXT_MESSAGES - 1),
    before: Math.min(head.lastNumber, message + CONTEXT_MESSAGES) + 1,
    order: "asc",
    limit: 2 * CONTEXT_MESSAGES + 1,
  } as const;
  return (await listNumbered(chat, around, head.revision)).map(({ id: messageId, stored }) => {
    const isWithheld = stored.number === message && stored.hidden === true && report.withheld !== undefined;
    return messageView(messageId, isWithheld ? { ...stored, body: report.withheld } : stored);
  });
}

/**
 * Decides on a report: `dismiss` does nothing, and shows again what was hidden by it; `hide` withholds the
 * message, `delete` deletes it for everyone, `warn` marks the person, who sees it. Deciding the same again
 * changes nothing. 1 read, 2 writes, and what hiding, deleting or warning costs.
 * @throws AppError `not_found`, `invalid_request` for what does not fit the report, `conflict` for one that
 * was decided otherwise, unless that was hiding
 */
export async function decideReport(
  deps: ChatDeps,
  app: App,
  by: Principal,
  { id, decision, caller }: { readonly id: string; readonly decision: Decision; readonly caller: Caller },
): Promise<Report> {
  const ref = reportRef(app, id);
  const { data: report } = await readDocument(ref, storedReport);
  if (report === undefined) throw noSuchReport();
  if (report.decision === decision) return view(id, report);
  if (report.status === "decided" && report.decision !== "hide") {
    throw new AppError("conflict", "The report has been decided.");
  }
  await carryOut(deps, app, by, { ref, report, decision });
  const decided = {
    status: "decided",
    decision,
    decidedBy: by.id,
    decidedAt: Timestamp.fromMillis(deps.clock.now()),
  } as const;
  const batch = deps.firestore.batch();
  batch.update(ref, { ...decided, ...(decision === "hide" ? {} : { withheld: FieldValue.delete() }) });
  addSecurityEvent(deps, batch, securityEventsOf(app), {
    event: {
      kind: "report-decided",
      actor: by.id,
      subject: `report_${id}`,
      caller,
      details: { decision },
    },
  });
  await within(READ_MS_MAX, batch.commit());
  return view(id, { ...report, ...decided });
}

const unfit = (message: string): AppError =>
  new AppError("invalid_request", "This does not fit the report.", {
    errors: [{ path: "decision", message }],
  });

async function carryOut(
  deps: ChatDeps,
  app: App,
  by: Principal,
  {
    ref,
    report,
    decision,
  }: { readonly ref: DocumentReference; readonly report: StoredReport; readonly decision: Decision },
): Promise<void> {
  const { chat, message, user, withheld } = report;
  if (decision === "warn") {
    if (user === null) throw unfit("can't warn a model");
    const at = Timestamp.fromMillis(deps.clock.now());
    try {
      await within(READ_MS_MAX, userRef(app, user).update({ warnedAt: at }));
    } catch (cause) {
      throw grpcCode(cause) === GRPC.notFound ? unfit("can't warn who is no person") : cause;
    }
    return;
  }
  if (chat === null || message === null) {
    if (decision === "dismiss") return;
    throw unfit("needs a reported message");
  }
  // For this message the moderator may what they may not in the chat.
  const scopes = new Set([...(by.scopes ?? rightsOf(by.role)), "chat:any", "message:delete-any"] as const);
  const address = { chat: chatHandle(app, chat), number: message, principal: { ...by, scopes } };
  if (decision === "delete") await deleteMessage(deps, address);
  else if (decision === "hide") await hideMessage(deps, address, ref);
  else if (withheld !== undefined) await showMessage(deps, address, withheld);
}
