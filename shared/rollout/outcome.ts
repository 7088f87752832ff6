import type { App } from "../identity/app.ts";
import type {
  CollectionReference,
  DocumentReference,
  DocumentSnapshot,
  Query,
  Transaction,
  WriteBatch,
} from "../platform/firestore.ts";
import { FieldValue, Timestamp } from "../platform/firestore-values.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import { languageOf, type Trial } from "./choose.ts";
import { bucketOf } from "./histogram.ts";
import {
  addCounts,
  addTally,
  emptyTally,
  type Pair,
  type StoredCounts,
  storedCounts,
  type Tally,
} from "./tally.ts";

/** An answer that has ended, whether or not anybody saw it. */
export interface Answered {
  readonly kind: "answered";
  readonly ok: boolean;
  readonly latencyMs: number;
  readonly firstTokenMs?: number | undefined;
  /** Of a shadow: whether it said something else than the stable version. */
  readonly shadowDiffers?: boolean | undefined;
}

/** A person's opinion of an answer, and the one it takes the place of. */
export interface Rated {
  readonly kind: "rated";
  readonly before?: "up" | "down" | undefined;
  readonly after?: "up" | "down" | undefined;
}

export type Outcome = (Answered | Rated) & {
  /** The rollout's name. */
  readonly name: string;
  /** As `choose` gave it with the version. */
  readonly trial: Trial;
  readonly language?: string | undefined;
};

/**
 * Documents that a busy app's outcomes of one window are spread over, each good for about one commit a
 * second.
 */
export const OUTCOME_SHARDS = 8;
/** Firestore takes so many increments of one document in a commit. */
export const TRANSFORMS_MAX = 500;
/** Counts that an outcome moves, at most: an answer, its two times, a shadow and its difference. */
const COUNTS_PER_OUTCOME_MAX = 5;
export const OUTCOMES_PER_DOCUMENT_MAX = TRANSFORMS_MAX / COUNTS_PER_OUTCOME_MAX;
/** Outcomes of a window are compared with those of the same window. */
export const WINDOW_MS = 6 * 3600 * 1000;
/**
 * Windows that the judge looks at, with the present one: what a version did before does not excuse what it
 * does.
 */
export const WINDOWS_OPEN = 5;

export const outcomesOf = (app: App): CollectionReference => app.collection("outcomes");
const trialKey = (name: string, trial: number): string => `${name}.${trial}`;

/** A document and the fields that are to be merged into it (`set` with `merge`). */
export interface OutcomeWrite {
  readonly ref: DocumentReference;
  readonly fields: Readonly<Record<string, unknown>>;
}

/**
 * The writes that count outcomes: 1 for each rollout and OUTCOMES_PER_DOCUMENT_MAX of them. Pure. An outcome
 * is counted exactly as often as the commit happens that they are in, so it is to be one that happens once:
 * that which records the answer as handled, on condition that it was not. `shardKey` spreads the writers,
 * such as a chat's number.
 */
export function outcomeWrites(
  app: App,
  shardKey: number,
  outcomes: readonly Outcome[],
  nowMs: number,
): OutcomeWrite[] {
  const windowMs = Math.floor(nowMs / WINDOW_MS) * WINDOW_MS;
  const shard = shardKey % OUTCOME_SHARDS;
  const byDocument = Map.groupBy(outcomes, ({ name, trial: { number, percent } }) =>
    [trialKey(name, number), windowMs, Math.round(percent * 100), shard].join("."),
  );
  return [...byDocument].flatMap(([id, all]) =>
    // Outcomes beyond the limit of one document go into further ones.
    chunksOf(all, OUTCOMES_PER_DOCUMENT_MAX).flatMap((together, at): OutcomeWrite[] => {
      const [first] = together;
      const counts = incrementsOf(countsOf(together));
      // Merging an empty map would overwrite what has been counted.
      if (first === undefined || Object.keys(counts).length === 0) return [];
      const { name, trial } = first;
      const windowAt = Timestamp.fromMillis(windowMs);
      const fields = { trial: trialKey(name, trial.number), windowAt, percent: trial.percent, counts };
      return [{ ref: outcomesOf(app).doc(at === 0 ? id : `${id}.${at}`), fields }];
    }),
  );
}

const chunksOf = <T>(all: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(all.length / size) }, (_, at) => all.slice(at * size, (at + 1) * size));

/** Adds the writes that count outcomes to a batch or transaction. */
export function addOutcomes(
  writer: WriteBatch | Transaction,
  app: App,
  shardKey: number,
  { outcomes, nowMs }: { readonly outcomes: readonly Outcome[]; readonly nowMs: number },
): void {
  for (const { ref, fields } of outcomeWrites(app, shardKey, outcomes, nowMs)) {
    // Transaction and WriteBatch have the same verb in types that do not unite.
    (writer as WriteBatch).set(ref, fields, { merge: true });
  }
}

function countsOf(outcomes: readonly Outcome[]): StoredCounts {
  const counts: Partial<Record<"stable" | "candidate", Record<string, Tally>>> = {};
  for (const outcome of outcomes) {
    const byLanguage = (counts[outcome.trial.arm] ??= {});
    const tally = (byLanguage[languageOf(outcome.language)] ??= emptyTally());
    addTally(tally, countsOfOutcome(outcome));
  }
  return counts;
}

export const countsOfOutcome = (outcome: Answered | Rated): Partial<Tally> =>
  outcome.kind === "answered" ? answered(outcome) : rated(outcome);

/** How long a failure took says nothing of how long answers take. */
function answered({ ok, latencyMs, firstTokenMs, shadowDiffers }: Answered): Partial<Tally> {
  return {
    answers: 1,
    errors: ok ? 0 : 1,
    ...(ok ? { latency: { [bucketOf(latencyMs)]: 1 } } : {}),
    ...(ok && firstTokenMs !== undefined ? { firstToken: { [bucketOf(firstTokenMs)]: 1 } } : {}),
    ...(shadowDiffers === undefined ? {} : { shadowRuns: 1, shadowDifferences: shadowDiffers ? 1 : 0 }),
  };
}

const rated = ({ before, after }: Rated): Partial<Tally> => ({
  up: Number(after === "up") - Number(before === "up"),
  down: Number(after === "down") - Number(before === "down"),
});

/** The same object with each number as an increment, and without zeros. */
function incrementsOf(counts: object): Record<string, unknown> {
  const entries = Object.entries(counts).flatMap(([name, value]): [string, unknown][] => {
    if (typeof value === "number") return value === 0 ? [] : [[name, FieldValue.increment(value)]];
    const below = incrementsOf(value as object);
    return Object.keys(below).length === 0 ? [] : [[name, below]];
  });
  return Object.fromEntries(entries);
}

/** The outcomes of a trial that have not been folded into its total, by window, share and shard. */
const openOutcomes = (app: App, name: string, trial: number): Query =>
  outcomesOf(app).where("trial", "==", trialKey(name, trial));

/** At most a document for each open window, share within it and shard: one query, a read for each. */
export async function listOutcomes(app: App, name: string, trial: number): Promise<DocumentSnapshot[]> {
  return (await within(READ_MS_MAX, openOutcomes(app, name, trial).get())).docs;
}

const totalRef = (app: App, name: string, trial: number): DocumentReference =>
  outcomesOf(app).doc(`${trialKey(name, trial)}.total`);

/** What was counted in windows that are over. 1 read. */
export async function readTotal(app: App, name: string, trial: number): Promise<StoredCounts> {
  return countsIn(await within(READ_MS_MAX, totalRef(app, name, trial).get()));
}

export const isOver = (document: DocumentSnapshot, nowMs: number): boolean =>
  (document.get("windowAt") as Timestamp).toMillis() <= nowMs - WINDOWS_OPEN * WINDOW_MS;

/** Documents that one commit folds. */
const FOLDED_MAX = 100;

/**
 * Moves the counts of windows that nobody looks at any more into the trial's total, so that a trial of months
 * costs a report no more than one of a day. 1 read and 1 commit; refused, and left to the next run, when one
 * of them is written meanwhile. The total is written as a whole and not by increments, of which a commit
 * takes TRANSFORMS_MAX for a document.
 */
export async function foldOutcomes(
  app: App,
  name: string,
  trial: number,
  over: readonly DocumentSnapshot[],
): Promise<void> {
  if (over.length === 0) return;
  const ref = totalRef(app, name, trial);
  const total = await within(READ_MS_MAX, ref.get());
  const languages = new Map<string, Pair>();
  addCounts(languages, countsIn(total));
  const batch = app.ref.firestore.batch();
  for (const document of over.slice(0, FOLDED_MAX)) {
    addCounts(languages, countsIn(document));
    const { updateTime } = document;
    batch.delete(document.ref, updateTime === undefined ? {} : { lastUpdateTime: updateTime });
  }
  const counts = storedCounts(languages);
  if (total.updateTime === undefined) batch.create(ref, { counts });
  else batch.update(ref, { counts }, { lastUpdateTime: total.updateTime });
  await within(READ_MS_MAX, batch.commit());
}

const countsIn = (document: DocumentSnapshot): StoredCounts => document.get("counts") ?? {};
