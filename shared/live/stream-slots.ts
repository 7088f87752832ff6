import { setTimeout as delay } from "node:timers/promises";
import type { App } from "../identity/app.ts";
import type { Deps } from "../platform/deps.ts";
import { AppError, GRPC, grpcCode } from "../platform/errors.ts";
import type { CollectionReference, DocumentReference, Firestore } from "../platform/firestore.ts";
import { FieldValue, Timestamp } from "../platform/firestore-values.ts";
import { randomId } from "../platform/ids.ts";
import { claimLease } from "../platform/lease.ts";
import { storedAs } from "../platform/stored.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import { STREAM_MS_MAX } from "./contract.ts";

/**
 * Places for streams, counted over all instances. A document says how many each instance holds of a person,
 * another how many of the app; whoever would raise its own number reads the others' and writes only if nobody
 * has written meanwhile, so a cap is never exceeded. Openings that wait at an instance share one such write,
 * and of an app instances hold places in blocks. What an instance held that has died is free again once it
 * has given no sign for ALIVE_MS: only who finds no room looks for such.
 */
export interface StreamSlots {
  /**
   * Takes a place of the person, or API token, and one of the app. Costs 1 read and 1 write, and nothing
   * where a stream of theirs was closed here a moment ago. What places of apps and signs of life cost is
   * upkeep.
   * @returns how to give them back, or which of them there was none of
   * @throws AppError `unavailable`
   */
  take(app: App, person: string, caps: Caps): Promise<Place | "person" | "app">;
  /** Whether another instance holds places of the person. 1 read. */
  isHeldElsewhere(app: App, person: string): Promise<boolean>;
}

/** Given back once; written within GIVE_BACK_MS, by 1 write, unless it is taken again. */
export interface Place {
  give(): void;
}

export interface Caps {
  /** Null: as many as anybody likes, which costs nothing. */
  readonly person: number | null;
  readonly app: number | null;
}

interface StoredSlots {
  /** How many places each instance holds, by its id. */
  readonly holders: Readonly<Record<string, number>>;
  readonly expireAt: Timestamp;
}
const storedSlots = storedAs<StoredSlots>();

interface StoredInstance {
  readonly aliveUntil: Timestamp;
  readonly expireAt: Timestamp;
}
const storedInstance = storedAs<StoredInstance>();

const instancesOf = (firestore: Firestore): CollectionReference =>
  firestore.collection("system").doc("streams").collection("instances");

/** An instance that holds places says so three times in this. */
export const ALIVE_MS = 60_000;
/** Who reads one chat after the other opens and closes streams: places are kept for the next for so long. */
export const GIVE_BACK_MS = 5_000;
/** Instances share an app's places in so many blocks. */
const APP_BLOCKS = 40;
/** A document that nobody has written for so long speaks of streams that have ended. */
const KEPT_MS = 2 * STREAM_MS_MAX;
const TRIES_MAX = 20;
const TRY_AGAIN_MS = 50;
/** Instances looked at in one go. */
const HOLDERS_READ_MAX = 100;

/** What this instance holds of one document. */
interface Holding {
  readonly ref: DocumentReference;
  /** In use, of those that are held. */
  used: number;
  held: number;
  /** The cap as it was last named, and so many places are taken at a time. */
  max: number;
  block: number;
  readonly waiting: { settle(isTaken: boolean): void; fail(cause: unknown): void }[];
  isBusy: boolean;
  timer: NodeJS.Timeout | undefined;
}

export function openStreamSlots(deps: Pick<Deps, "firestore" | "clock" | "log" | "upkeep">): StreamSlots {
  const id = randomId();
  const instance = instancesOf(deps.firestore).doc(id);
  const holdings = new Map<string, Holding>();
  let aliveUntilMs = 0;
  let showing: Promise<void> | undefined;
  let pulse: NodeJS.Timeout | undefined;

  const expireAt = (): Timestamp => Timestamp.fromMillis(deps.clock.now() + KEPT_MS);

  const show = async (): Promise<void> => {
    const untilMs = deps.clock.now() + ALIVE_MS;
    const stored: StoredInstance = { aliveUntil: Timestamp.fromMillis(untilMs), expireAt: expireAt() };
    await within(READ_MS_MAX, instance.set({ ...stored }));
    aliveUntilMs = untilMs;
  };
  /** Nobody else may think that this instance has died when it takes its first place. */
  const showAlive = async (): Promise<void> => {
    if (aliveUntilMs - deps.clock.now() > ALIVE_MS / 2) return;
    showing ??= deps.upkeep.run(show).finally(() => (showing = undefined));
    await showing;
  };
  const startPulse = (): void => {
    pulse ??= setInterval(() => {
      deps.upkeep.run(show).catch((cause: unknown) => deps.log.error("A sign of life was not taken.", cause));
    }, ALIVE_MS / 3).unref();
  };
  const forget = (holding: Holding): void => {
    if (holding.used + holding.held + holding.waiting.length > 0 || holding.isBusy) return;
    clearTimeout(holding.timer);
    holdings.delete(holding.ref.path);
    if (holdings.size > 0) return;
    clearInterval(pulse);
    pulse = undefined;
  };
  const stop = (): void => {
    clearInterval(pulse);
    for (const { timer } of holdings.values()) clearTimeout(timer);
  };
  deps.upkeep.onClose(stop);
  // An instance that is gone holds nothing: one write in place of one for each person.
  deps.upkeep.onEnding(() => {
    stop();
    return aliveUntilMs === 0 ? undefined : within(READ_MS_MAX, instance.delete());
  });

  /** Those of other instances that have given no sign of life for too long. */
  const deadAmong = async (others: readonly string[]): Promise<string[]> => {
    const asked = others.slice(0, HOLDERS_READ_MAX);
    const refs = asked.map((other) => instancesOf(deps.firestore).doc(other));
    const found = await within(READ_MS_MAX, deps.firestore.getAll(...refs));
    const nowMs = deps.clock.now();
    return asked.filter((_, at) => (storedInstance(found[at])?.aliveUntil.toMillis() ?? 0) <= nowMs);
  };

  /** Holds so many places more than are in use, as far as the cap leaves room. */
  const grow = async (holding: Holding, more: number): Promise<void> => {
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      const found = await within(READ_MS_MAX, holding.ref.get());
      const others = Object.entries(storedSlots(found)?.holders ?? {}).filter(([holder]) => holder !== id);
      const least = holding.used + more;
      const room = (dead: readonly string[]): number =>
        others.reduce((left, [holder, count]) => (dead.includes(holder) ? left : left - count), holding.max);
      const isTight = others.length > 0 && room([]) < least;
      const dead = isTight ? await deadAmong(others.map(([holder]) => holder)) : [];
      const held = Math.min(room(dead), Math.ceil(least / holding.block) * holding.block);
      if (held <= holding.held) return;
      const fields = {
        ...Object.fromEntries(dead.map((holder) => [`holders.${holder}`, FieldValue.delete()])),
        [`holders.${id}`]: held,
        expireAt: expireAt(),
      };
      const first: StoredSlots = { holders: { [id]: held }, expireAt: expireAt() };
      if ((await claimLease(found, fields, { ...first })) !== undefined) {
        holding.held = held;
        return;
      }
      await delay(TRY_AGAIN_MS * Math.random() * (tries + 1));
    }
    throw new AppError("unavailable", "Too many streams are opened at once.", { retryAfterSeconds: 1 });
  };

  const serve = async (holding: Holding): Promise<void> => {
    if (holding.isBusy) return;
    holding.isBusy = true;
    while (holding.waiting.length > 0) {
      const batch = holding.waiting.splice(0);
      try {
        if (holding.held - holding.used < batch.length) await grow(holding, batch.length);
        for (const { settle } of batch) {
          const isTaken = holding.used < Math.min(holding.held, holding.max);
          if (isTaken) holding.used += 1;
          settle(isTaken);
        }
      } catch (cause) {
        for (const { fail } of batch) fail(cause);
      }
    }
    holding.isBusy = false;
    shrinkLater(holding);
    forget(holding);
  };

  const takeOne = async (ref: DocumentReference, max: number, block: number): Promise<boolean> => {
    await showAlive();
    const fresh = { ref, used: 0, held: 0, max, block, waiting: [], isBusy: false, timer: undefined };
    const holding: Holding = holdings.get(ref.path) ?? fresh;
    Object.assign(holding, { max, block });
    holdings.set(ref.path, holding);
    startPulse();
    return new Promise((settle, fail) => {
      holding.waiting.push({ settle, fail });
      void serve(holding);
    });
  };

  const wanted = ({ used, block }: Holding): number => Math.ceil(used / block) * block;
  const shrinkLater = (holding: Holding): void => {
    if (wanted(holding) >= holding.held) return;
    holding.timer ??= setTimeout(() => {
      holding.timer = undefined;
      deps.upkeep
        .run(() => shrink(holding))
        .catch((cause: unknown) => deps.log.error("Places of streams were not given back.", cause));
    }, GIVE_BACK_MS).unref();
  };
  const shrink = async (holding: Holding): Promise<void> => {
    const before = holding.held;
    if (holding.isBusy || wanted(holding) >= before) return;
    holding.isBusy = true;
    holding.held = wanted(holding);
    const count = holding.held > 0 ? holding.held : FieldValue.delete();
    try {
      await within(READ_MS_MAX, holding.ref.update({ [`holders.${id}`]: count, expireAt: expireAt() }));
    } catch (cause) {
      // What has expired holds nothing of anybody.
      if (grpcCode(cause) !== GRPC.notFound) {
        holding.held = before;
        throw cause;
      }
    } finally {
      holding.isBusy = false;
      // Whoever came meanwhile; and what could not be given back.
      void serve(holding);
    }
  };
  const giveOne = (ref: DocumentReference): void => {
    const holding = holdings.get(ref.path);
    if (holding === undefined || holding.used === 0) return;
    holding.used -= 1;
    shrinkLater(holding);
  };

  const ofApp = (app: App): DocumentReference => app.collection("streams").doc("all");
  return {
    isHeldElsewhere: (app, person) => isHeld(app, person, id),
    async take(app, person, caps) {
      const taken: DocumentReference[] = [];
      const give = (): void => {
        for (const ref of taken.splice(0)) giveOne(ref);
      };
      const takeOf = async (ref: DocumentReference, max: number | null, block: number): Promise<boolean> => {
        if (max === null) return true;
        const isTaken = await takeOne(ref, max, block);
        if (isTaken) taken.push(ref);
        return isTaken;
      };
      try {
        if (!(await takeOf(ofPerson(app, person), caps.person, 1))) return "person";
        const block = Math.ceil((caps.app ?? 0) / APP_BLOCKS);
        if (await deps.upkeep.run(() => takeOf(ofApp(app), caps.app, block))) return { give };
      } catch (cause) {
        give();
        throw cause;
      }
      give();
      return "app";
    },
  };
}

const ofPerson = (app: App, person: string): DocumentReference =>
  app.collection("streams").doc(`of.${person}`);

/**
 * Whether an instance, other than one, holds places of the person: those that were given back are held for
 * GIVE_BACK_MS more. Where no cap is set nothing is known, and none is. 1 read.
 */
export async function isHeld(app: App, person: string, except?: string): Promise<boolean> {
  const holders = storedSlots(await within(READ_MS_MAX, ofPerson(app, person).get()))?.holders ?? {};
  return Object.keys(holders).some((holder) => holder !== except);
}
