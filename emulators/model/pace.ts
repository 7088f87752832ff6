import { setTimeout } from "node:timers/promises";

export interface Pace {
  readonly firstTokenMs: number;
  readonly tokensPerSecond: number;
}

/**
 * Yields the tokens when they are due, in batches where several are due. The schedule counts from the
 * beginning, so that late timers do not add up. Throws an AbortError when the caller is gone.
 */
export async function* inPace(
  tokens: readonly string[],
  { firstTokenMs, tokensPerSecond }: Pace,
  gone: AbortSignal,
): AsyncGenerator<readonly string[]> {
  const begunAt = performance.now() + firstTokenMs;
  await pause(firstTokenMs, gone);
  for (let sent = 0; sent < tokens.length;) {
    const elapsedSeconds = Math.max(performance.now() - begunAt, 0) / 1000;
    const due = 1 + Math.floor(elapsedSeconds * tokensPerSecond);
    if (due > sent) {
      yield tokens.slice(sent, due);
      sent = Math.min(due, tokens.length);
    }
    if (sent < tokens.length)
      await pause(begunAt + (sent / tokensPerSecond) * 1000 - performance.now(), gone);
  }
}

/** Waits by the machine's time; a wait that is over already only lets others have their turn. */
export const pause = (ms: number, gone: AbortSignal): Promise<void> =>
  setTimeout(Math.max(ms, 0), undefined, { signal: gone });

/** Waits until the caller hangs up. */
export const untilGone = (gone: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (gone.aborted) resolve();
    else gone.addEventListener("abort", () => resolve(), { once: true });
  });
