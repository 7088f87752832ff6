import { setTimeout as delay } from "node:timers/promises";
import type { Deps } from "../platform/deps.ts";
import { AppError, GRPC, grpcCode, isTransient } from "../platform/errors.ts";
import type { DocumentReference } from "../platform/firestore.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import { type ServerTime, serverNow, serverTimeAt } from "../platform/server-time.ts";
import { within } from "../platform/within.ts";
import {
  AHEAD_MS,
  type Counts,
  type Settled,
  SLACK_MS,
  type Taking,
  takeTokens,
  USE_MS,
  WINDOW_MS,
} from "./rate-limit.ts";

export interface Verdict {
  readonly isAdmitted: boolean;
  /** As far as this instance knows. */
  readonly remaining: number;
  /** Until a token comes free, in whole seconds. */
  readonly resetSeconds: number;
}

export interface RateLimiter {
  /**
   * Asks to admit one request under a limit; it takes as many tokens as it weighs. Mostly without any
   * Firestore operation, see rate-limit.ts; what it costs is the instance's upkeep.
   * @throws AppError `unavailable` when Firestore does not answer: a limit that can't be kept admits nobody
   */
  take(ref: DocumentReference, limit: number, weight?: number): Promise<Verdict>;
}

/** Takings that an instance remembers, to be able to write without reading. */
const KEYS_MAX = 20_000;
const TAKE_MS_MAX = 2_000;
const TRIES_MAX = 12;
/** Each of these has waited for TAKE_MS_MAX or SLACK_MS already. */
const SLOW_TRIES_MAX = 3;
const BACKOFF_MS = 4;
const DOCUMENT_TTL_MS = 10 * WINDOW_MS;

/** The document as it was left by this instance; another instance's write makes the next one fail. */
interface Remembered {
  readonly counts: Counts;
  readonly updateTime: Timestamp | undefined;
  readonly time: ServerTime;
}

interface Key {
  readonly ref: DocumentReference;
  limit: number;
  known: Remembered | undefined;
  ahead: { taken: number; used: number; untilMs: number; lastUseMs: number; since: Moment } | undefined;
  /** Requests of this weight, or a greater one, have been refused. */
  denied: { since: Moment; forMs: number; weight: number } | undefined;
  remaining: number;
  freeAt: { since: Moment; inMs: number };
  waiting: Waiting[];
  isTaking: boolean;
}

interface Waiting {
  readonly weight: number;
  resolve(verdict: Verdict): void;
  reject(cause: unknown): void;
}

/** A moment by both clocks here: what has passed since is known only while they agree. */
interface Moment {
  readonly monotonicMs: number;
  readonly clockMs: number;
}

export function openRateLimiter(deps: Pick<Deps, "clock" | "upkeep">): RateLimiter {
  const keys = new Map<string, Key>();
  const moment = (): Moment => ({ monotonicMs: performance.now(), clockMs: deps.clock.now() });
  /** The longer of what both clocks say has passed; a clock set back counts as very long. */
  const passedMs = ({ monotonicMs, clockMs }: Moment): number => {
    const byClock = deps.clock.now() - clockMs;
    return byClock < -QUARTER_SECOND_MS ? Infinity : Math.max(performance.now() - monotonicMs, byClock);
  };

  const keyOf = (ref: DocumentReference, limit: number): Key => {
    const existing = keys.get(ref.path);
    const key = existing ?? newKey(ref, limit, moment());
    if (key.limit !== limit) key.denied = undefined;
    key.limit = limit;
    keys.delete(ref.path);
    keys.set(ref.path, key);
    if (keys.size > KEYS_MAX) {
      const [oldest] = keys;
      if (oldest !== undefined && !oldest[1].isTaking) keys.delete(oldest[0]);
    }
    return key;
  };

  const verdict = (key: Key, isAdmitted: boolean): Verdict => ({
    isAdmitted,
    remaining: isAdmitted ? key.remaining + tokensAhead(key) : 0,
    resetSeconds: Math.max(1, Math.ceil((key.freeAt.inMs - passedMs(key.freeAt.since)) / 1000)),
  });

  const tokensAhead = ({ ahead }: Key): number =>
    ahead === undefined || passedMs(ahead.since) >= AHEAD_MS ? 0 : ahead.taken - ahead.used;

  const useAhead = (key: Key, weight: number): boolean => {
    if (key.ahead === undefined || tokensAhead(key) < weight) return false;
    key.ahead.used += weight;
    key.ahead.lastUseMs = key.ahead.untilMs - AHEAD_MS + passedMs(key.ahead.since);
    return true;
  };

  /** Reads the document unless it is remembered and the clock has not jumped since. */
  const recall = async (key: Key): Promise<{ known: Remembered; nowMs: number; wasRead: boolean }> => {
    const nowMs = key.known === undefined ? undefined : serverNow(deps.clock, key.known.time);
    if (key.known !== undefined && nowMs !== undefined && key.known.time.roundTripMs <= SLACK_MS)
      return { known: key.known, nowMs, wasRead: false };
    const askedMs = performance.now();
    const found = await within(TAKE_MS_MAX, key.ref.get());
    const time = serverTimeAt(deps.clock, found.readTime.toMillis(), askedMs);
    const counts = (found.get("counts") ?? {}) as Counts;
    key.known = { counts, updateTime: found.updateTime, time };
    if (time.roundTripMs > SLACK_MS) throw slow();
    return { known: key.known, nowMs: time.ms, wasRead: true };
  };

  const commit = async (key: Key, known: Remembered, taking: Taking, nowMs: number): Promise<void> => {
    const document = { counts: taking.counts, expireAt: Timestamp.fromMillis(nowMs + DOCUMENT_TTL_MS) };
    const askedMs = performance.now();
    const written =
      known.updateTime === undefined
        ? key.ref.create(document)
        : key.ref.update(document, { lastUpdateTime: known.updateTime });
    const { writeTime } = await within(TAKE_MS_MAX, written);
    const time = serverTimeAt(deps.clock, writeTime.toMillis(), askedMs);
    key.known = { counts: taking.counts, updateTime: writeTime, time };
  };

  /** One taking: admits what it can of those that wait, and refuses them when nothing is left. */
  const takeOnce = async (key: Key): Promise<void> => {
    const waiting = key.waiting.map(({ weight }) => weight);
    const { known, nowMs, wasRead } = await recall(key);
    const since = moment();
    const taking = takeTokens(known.counts, nowMs, key.limit, { waiting, settled: settledOf(key) });
    key.freeAt = { since, inMs: taking.nextFreeMs - nowMs };
    if (taking.now === 0) {
      // What is remembered does not know what others have given back.
      if (!wasRead) return void (key.known = undefined);
      key.denied = { since, forMs: taking.nextFreeMs - nowMs, weight: Math.min(...waiting) };
      key.remaining = 0;
      for (const { resolve } of key.waiting.splice(0)) resolve(verdict(key, false));
      return;
    }
    // Once the write is under way it may have given back the tokens ahead, also when it seems to fail.
    key.ahead = undefined;
    try {
      await commit(key, known, taking, nowMs);
    } catch (cause) {
      key.known = undefined;
      throw cause;
    }
    if (passedMs(since) > USE_MS) return;
    const { ahead, aheadUntilMs } = taking;
    key.ahead = { taken: ahead, used: 0, untilMs: aheadUntilMs, lastUseMs: nowMs, since };
    key.remaining = taking.remaining;
    const asked = key.waiting.splice(0, waiting.length);
    const left = asked.filter((_, at) => taking.admitted[at] !== true);
    for (const each of asked) if (!left.includes(each)) each.resolve(verdict(key, true));
    key.waiting.unshift(...left);
    for (let next = key.waiting[0]; next !== undefined && useAhead(key, next.weight); next = key.waiting[0]) {
      key.waiting.shift();
      next.resolve(verdict(key, true));
    }
  };

  const drain = async (key: Key): Promise<void> => {
    key.isTaking = true;
    let failures = 0;
    while (key.waiting.length > 0) {
      try {
        await takeOnce(key);
      } catch (cause) {
        failures += 1;
        const triesMax = isRaced(cause) || isTransient(cause) ? TRIES_MAX : SLOW_TRIES_MAX;
        if (failures >= triesMax) {
          for (const { reject } of key.waiting.splice(0)) reject(cause);
        }
        await delay(Math.random() * BACKOFF_MS * 2 ** Math.min(failures, 7));
      }
    }
    key.isTaking = false;
  };

  return {
    async take(ref, limit, weight = 1) {
      const key = keyOf(ref, limit);
      // What weighs more than the limit would never be admitted.
      const taken = Math.min(weight, limit);
      if (key.waiting.length === 0 && useAhead(key, taken)) return verdict(key, true);
      if (key.denied !== undefined && passedMs(key.denied.since) >= key.denied.forMs) key.denied = undefined;
      if (key.denied !== undefined && taken >= key.denied.weight) return verdict(key, false);
      return new Promise((resolve, reject) => {
        key.waiting.push({ weight: taken, resolve, reject });
        if (!key.isTaking) deps.upkeep.run(() => void drain(key));
      });
    },
  };
}

const QUARTER_SECOND_MS = 250;

const newKey = (ref: DocumentReference, limit: number, since: Moment): Key => ({
  ref,
  limit,
  known: undefined,
  ahead: undefined,
  denied: undefined,
  remaining: limit,
  freeAt: { since, inMs: WINDOW_MS },
  waiting: [],
  isTaking: false,
});

const settledOf = ({ ahead }: Key): Settled | undefined =>
  ahead === undefined || ahead.taken === 0
    ? undefined
    : { untilMs: ahead.untilMs, taken: ahead.taken, used: ahead.used, lastUseMs: ahead.lastUseMs };

const isRaced = (cause: unknown): boolean =>
  [GRPC.failedPrecondition, GRPC.alreadyExists, GRPC.notFound, GRPC.aborted].some(
    (code) => code === grpcCode(cause),
  );

const slow = (): AppError =>
  new AppError("unavailable", "The limits can't be kept at the moment.", { retryAfterSeconds: 1 });
