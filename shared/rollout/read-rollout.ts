import type { App } from "../identity/app.ts";
import { AppError } from "../platform/errors.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import { DECISIONS_SHOWN_MAX, type Rollout } from "./contract.ts";
import { listDecisions, type RolledBack, rolloutFrom, rolloutRef, type StoredRollout } from "./store.ts";

/** 1 read. @throws AppError `not_found` */
export async function readStoredRollout(app: App, name: string): Promise<StoredRollout> {
  const found = await within(READ_MS_MAX, rolloutRef(app, name).get());
  if (!found.exists) throw new AppError("not_found", "There is no such rollout.");
  return rolloutFrom(found);
}

/**
 * What is asked of a rollout, how it stands, and what has been decided lately. 1 read, and 1 for each
 * decision.
 * @throws AppError `not_found`
 */
export async function readRollout(app: App, name: string): Promise<Rollout> {
  return rolloutView(app, await readStoredRollout(app, name));
}

/** A read for each decision. */
export async function rolloutView(app: App, stored: StoredRollout): Promise<Rollout> {
  const { name, revision, definition, trial, percent, isRunning, rolledBack, withdrawn, updatedAt } = stored;
  return {
    name,
    revision,
    definition,
    state: {
      trial,
      percent,
      isRunning,
      rolledBack: rolledBack && backView(rolledBack),
      withdrawn: withdrawn.map((each) => ({ segment: { language: each.language }, ...backView(each) })),
    },
    decisions: await listDecisions(app, name, DECISIONS_SHOWN_MAX),
    updatedAt: updatedAt.toDate().toISOString(),
  };
}

const backView = ({ at, figures }: RolledBack) => ({ at: at.toDate().toISOString(), figures: [...figures] });
