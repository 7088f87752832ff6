/**
 * The suite's clock. Everything in the suite reads the time and waits here, so that tests can move time
 * forward for leases, schedules, TTL and deadlines.
 */
export interface Clock {
  /** Milliseconds since the epoch, the clock's movements included. */
  now(): number;
  /** Runs `wake` once the clock has reached `atMs`. Returns a function that cancels it. */
  at(atMs: number, wake: () => void): () => void;
  /**
   * Moves the clock and wakes everything that has become due. Where it is moved back, what was set since it
   * stood there stays as far off as it is: a sweep of every minute is not put off by a day.
   */
  advance(ms: number): void;
  /** Milliseconds by which this clock is ahead of the machine's. */
  offset(): number;
  /** Cancels every waiting alarm; the clock goes on telling the time. */
  stop(): void;
}

interface Alarm {
  atMs: number;
  /** By which the clock was ahead when it was set. */
  offsetMs: number;
  readonly wake: () => void;
  timer: NodeJS.Timeout;
}

/** Node fires a longer timer at once, so longer waits are taken in steps of this size. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export function createClock(): Clock {
  let offsetMs = 0;
  const alarms = new Set<Alarm>();

  const now = (): number => Date.now() + offsetMs;

  const fire = (alarm: Alarm): void => {
    if (!alarms.has(alarm)) return;
    if (now() < alarm.atMs) {
      alarm.timer = arm(alarm);
      return;
    }
    alarms.delete(alarm);
    alarm.wake();
  };

  const arm = (alarm: Alarm): NodeJS.Timeout =>
    setTimeout(() => fire(alarm), Math.min(Math.max(alarm.atMs - now(), 0), TIMER_MS_MAX));

  return {
    now,
    offset: () => offsetMs,
    at(atMs, wake) {
      const alarm = { atMs, offsetMs, wake } as Alarm;
      alarms.add(alarm);
      alarm.timer = arm(alarm);
      return () => {
        clearTimeout(alarm.timer);
        alarms.delete(alarm);
      };
    },
    advance(ms) {
      offsetMs += ms;
      for (const alarm of alarms) {
        if (alarm.offsetMs <= offsetMs) continue;
        alarm.atMs -= alarm.offsetMs - offsetMs;
        alarm.offsetMs = offsetMs;
      }
      for (const alarm of [...alarms].sort((a, b) => a.atMs - b.atMs)) {
        clearTimeout(alarm.timer);
        fire(alarm);
      }
    },
    stop() {
      for (const alarm of alarms) clearTimeout(alarm.timer);
      alarms.clear();
    },
  };
}
