import { type App, appHandle } from "../identity/app.ts";
import type { Deps } from "../platform/deps.ts";
import { GRPC, grpcCode } from "../platform/errors.ts";
import type { DocumentSnapshot, QueryDocumentSnapshot } from "../platform/firestore.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import { judge, type Verdict } from "./judge.ts";
import { foldOutcomes, isOver, listOutcomes } from "./outcome.ts";
import {
  commitDecision,
  momentOf,
  percentAt,
  type Reasons,
  rolloutFrom,
  runningRollouts,
  type StoredRollout,
} from "./store.ts";
import { strataOf } from "./tally.ts";

export type JudgeDeps = Pick<Deps, "firestore" | "clock" | "log">;

/** Rollouts read at once; a run goes through all pages. */
export const PAGE = 100;
/** Rollouts judged side by side. */
const AT_ONCE = 8;
const JUDGE = "judge";

export interface Judged {
  readonly judged: number;
  readonly rolledBack: number;
  readonly stepped: number;
  readonly failed: number;
}

/**
 * Compares the versions of every running rollout, rolls back what is worse, and takes the steps whose time
 * has come. Idempotent, and of several at once one decides. Costs a query and a read for each rollout, and
 * for each a query of its open outcomes; a commit of 2 writes for a decision, and now and then one that folds
 * outcomes. One rollout that can't be judged holds up no other.
 * @throws when Firestore can't be reached at all
 */
export async function judgeRollouts(deps: JudgeDeps): Promise<Judged> {
  const total = { judged: 0, rolledBack: 0, stepped: 0, failed: 0 };
  let last: QueryDocumentSnapshot | undefined;
  do {
    const query = runningRollouts(deps.firestore, PAGE);
    const page = await within(READ_MS_MAX, (last === undefined ? query : query.startAfter(last)).get());
    const waiting = [...page.docs];
    const work = async (): Promise<void> => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
        const outcome = await judgeOne(deps, next);
        total.judged += 1;
        if (outcome !== "kept") total[outcome] += 1;
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    last = page.size < PAGE ? undefined : page.docs.at(-1);
  } while (last !== undefined);
  return total;
}

type Outcome = "rolledBack" | "stepped" | "failed" | "kept";

async function judgeOne(deps: JudgeDeps, document: DocumentSnapshot): Promise<Outcome> {
  const id = document.ref.parent.parent?.id ?? "";
  const app = appHandle(deps.firestore, id);
  const rollout = rolloutFrom(document);
  try {
    const documents = await listOutcomes(app, rollout.name, rollout.trial);
    const now = deps.clock.now();
    const over = documents.filter((each) => isOver(each, now));
    await fold(app, rollout, over);
    const open = documents.filter((each) => !isOver(each, now)).map((each) => each.data() ?? {});
    const withdrawn = rollout.withdrawn.map(({ language }) => language);
    const verdict = judge(strataOf(open), withdrawn, rollout.definition.thresholds);
    const decided = decide(rollout, verdict, now);
    if (decided === undefined) return "kept";
    await commitDecision(deps.firestore, app, { before: document, next: decided.next }, decided.reasons);
    tell(deps, app, decided.next, decided.reasons);
    return decided.reasons.kind === "stepped" ? "stepped" : "rolledBack";
  } catch (cause) {
    // Somebody else has decided meanwhile; the next run looks at what they made of it.
    if (isLost(cause)) return "kept";
    deps.log.error("A rollout could not be judged; the next run does.", cause, {
      app: id,
      rollout: rollout.name,
    });
    return "failed";
  }
}

const isLost = (cause: unknown): boolean => {
  const code = grpcCode(cause);
  return code === GRPC.failedPrecondition || code === GRPC.alreadyExists;
};

/** Left to the next run when somebody writes into them, or another judge was faster. */
async function fold(
  app: App,
  { name, trial }: StoredRollout,
  over: readonly DocumentSnapshot[],
): Promise<void> {
  try {
    await foldOutcomes(app, name, trial, over);
  } catch (cause) {
    if (!isLost(cause) && grpcCode(cause) !== GRPC.notFound) throw cause;
  }
}

/** The rollout's next state; undefined when it stays as it is. Pure. */
function decide(
  rollout: StoredRollout,
  verdict: Verdict,
  nowMs: number,
): { readonly next: StoredRollout; readonly reasons: Reasons } | undefined {
  const at = momentOf(nowMs);
  const next = { ...rollout, revision: rollout.revision + 1, updatedAt: at };
  if (verdict.kind === "whole") {
    const { figures } = verdict;
    const reasons: Reasons = { kind: "rolled-back", by: JUDGE, figures };
    return { next: { ...next, isRunning: false, rolledBack: { at, figures } }, reasons };
  }
  if (verdict.kind === "segment") {
    const { language, figures } = verdict;
    const reasons: Reasons = { kind: "segment-rolled-back", by: JUDGE, language, figures };
    return { next: { ...next, withdrawn: [...rollout.withdrawn, { language, at, figures }] }, reasons };
  }
  const percent = percentAt(rollout.definition, nowMs);
  if (percent === rollout.percent) return undefined;
  return { next: { ...next, percent }, reasons: { kind: "stepped", by: JUDGE } };
}

function tell(deps: JudgeDeps, app: App, rollout: StoredRollout, { kind, language, figures }: Reasons): void {
  const isBack = kind !== "stepped";
  deps.log.write(
    isBack ? "WARNING" : "NOTICE",
    isBack ? "A candidate was rolled back." : "A rollout has taken a step.",
    {
      event: isBack ? "rollout.rolled-back" : "rollout.stepped",
      app: app.id,
      rollout: rollout.name,
      revision: rollout.revision,
      trial: rollout.trial,
      percent: rollout.percent,
      candidate: rollout.definition.candidate,
      ...(isBack ? { language: language ?? null, figures } : {}),
    },
  );
}
