import { storedAs } from "../platform/stored.ts";
import type { App } from "../identity/app.ts";
import type {
  CollectionReference,
  DocumentReference,
  DocumentSnapshot,
  Firestore,
  Query,
} from "../platform/firestore.ts";
import { FieldValue, Timestamp } from "../platform/firestore-values.ts";
import { RECORDED_AT } from "../platform/follow.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import type { Decision, DecisionKind, Figures, RolloutDefinition } from "./contract.ts";

/** A rollout's document: what was asked for, and how it stands. */
export interface StoredRollout {
  readonly name: string;
  /** Moves with every decision. */
  readonly revision: number;
  readonly definition: RolloutDefinition;
  readonly trial: number;
  /** The share of the present step. Kept here, not computed from each instance's clock, so that all agree. */
  readonly percent: number;
  /** Whether there is something to judge: the judge finds rollouts by it. */
  readonly isRunning: boolean;
  readonly rolledBack: RolledBack | null;
  readonly withdrawn: readonly Withdrawn[];
  readonly updatedAt: Timestamp;
}

export interface RolledBack {
  readonly at: Timestamp;
  readonly figures: readonly Figures[];
}
export interface Withdrawn extends RolledBack {
  readonly language: string;
}

/** Written once with the change that it explains, never changed. */
export interface StoredDecision {
  readonly revision: number;
  readonly kind: DecisionKind;
  readonly at: Timestamp;
  readonly by: string;
  readonly trial: number;
  readonly percent: number;
  readonly language: string | null;
  readonly figures: readonly Figures[];
  readonly definition: RolloutDefinition;
}
export const storedDecision = storedAs<StoredDecision>();

export const rolloutsOf = (app: App): CollectionReference => app.collection("rollouts");
export const rolloutRef = (app: App, name: string): DocumentReference => rolloutsOf(app).doc(name);
const decisionsOf = (app: App, name: string): CollectionReference =>
  rolloutRef(app, name).collection("decisions");

/** What documents of the collection say, without the fields that only lists and queries need. */
export const rolloutFrom = (document: DocumentSnapshot): StoredRollout => {
  const { [RECORDED_AT]: _recordedAt, ...stored } = document.data() ?? {};
  return stored as StoredRollout;
};

/** Why a rollout is as it is. */
export interface Reasons {
  readonly kind: DecisionKind;
  readonly by: string;
  readonly language?: string | undefined;
  readonly figures?: readonly Figures[];
}

/**
 * Stores a rollout's next state and the decision that led to it, or neither: whoever decided on an older
 * state is refused. 1 commit, 2 writes.
 * @throws Google's `FAILED_PRECONDITION` or `ALREADY_EXISTS` when somebody else was faster
 */
export async function commitDecision(
  firestore: Firestore,
  app: App,
  { before, next }: { readonly before: DocumentSnapshot; readonly next: StoredRollout },
  { kind, by, language, figures = [] }: Reasons,
): Promise<void> {
  const { revision, trial, percent, definition, updatedAt } = next;
  const ref = rolloutRef(app, next.name);
  const decision: StoredDecision = {
    revision,
    kind,
    at: updatedAt,
    by,
    trial,
    percent,
    language: language ?? null,
    figures,
    definition,
  };
  const batch = firestore.batch();
  const fields = { ...next, [RECORDED_AT]: FieldValue.serverTimestamp() };
  if (before.updateTime === undefined) batch.create(ref, fields);
  else batch.update(ref, fields, { lastUpdateTime: before.updateTime });
  batch.create(decisionsOf(app, next.name).doc(String(revision)), { ...decision });
  await within(READ_MS_MAX, batch.commit());
}

/** One query, a read for each. Newest first. */
export async function listDecisions(app: App, name: string, limit: number): Promise<Decision[]> {
  const query = decisionsOf(app, name).orderBy("revision", "desc").limit(limit);
  const found = await within(READ_MS_MAX, query.get());
  return found.docs.map((document) => {
    const { at, ...stored } = storedDecision(document);
    return { ...stored, figures: [...stored.figures], at: at.toDate().toISOString() };
  });
}

/** How many rollouts the app has. 1 read. */
export async function countRollouts(app: App): Promise<number> {
  return (await within(READ_MS_MAX, rolloutsOf(app).count().get())).data().count;
}

/** Rollouts of all apps that have something to be judged. */
export const runningRollouts = (firestore: Firestore, limit: number): Query =>
  firestore.collectionGroup("rollouts").where("isRunning", "==", true).limit(limit);

export const percentAt = ({ mode, steps }: RolloutDefinition, nowMs: number): number => {
  if (mode === "off") return 0;
  if (mode === "shadow" && steps.length === 0) return 100;
  return steps.findLast(({ from }) => Date.parse(from) <= nowMs)?.percent ?? 0;
};

export const momentOf = (ms: number): Timestamp => Timestamp.fromMillis(ms);
