import { storedAs } from "../platform/stored.ts";
import type { App } from "../identity/app.ts";
import type { AppSettings } from "../identity/contract.ts";
import type { Deps } from "../platform/deps.ts";
import { AppError } from "../platform/errors.ts";
import type { DocumentReference } from "../platform/firestore.ts";
import { FieldPath, FieldValue, Timestamp } from "../platform/firestore-values.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import { ANSWER_MS_MAX } from "./contract.ts";
import { affordableTokens, costOf, priceOf } from "./price.ts";

/** What has been spent on a day, and what is held for answers under way, by their ids. */
interface StoredBudget {
  readonly spentMicros: number;
  readonly held?: Readonly<Record<string, { readonly micros: number; readonly untilMs: number }>>;
  readonly expireAt: Timestamp;
}
export const storedBudget = storedAs<StoredBudget>();

/** An answer of fewer tokens is not worth beginning. */
export const ANSWER_TOKENS_MIN = 32;
/** An attempt that has died holds its money no longer than it could have lived. */
export const HELD_MS = ANSWER_MS_MAX.slow + 60_000;
const BUDGET_TTL_MS = 40 * 24 * 3600 * 1000;

export type Holding =
  /** `day` is to be settled by; undefined where there are no budgets. */
  | { readonly kind: "held"; readonly day: string | undefined; readonly maxTokens: number }
  /** Nothing is left for this day. */
  | { readonly kind: "exhausted"; readonly whose: "app" | "person" };

const budgetsOf = (app: App) => app.collection("budgets");
const appBudget = (app: App, day: string): DocumentReference => budgetsOf(app).doc(day);
const personBudget = (app: App, day: string, person: string): DocumentReference =>
  budgetsOf(app).doc(`${day}.${person}`);
export const budgetDocs = (app: App, day: string, person: string): DocumentReference[] => [
  appBudget(app, day),
  personBudget(app, day, person),
];

/**
 * Holds what an answer may cost at most, before the model is called: all attempts at one answer hold it once.
 * Nothing without budgets; otherwise 2 reads and 2 writes in a transaction, which answers that begin at the
 * same time take one after the other: an app with a budget begins a few answers a second for each budget
 * document that they share.
 * @throws AppError `unavailable` while what is left is held for other answers
 */
export async function holdBudget(
  deps: Pick<Deps, "firestore" | "clock" | "log">,
  app: App,
  settings: AppSettings,
  asked: {
    readonly id: string;
    readonly asker: string;
    readonly models: readonly string[];
    readonly inputTokens: number;
    /** The longest answer that a model may give. */
    readonly outputTokens: number;
  },
): Promise<Holding> {
  const { appPerDay, personPerDay } = settings.assistant.budgets;
  if (appPerDay === null && personPerDay === null) {
    return { kind: "held", day: undefined, maxTokens: asked.outputTokens };
  }
  const nowMs = deps.clock.now();
  const day = new Date(nowMs).toISOString().slice(0, 10);
  const refs = budgetDocs(app, day, asked.asker);
  const limits = [appPerDay, personPerDay];
  const { id, models, inputTokens } = asked;
  const prices = models.map((model) => priceOf(settings, model));
  const tokensFor = (micros: number): number =>
    Math.min(asked.outputTokens, ...prices.map((price) => affordableTokens(price, inputTokens, micros)));
  const work = deps.firestore.runTransaction(async (transaction): Promise<Holding> => {
    const found = await transaction.getAll(...refs);
    const budgets = found.map((each) => storedBudget(each) ?? NOTHING);
    const held = budgets.map(({ held: all }) =>
      Object.fromEntries(
        Object.entries(all ?? {}).filter(([other, { untilMs }]) => other !== id && untilMs > nowMs),
      ),
    );
    const left = budgets.map(({ spentMicros }, index) => (limits[index] ?? Infinity) - spentMicros);
    const free = left.map(
      (micros, index) =>
        micros - Object.values(held[index] ?? {}).reduce((sum, each) => sum + each.micros, 0),
    );
    const poor = left.findIndex((micros) => tokensFor(micros) < ANSWER_TOKENS_MIN);
    if (poor >= 0) return { kind: "exhausted", whose: poor === 0 ? "app" : "person" };
    const maxTokens = tokensFor(Math.min(...free));
    if (maxTokens < ANSWER_TOKENS_MIN) {
      throw new AppError("unavailable", "What is left of the budget is held for other answers.", {
        retryAfterSeconds: 5,
      });
    }
    const micros = Math.max(
      ...prices.map((price) => costOf(price, { inputTokens, outputTokens: maxTokens })),
    );
    for (const [index, ref] of refs.entries()) {
      transaction.set(ref, {
        spentMicros: budgets[index]?.spentMicros ?? 0,
        held: { ...held[index], [id]: { micros, untilMs: nowMs + HELD_MS } },
        expireAt: Timestamp.fromMillis(nowMs + BUDGET_TTL_MS),
      });
    }
    return { kind: "held", day, maxTokens };
  });
  const holding = await within(READ_MS_MAX, work);
  if (holding.kind === "exhausted") {
    deps.log.warn("A budget is used up.", {
      event: "budget.exhausted",
      app: app.id,
      whose: holding.whose,
      day,
    });
  }
  return holding;
}

const NOTHING: Omit<StoredBudget, "expireAt"> = { spentMicros: 0 };

/** For the commit that ends an answer: what it has cost is spent, what was held for it is free. */
export const settlement = (
  app: App,
  day: string,
  asker: string,
  { answer, costMicros }: { readonly answer: string; readonly costMicros: number },
) =>
  budgetDocs(app, day, asker).map((ref) => ({
    ref,
    fields: [
      ["spentMicros", FieldValue.increment(costMicros)],
      [new FieldPath("held", answer), FieldValue.delete()],
    ] as const,
  }));

/**
 * Settles an answer that can't be ended any more, as its message is gone: what it has cost is spent, what was
 * held is free. 2 reads and 2 writes in a transaction; nothing when it has been settled. Idempotent.
 */
export async function settleGone(
  deps: Pick<Deps, "firestore">,
  app: App,
  gone: { readonly id: string; readonly day: string; readonly asker: string; readonly costMicros: number },
): Promise<void> {
  const refs = budgetDocs(app, gone.day, gone.asker);
  const work = deps.firestore.runTransaction(async (transaction) => {
    const found = await transaction.getAll(...refs);
    const isHeld = found.some((each) => storedBudget(each)?.held?.[gone.id] !== undefined);
    if (!isHeld) return;
    for (const ref of refs) {
      transaction.update(
        ref,
        "spentMicros",
        FieldValue.increment(gone.costMicros),
        new FieldPath("held", gone.id),
        FieldValue.delete(),
      );
    }
  });
  await within(READ_MS_MAX, work);
}

/**
 * What the app itself spends, on a summary, a title or a comparison: counted when it is done. Undefined where
 * the app has no budget.
 */
export const appSpending = (app: App, settings: AppSettings, day: string, costMicros: number) =>
  settings.assistant.budgets.appPerDay === null
    ? undefined
    : { ref: appBudget(app, day), fields: { spentMicros: FieldValue.increment(costMicros) } };

/** Whether the app's budget of the day is used up. 1 read where there is one. */
export async function isAppExhausted(
  deps: Pick<Deps, "clock">,
  app: App,
  settings: AppSettings,
): Promise<boolean> {
  const { appPerDay } = settings.assistant.budgets;
  if (appPerDay === null) return false;
  const day = new Date(deps.clock.now()).toISOString().slice(0, 10);
  const found = await within(READ_MS_MAX, appBudget(app, day).get());
  return (storedBudget(found)?.spentMicros ?? 0) >= appPerDay;
}
