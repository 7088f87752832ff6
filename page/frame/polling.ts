/**
 * Asks again and again while the page can be seen: after `everyMs`, and up to `slowestMs` when nothing is new
 * or asking fails. `ask` resolves with whether there was something new.
 */
export function poll({
  everyMs,
  slowestMs,
  ask,
}: {
  everyMs: number;
  slowestMs: number;
  ask: (signal: AbortSignal) => Promise<boolean>;
}) {
  const ending = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let waitMs = everyMs;
  let asking = false;
  /** Somebody knew of news while an answer was on its way, which may not have them yet. */
  let again = false;

  const look = async () => {
    clearTimeout(timer);
    again = asking;
    if (ending.signal.aborted || asking || document.hidden) return;
    asking = true;
    const isNew = await ask(ending.signal).catch(() => false);
    asking = false;
    waitMs = isNew ? everyMs : Math.min(waitMs * 1.5, slowestMs);
    if (!ending.signal.aborted) timer = setTimeout(look, again ? 0 : waitMs);
  };

  const now = () => {
    waitMs = everyMs;
    void look();
  };

  document.addEventListener("visibilitychange", now, { signal: ending.signal });
  now();
  return {
    /** Looks at once, and again soon after. */
    now,
    stop() {
      clearTimeout(timer);
      ending.abort();
    },
  };
}
