import type { ApiClient } from "./api-client.ts";

/** What happened at every instance while something was ended. */
export interface Ending {
  /** From the call that ends it until the last answer, anywhere, that still accepted: an upper bound. */
  readonly lastAcceptedMs: number;
  readonly accepted: number;
  /** Requests of others that were refused meanwhile. */
  readonly honestRefused: number;
  readonly honest: number;
}

/** After so many refusals in a row an instance counts as accepting no more. */
const REFUSALS_IN_A_ROW = 5;
/** On average each instance has accepted so often before the end. */
const ACCEPTED_FIRST = 5;
const GIVE_UP_MS = 20_000;

/**
 * Has every instance asked without pause with what is to be ended, and with what is not, while `end` is
 * called. Resolves once no instance accepts the former.
 */
export async function watchEnding(
  instances: readonly { ended(): Promise<number>; honest: (() => Promise<number>) | undefined }[],
  end: () => Promise<unknown>,
): Promise<Ending> {
  let endedAtMs = Infinity;
  let lastAcceptedMs = 0;
  let accepted = 0;
  let honest = 0;
  let honestRefused = 0;
  const underLoad = Promise.withResolvers<void>();
  const over = new AbortController();
  const deadlineMs = performance.now() + GIVE_UP_MS;
  const watch = async (ask: () => Promise<number>): Promise<void> => {
    for (let refusals = 0; refusals < REFUSALS_IN_A_ROW;) {
      if (performance.now() > deadlineMs) throw new Error("It is still accepted.");
      const isAccepted = (await ask()) === 200;
      refusals = isAccepted ? 0 : refusals + 1;
      if (!isAccepted) continue;
      accepted += 1;
      if (accepted >= ACCEPTED_FIRST * instances.length) underLoad.resolve();
      lastAcceptedMs = Math.max(lastAcceptedMs, performance.now() - endedAtMs);
    }
  };
  const serve = async (ask: () => Promise<number>): Promise<void> => {
    while (!over.signal.aborted) {
      honest += 1;
      if ((await ask()) !== 200) honestRefused += 1;
    }
  };
  const serving = instances.flatMap(({ honest: ask }) => (ask === undefined ? [] : [serve(ask)]));
  const watching = instances.map((instance) => watch(() => instance.ended()));
  await Promise.race([underLoad.promise, ...watching]);
  endedAtMs = performance.now();
  await end();
  await Promise.all(watching).finally(() => over.abort());
  await Promise.all(serving);
  return { lastAcceptedMs, accepted, honestRefused, honest };
}

/** An instance's view of one token. */
export const asks = (client: ApiClient, path: string) => async (): Promise<number> =>
  (await client.get(path)).status;
