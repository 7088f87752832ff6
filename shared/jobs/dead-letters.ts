import { storedAs, demandStored } from "../platform/stored.ts";
import type { Deps } from "../platform/deps.ts";
import { AppError } from "../platform/errors.ts";
import type { CollectionReference, DocumentSnapshot, Firestore, Query } from "../platform/firestore.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import { derivedId } from "../platform/ids.ts";
import { type NewestFirst, newestFirst } from "../platform/newest-first.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import type { Cause, DeadLetter, DeadLetterState, Death } from "./contract.ts";

/** A delivery that was given up, kept until somebody has it delivered again or discards it. */
interface StoredDeadLetter {
  readonly function: string;
  readonly trigger: "event" | "task";
  readonly state: DeadLetterState;
  readonly cause: Cause;
  /** As JSON, so that whatever was sent can be kept. */
  readonly payload: string;
  readonly deaths: number;
  readonly replays: number;
  readonly trail: readonly StoredStep[];
  readonly requestId: string | null;
  readonly traceparent: string | null;
  readonly createdAt: Timestamp;
  readonly updatedAt: Timestamp;
  readonly expireAt: Timestamp;
}
export const storedDeadLetter = storedAs<StoredDeadLetter>();

interface StoredStep {
  readonly at: Timestamp;
  readonly what: "died" | "replayed" | "discarded";
  readonly by?: string;
  readonly attempts?: number;
  readonly cause?: Cause;
  /** Names the delivery that died. */
  readonly source?: string;
}

/** Dead letters are kept for this time. */
export const DEAD_LETTER_TTL_MS = 90 * 24 * 3600 * 1000;
export const TRAIL_MAX = 20;
/** A document holds 1 MiB; what is larger is cut, and can only be discarded. */
export const PAYLOAD_CHARS_MAX = 200_000;

export const deadLettersOf = (firestore: Firestore): CollectionReference =>
  firestore.collection("system").doc("operations").collection("deadLetters");

/** Work that dies again keeps its dead letter. */
export const deadLetterId = ({ function: name, payload }: Pick<Death, "function" | "payload">): string =>
  derivedId("dead-letter", name, JSON.stringify(payload ?? null));

/** Keeps a delivery that was given up. Idempotent for each delivery. 1 read and 1 write. */
export async function keepDeadLetter(
  deps: Pick<Deps, "firestore" | "clock" | "log">,
  death: Death,
  context: { readonly requestId: string | undefined; readonly traceparent: string | undefined },
): Promise<{ deadLetter: string; isNew: boolean }> {
  const id = deadLetterId(death);
  const ref = deadLettersOf(deps.firestore).doc(id);
  const nowMs = deps.clock.now();
  const at = Timestamp.fromMillis(nowMs);
  const { attempts, cause, source } = death;
  const step: StoredStep = { at, what: "died", attempts, cause, source };
  const work = deps.firestore.runTransaction(async (transaction) => {
    const before = storedDeadLetter(await transaction.get(ref));
    if (before?.trail.some((each) => each.source === source)) return false;
    const stored: StoredDeadLetter = {
      function: death.function,
      trigger: death.trigger,
      state: "dead",
      cause,
      payload: JSON.stringify(death.payload ?? null).slice(0, PAYLOAD_CHARS_MAX),
      deaths: (before?.deaths ?? 0) + 1,
      replays: before?.replays ?? 0,
      trail: [...(before?.trail ?? []), step].slice(-TRAIL_MAX),
      requestId: context.requestId ?? null,
      traceparent: context.traceparent ?? null,
      createdAt: before?.createdAt ?? at,
      updatedAt: at,
      expireAt: Timestamp.fromMillis(nowMs + DEAD_LETTER_TTL_MS),
    };
    transaction.set(ref, stored);
    return true;
  });
  const isNew = await within(READ_MS_MAX, work);
  if (isNew) {
    deps.log.write("ERROR", "A delivery was given up and is kept.", {
      event: "dead-letter.kept",
      deadFunction: death.function,
      cause: cause.code,
      attempts,
      deadLetter: id,
    });
  }
  return { deadLetter: id, isNew };
}

export interface DeadLetterQuery {
  readonly function?: string | undefined;
  readonly state?: DeadLetterState | undefined;
  readonly cursor?: string | undefined;
  readonly limit: number;
}

/** A page of dead letters, the newest death first. One query, one read for each. */
export function listDeadLetters(
  deps: Deps,
  { function: name, state, ...page }: DeadLetterQuery,
): Promise<NewestFirst<DeadLetter>> {
  let query: Query = deadLettersOf(deps.firestore);
  if (name !== undefined) query = query.where("function", "==", name);
  if (state !== undefined) query = query.where("state", "==", state);
  return newestFirst(
    deps,
    query,
    { field: "updatedAt", scope: ["dead-letters", name ?? "", state ?? ""], view: viewOf },
    page,
  );
}

/** One read. @throws AppError `not_found` */
export async function readDeadLetter(deps: Pick<Deps, "firestore">, id: string): Promise<DeadLetter> {
  const found = await within(READ_MS_MAX, deadLettersOf(deps.firestore).doc(id).get());
  if (!found.exists) throw noSuchLetter();
  return viewOf(found);
}

export const noSuchLetter = (): AppError => new AppError("not_found", "There is no such dead letter.");

/**
 * Notes that it was delivered again, or that it never will be. 1 read and 1 write. @throws AppError
 * `not_found`
 */
export async function settleDeadLetter(
  deps: Pick<Deps, "firestore" | "clock">,
  id: string,
  what: "replayed" | "discarded",
  { by, replays }: { readonly by: string; readonly replays?: number },
): Promise<DeadLetter> {
  const ref = deadLettersOf(deps.firestore).doc(id);
  const at = Timestamp.fromMillis(deps.clock.now());
  const work = deps.firestore.runTransaction(async (transaction) => {
    const found = await transaction.get(ref);
    const stored = storedDeadLetter(found);
    if (stored === undefined) throw noSuchLetter();
    // Somebody has settled this very death meanwhile.
    if (replays !== undefined && stored.replays >= replays) return stored;
    if (what === "discarded" && stored.state === "discarded") return stored;
    const next: StoredDeadLetter = {
      ...stored,
      state: what,
      replays: replays ?? stored.replays,
      trail: [...stored.trail, { at, what, by }].slice(-TRAIL_MAX),
      updatedAt: at,
    };
    transaction.set(ref, next);
    return next;
  });
  return view(id, await within(READ_MS_MAX, work));
}

/** What is needed to deliver it again. One read. @throws AppError `not_found`, `conflict` for what was cut */
export async function readForReplay(
  deps: Pick<Deps, "firestore">,
  id: string,
): Promise<{
  readonly function: string;
  readonly trigger: "event" | "task";
  readonly state: DeadLetterState;
  readonly payload: object;
  readonly replays: number;
  readonly requestId: string | null;
  readonly traceparent: string | null;
}> {
  const found = await within(READ_MS_MAX, deadLettersOf(deps.firestore).doc(id).get());
  const stored = storedDeadLetter(found);
  if (stored === undefined) throw noSuchLetter();
  const payload = parsedPayload(stored.payload);
  if (typeof payload !== "object" || payload === null) {
    throw new AppError("conflict", "What was delivered is no JSON object, and can only be discarded.");
  }
  return { ...stored, payload };
}

const viewOf = (found: DocumentSnapshot): DeadLetter => view(found.id, demandStored(storedDeadLetter(found)));

const view = (
  id: string,
  {
    payload,
    trail,
    createdAt,
    updatedAt,
    expireAt: _expireAt,
    traceparent: _trace,
    ...rest
  }: StoredDeadLetter,
): DeadLetter => ({
  id,
  ...rest,
  payload: parsedPayload(payload),
  trail: trail.map(({ at, source: _source, ...step }) => ({ at: at.toDate().toISOString(), ...step })),
  createdAt: createdAt.toDate().toISOString(),
  updatedAt: updatedAt.toDate().toISOString(),
});

/** What was cut is no JSON any more, and shown as it stands. */
function parsedPayload(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
