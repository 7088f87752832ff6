import { type Clock, systemClock } from "./clock.ts";
import type { Config } from "./config.ts";
import { type Firestore, openFirestore } from "./firestore.ts";
import { createKeys, type Keys } from "./keys.ts";
import { createLog, type Log } from "./log.ts";
import { type Mailer, openMailer } from "./mailer.ts";
import { openPublisher, type Publisher } from "./publisher.ts";
import { openTaskQueue, type TaskQueue } from "./task-queue.ts";

/** What the domains work with. Built once an instance; passed as an argument everywhere. */
export interface Deps {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly keys: Keys;
  readonly firestore: Firestore;
  readonly publisher: Publisher;
  readonly tasks: TaskQueue;
  readonly mailer: Mailer;
}

export function openDeps(config: Config, replaced: Partial<Pick<Deps, "clock" | "log">> = {}): Deps {
  return {
    config,
    clock: replaced.clock ?? systemClock,
    log: replaced.log ?? createLog(config),
    keys: createKeys(config.secret),
    firestore: openFirestore(config),
    publisher: openPublisher(config),
    tasks: openTaskQueue(config),
    mailer: openMailer(config),
  };
}

/** Sends what is still buffered and closes every connection. */
export async function closeDeps(deps: Deps): Promise<void> {
  await deps.publisher.close();
  await deps.tasks.close();
  await deps.mailer.close();
  await deps.firestore.terminate();
}
