import type { App } from "../identity/app.ts";
import type { Principal } from "../identity/principal.ts";
import type { Job } from "../jobs/contract.ts";
import { jobView, type StoredJob, storedJob } from "../jobs/jobs.ts";
import type { Deps } from "../platform/deps.ts";
import { AppError } from "../platform/errors.ts";
import type { DocumentSnapshot } from "../platform/firestore.ts";
import { type NewestFirst, newestFirst } from "../platform/newest-first.ts";
import { demandStored } from "../platform/stored.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import { transferRef, transfersBy } from "./store.ts";

/** One of the caller's own. 1 read. @throws AppError `not_found` */
export async function readTransfer(app: App, by: Principal, id: string): Promise<Job> {
  return jobView(id, theirs(await within(READ_MS_MAX, transferRef(app, id).get()), by));
}

/** The caller's own, the newest first. 1 query, a read for each. */
export const listTransfers = (
  deps: Pick<Deps, "keys">,
  app: App,
  by: Principal,
  page: { readonly cursor?: string | undefined; readonly limit: number },
): Promise<NewestFirst<Job>> =>
  newestFirst(
    deps,
    transfersBy(app, by.id),
    {
      field: "createdAt",
      scope: ["transfers", app.id, by.id],
      view: (found) => jobView(found.id, demandStored(storedJob(found))),
    },
    page,
  );

/** @throws AppError `not_found`: absent and somebody else's look the same */
export function theirs(found: DocumentSnapshot, { id }: Principal): StoredJob {
  const stored = storedJob(found);
  if (stored?.createdBy !== id) throw new AppError("not_found", "There is no such job.");
  return stored;
}
