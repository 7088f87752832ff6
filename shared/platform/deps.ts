import { type Bucket, openBucket } from "./bucket.ts";
import { type Cells, openCells } from "./cells.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { Config } from "./config.ts";
import { type Firestore, openFirestore } from "./firestore.ts";
import { type KeyEncryption, openKeyEncryption } from "./key-encryption.ts";
import { createKeys, type Keys } from "./keys.ts";
import { createLog, type Log } from "./log.ts";
import { type Mailer, openMailer } from "./mailer.ts";
import { type Models, openModels } from "./models/models.ts";
import { openOutgoing, type Outgoing } from "./outgoing/outgoing.ts";
import { openPublisher, type Publisher } from "./publisher.ts";
import { openPush, type Push } from "./push.ts";
import { openScanner, type Scanner } from "./scanner.ts";
import { openTaskQueue, type TaskQueue } from "./task-queue.ts";
import { openTraces, type Traces } from "./traces.ts";
import { createUpkeep, type Upkeep } from "./upkeep.ts";
import { within } from "./within.ts";

/** What the domains work with. Built once an instance; passed as an argument everywhere. */
export interface Deps {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly keys: Keys;
  readonly keyEncryption: KeyEncryption;
  readonly firestore: Firestore;
  readonly publisher: Publisher;
  readonly tasks: TaskQueue;
  readonly bucket: Bucket;
  readonly cells: Cells;
  /** Undefined: nobody looks through files for viruses. */
  readonly scanner: Scanner | undefined;
  readonly mailer: Mailer;
  readonly push: Push;
  readonly models: Models;
  readonly outgoing: Outgoing;
  readonly upkeep: Upkeep;
  readonly traces: Traces;
}

export function openDeps(config: Config, replaced: Partial<Pick<Deps, "clock" | "log">> = {}): Deps {
  const keys = createKeys(config.secret);
  const log = replaced.log ?? createLog(config);
  const firestore = openFirestore(config);
  const bucket = openBucket(config);
  return {
    config,
    clock: replaced.clock ?? systemClock,
    log,
    keys,
    keyEncryption: openKeyEncryption(config),
    firestore,
    publisher: openPublisher(config),
    tasks: openTaskQueue(config),
    bucket,
    cells: openCells(config, { firestore, bucket }),
    scanner: openScanner(config),
    mailer: openMailer(config),
    push: openPush(config, log),
    models: openModels(config),
    outgoing: openOutgoing(config),
    upkeep: createUpkeep(config),
    traces: openTraces(config, log),
  };
}

/** A client that still waits for an answer is not waited for longer. */
const CLOSE_MS_MAX = 1_000;

/**
 * Sends what is still buffered and closes every connection. Never throws; takes at most twice CLOSE_MS_MAX.
 */
export async function closeDeps(deps: Deps): Promise<void> {
  // The Firestore client does not close while something listens, and fails what is still being read.
  await within(CLOSE_MS_MAX, deps.upkeep.close()).catch(() => undefined);
  const closing = [
    deps.publisher.close(),
    deps.tasks.close(),
    deps.keyEncryption.close(),
    deps.mailer.close(),
    deps.firestore.terminate(),
    deps.cells.close(),
    deps.traces.close(),
  ];
  await within(CLOSE_MS_MAX, Promise.allSettled(closing)).catch(() => undefined);
}
