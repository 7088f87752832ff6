import { NewMigration } from "../jobs/contract.ts";
import type { JobKind, Stepped } from "../jobs/run-job.ts";
import type { Deps } from "../platform/deps.ts";
import { AppError, GRPC, grpcCode } from "../platform/errors.ts";
import type { DocumentSnapshot } from "../platform/firestore.ts";
import { FieldPath } from "../platform/firestore-values.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import { calmCrowds } from "./calm-crowds.ts";
import { chatBlocks } from "./chat-blocks.ts";
import { chatCrowds } from "./chat-crowds.ts";
import type { Migration } from "./migration.ts";
import { chatNameKeys, userNameKeys } from "./name-keys.ts";
import { ownArchive } from "./own-archive.ts";
import { silentMessages } from "./silent-messages.ts";

export const MIGRATE = "migrate";

/** Every migration that can be run; one is taken out when no deployment needs it any more. */
export const migrations: readonly Migration[] = [
  chatBlocks,
  chatCrowds,
  calmCrowds,
  ownArchive,
  silentMessages,
  userNameKeys,
  chatNameKeys,
];

/** Documents of one step. */
export const MIGRATION_PAGE = 200;

/** @throws AppError `not_found` */
export function migrationNamed(name: string, among: readonly Migration[] = migrations): Migration {
  const found = among.find((migration) => migration.name === name);
  if (found === undefined) throw new AppError("not_found", "There is no such migration.");
  return found;
}

/**
 * Goes through all documents in the order of their names, so many a second, and changes those that have the
 * old form; with `dryRun` it only counts them. Documents that are written meanwhile are left as they are
 * found by their writers, and looked at again at once. Each page costs 1 query, a read for each document and
 * a write for each that is changed, and what the migration does besides.
 */
export const migrate =
  (deps: Pick<Deps, "firestore" | "clock" | "log">, among = migrations): JobKind =>
  async (input, cursor): Promise<Stepped> => {
    const { name, dryRun, perSecond } = NewMigration.parse(input);
    const migration = migrationNamed(name, among);
    const begunMs = deps.clock.now();
    let query = migration.documents(deps.firestore).orderBy(FieldPath.documentId()).limit(MIGRATION_PAGE);
    const { path, at } = positionOf(cursor);
    if (path !== "") query = query.startAfter(deps.firestore.doc(path));
    const found = await within(READ_MS_MAX, query.get());
    let changed = 0;
    let before = path;
    for (const [index, document] of found.docs.entries()) {
      if (migration.change(document) !== undefined) {
        changed += 1;
        if (!dryRun && migration.work === undefined) await changeDocument(migration, document);
        const next = dryRun ? null : ((await migration.work?.(document, index === 0 ? at : null)) ?? null);
        if (next !== null) return { cursor: `${before}${WITHIN}${next}`, done: changed - 1 };
      }
      before = document.ref.path;
    }
    const last = found.docs.at(-1);
    const isLast = last === undefined || found.size < MIGRATION_PAGE;
    return {
      cursor: isLast ? null : last.ref.path,
      done: changed,
      notBefore: begunMs + (found.size / perSecond) * 1000,
    };
  };

/** In a cursor: after this document, and so far in the work on the next. */
const WITHIN = "\n";

function positionOf(cursor: string | null): { readonly path: string; readonly at: string | null } {
  const [path = "", at = null] = cursor?.split(WITHIN) ?? [];
  return { path, at };
}

/** Reads again for as long as others write. */
async function changeDocument(migration: Migration, document: DocumentSnapshot): Promise<void> {
  for (let current = document; ; current = await within(READ_MS_MAX, document.ref.get())) {
    const change = migration.change(current);
    if (change === undefined || current.updateTime === undefined) return;
    try {
      const batch = document.ref.firestore.batch();
      for (const { found, data } of (await migration.besides?.(current)) ?? []) {
        if (found.updateTime === undefined) batch.create(found.ref, { ...data });
        else batch.update(found.ref, { ...data }, { lastUpdateTime: found.updateTime });
      }
      batch.update(document.ref, { ...change }, { lastUpdateTime: current.updateTime });
      await within(READ_MS_MAX, batch.commit());
      return;
    } catch (cause) {
      const code = grpcCode(cause);
      if (code === GRPC.notFound) return;
      if (code !== GRPC.failedPrecondition && code !== GRPC.aborted && code !== GRPC.alreadyExists)
        throw cause;
    }
  }
}
