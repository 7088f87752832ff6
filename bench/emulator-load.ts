import { Firestore } from "@google-cloud/firestore";
import { createCaller, type EmulatorProcess } from "./emulator-process.ts";
import { cpuOf } from "./measure.ts";

/** One line of the table: what was measured, as a ratio of something else on the same machine. */
export interface Finding {
  readonly what: string;
  readonly measured: string;
  readonly beside: string;
  /** Absent where the goal is a figure of its own. */
  readonly ratio: number | undefined;
  readonly goal: string;
  readonly met: boolean;
}

const PROJECT = "bench";
const DATABASE = `projects/${PROJECT}/databases/(default)`;

/** Google's client, without a look for Google's metadata server. */
export function clientOf(port: number): Firestore {
  process.env.METADATA_SERVER_DETECTION ??= "none";
  return new Firestore({
    projectId: PROJECT,
    host: `127.0.0.1:${port}`,
    ssl: false,
    customHeaders: { Authorization: "Bearer owner" },
  });
}

const LOOK_MS = 200;
const RESTING_CPU_MS = 20;
/** Looks at an idle process that tell it from one between two stretches of work. */
const RESTING_LOOKS = 3;

/**
 * Waits until a process has nothing left to do, so that what one run leaves behind does not slow the next.
 */
export async function untilResting({ pid }: EmulatorProcess): Promise<void> {
  for (let resting = 0; resting < RESTING_LOOKS;) {
    const before = cpuOf(pid);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    resting = cpuOf(pid) - before <= RESTING_CPU_MS ? resting + 1 : 0;
  }
}

/** Writes of one call, as many as Firestore took for years. */
const BATCH_WRITES = 500;
const LANES = 4;
export const MATCHES = 20;

/** Fills a collection with documents in which every kind and every tag is found `MATCHES` times. */
export async function fillCollection(
  port: number,
  collection: string,
  count: number,
  tell: (done: number) => void,
): Promise<void> {
  const caller = createCaller(port, "@google-cloud/firestore-api", "google.firestore.v1.Firestore");
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) {
      const first = next;
      next = Math.min(first + BATCH_WRITES, count);
      const writes = Array.from({ length: next - first }, (_, i) => documentOf(collection, first + i, count));
      await caller.call("Commit", { database: DATABASE, writes });
      tell(next);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  caller.close();
}

/** Numbers in an order that jumps about, so that what is written together is not found together. */
const scattered = (index: number, count: number): number => (index * 7_919) % count;

function documentOf(collection: string, index: number, count: number): object {
  const number = scattered(index, count);
  const groups = count / MATCHES;
  const tags = [0, 1, 2].map((each) => ({ stringValue: `tag-${(number + each * 17) % groups}` }));
  return {
    update: {
      name: `${DATABASE}/documents/${collection}/document-${String(number).padStart(9, "0")}`,
      fields: {
        kind: { stringValue: `kind-${number % groups}` },
        tags: { arrayValue: { values: tags } },
        number: { integerValue: number },
        text: { stringValue: `The text of document ${number}, about as long as a short message is.` },
      },
    },
  };
}
