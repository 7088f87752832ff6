import { type Deps } from "../platform/deps.ts";
import { AppError, GRPC, grpcCode } from "../platform/errors.ts";
import type { DocumentReference } from "../platform/firestore.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import { storedAs } from "../platform/stored.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";

/**
 * The directory of a deployment that consists of cells: in which of them each app lives. It is one document
 * for each app, in the database of the first cell, read by a cell only for apps that it does not have.
 */
interface StoredHome {
  readonly cell: string;
  readonly since: Timestamp;
}
const storedHome = storedAs<StoredHome>();

type HomeDeps = Pick<Deps, "cells" | "clock">;

const homeRef = ({ cells }: Pick<Deps, "cells">, app: string): DocumentReference =>
  cells.directory().collection("system").doc("cells").collection("homes").doc(app);

/** The name of the cell; undefined for an app that is nowhere, or without cells. One read. */
export async function findHome(deps: Pick<Deps, "cells">, app: string): Promise<string | undefined> {
  if (deps.cells.own === undefined) return undefined;
  return storedHome(await within(READ_MS_MAX, homeRef(deps, app).get()))?.cell;
}

/**
 * Takes the id of an app for this cell, so that no other cell gives it away; nothing without cells.
 * Idempotent. 1 write, and 1 read where it is taken. @throws AppError `conflict` when it is another's
 */
export async function claimHome(deps: HomeDeps, app: string): Promise<void> {
  const { own } = deps.cells;
  if (own === undefined) return;
  const stored: StoredHome = { cell: own.name, since: Timestamp.fromMillis(deps.clock.now()) };
  try {
    await within(READ_MS_MAX, homeRef(deps, app).create({ ...stored }));
  } catch (cause) {
    if (grpcCode(cause) !== GRPC.alreadyExists) throw cause;
    if ((await findHome(deps, app)) === own.name) return;
    throw new AppError("conflict", "An app with this id exists already.");
  }
}

/** Says that an app lives in a cell from now on. 1 write. Idempotent. */
export async function setHome(deps: HomeDeps, app: string, cell: string): Promise<void> {
  const stored: StoredHome = { cell, since: Timestamp.fromMillis(deps.clock.now()) };
  await within(READ_MS_MAX, homeRef(deps, app).set({ ...stored }));
}

/** The error that tells a client where the app is. */
export function livesElsewhere({ cells }: Pick<Deps, "cells">, name: string): AppError {
  const { url } = cells.named(name);
  return new AppError("moved", "The app lives in another cell: ask there.", { cell: { name, url } });
}
