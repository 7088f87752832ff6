export interface PollOptions {
  readonly everyMs: number;
  /** The pause grows up to this while nothing is new, or while refreshing fails. */
  readonly slowestMs: number;
  /** Resolves with whether there was something new. */
  refresh(signal: AbortSignal): Promise<boolean>;
}

export interface Polling {
  /** Refreshes at once, and again soon after. */
  now(): void;
  stop(): void;
}

/** Refreshes something again and again while the page can be seen. */
export function poll({ everyMs, slowestMs, refresh }: PollOptions): Polling {
  const ending = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let waitMs = everyMs;
  let isRefreshing = false;
  /** Somebody knew of news while a refresh was under way, which may have missed them. */
  let isOutdated = false;

  const refreshOnce = async (): Promise<void> => {
    clearTimeout(timer);
    isOutdated = isRefreshing;
    if (ending.signal.aborted || isRefreshing || document.hidden) return;
    isRefreshing = true;
    const isNew = await refresh(ending.signal).catch(() => false);
    isRefreshing = false;
    waitMs = isNew ? everyMs : Math.min(waitMs * 1.5, slowestMs);
    if (!ending.signal.aborted) timer = setTimeout(refreshOnce, isOutdated ? 0 : waitMs);
  };

  const now = (): void => {
    waitMs = everyMs;
    void refreshOnce();
  };

  document.addEventListener("visibilitychange", now, { signal: ending.signal });
  now();
  return {
    now,
    stop() {
      clearTimeout(timer);
      ending.abort();
    },
  };
}
