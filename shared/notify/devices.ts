import { storedAs } from "../platform/stored.ts";
import type { App } from "../identity/app.ts";
import type { Principal } from "../identity/principal.ts";
import type { Revocations } from "../identity/revocations.ts";
import { type StoredSession, sessionRef, TRANSACTION_MS_MAX, storedSession } from "../identity/store.ts";
import type { Deps } from "../platform/deps.ts";
import { AppError } from "../platform/errors.ts";
import type { DocumentReference, Transaction } from "../platform/firestore.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import { within } from "../platform/within.ts";
import type { NewDevice } from "./contract.ts";
import {
  devicesRef,
  forgetNotifications,
  notificationsOf,
  pushTokenRef,
  type Reachable,
  readAll,
  type StoredDevice,
  storedDevices,
} from "./store.ts";

/** The one that was registered longest ago makes room for another. */
export const DEVICES_MAX = 20;

/** Ids are people's words: `constructor` is a device only if one is called that. */
const deviceIn = (devices: Readonly<Record<string, StoredDevice>>, id: string): StoredDevice | undefined =>
  Object.hasOwn(devices, id) ? devices[id] : undefined;

/** Named as a field, a device called `constructor` makes Google's client fail; so the others are written. */
const without = (devices: Readonly<Record<string, StoredDevice>>, id: string): Record<string, StoredDevice> =>
  Object.fromEntries(Object.entries(devices).filter(([each]) => each !== id));

interface Owner {
  readonly user: string;
  readonly device: string;
}
export const storedOwner = storedAs<Owner>();

/**
 * Has a person's messages pushed to a device. A token is one device of one person: whoever had it before is
 * not reached by it any more. Idempotent. One transaction: 2 reads and 2 writes, up to 2 reads and 3 writes
 * more when a token moves.
 */
export async function registerDevice(
  deps: Pick<Deps, "firestore" | "clock">,
  app: App,
  { id: person, sessionId }: Principal,
  { device, pushToken, platform }: NewDevice & { readonly device: string },
): Promise<void> {
  const at = Timestamp.fromMillis(deps.clock.now());
  const tokenRef = pushTokenRef(app, pushToken);
  await inTransaction(deps, async (transaction) => {
    const [mine, owned] = await transaction.getAll(devicesRef(app, person), tokenRef);
    const devices = { ...storedDevices(mine)?.devices };
    const owner = storedOwner(owned);
    if (owner !== undefined && owner.user !== person) {
      await takeAway(transaction, devicesRef(app, owner.user), owner.device, pushToken);
    }
    if (owner?.user === person && owner.device !== device) delete devices[owner.device];
    const before = deviceIn(devices, device);
    const gone = before === undefined || before.token === pushToken ? [] : [before];
    devices[device] = { token: pushToken, session: sessionId ?? null, platform: platform ?? null, at };
    gone.push(...makeRoom(devices, device));
    for (const { token } of gone) transaction.delete(pushTokenRef(app, token));
    transaction.set(devicesRef(app, person), { devices });
    transaction.set(tokenRef, { user: person, device } satisfies Owner);
  });
}

/** With the list of what has been ended: a device may be pushed to that nobody is signed in on. */
export type DeviceDeps = Deps & { readonly revocations: Revocations };

/**
 * People with those of their devices whose sessions last: who has signed out, or was signed out, is pushed
 * nothing. The others are forgotten. 1 read for each device.
 * @throws AppError `unavailable` when the revocations can't be known
 */
export async function withLiveDevices(
  deps: DeviceDeps,
  app: App,
  people: ReadonlyMap<string, Reachable>,
): Promise<Map<string, Reachable>> {
  const sessions = [...people.values()].flatMap(({ devices }) =>
    Object.values(devices).flatMap(({ session }) => (session === null ? [] : [session])),
  );
  const refs = [...new Set(sessions)].map((session) => sessionRef(app, session));
  const found = await readAll(deps.firestore, refs);
  const stored = new Map(found.map((each) => [each.id, storedSession(each)]));
  const live = new Map<string, Reachable>();
  for (const [person, reachable] of people) {
    const devices: Record<string, StoredDevice> = {};
    for (const [id, device] of Object.entries(reachable.devices)) {
      const { session, token } = device;
      const isLive =
        session === null ||
        (await lasts(deps, app, session, {
          session: stored.get(session),
          validAfterMs: reachable.sessionsValidAfterMs,
        }));
      if (isLive) devices[id] = device;
      else await removeToken(deps, app, person, { device: id, token });
    }
    live.set(person, { ...reachable, devices });
  }
  return live;
}

/** As a refresh would find it. */
async function lasts(
  { clock, revocations }: DeviceDeps,
  app: App,
  sessionId: string,
  { session, validAfterMs }: { readonly session: StoredSession | undefined; readonly validAfterMs: number },
): Promise<boolean> {
  if (session?.status !== "open" || session.expireAt.toMillis() <= clock.now()) return false;
  const beganMs = session.createdAt.toMillis();
  if (beganMs <= validAfterMs) return false;
  const issued = { app: app.id, user: session.user, sessionId, tokenId: "", issuedMs: Infinity, beganMs };
  try {
    await revocations.demandValid(issued, "fresh");
    return true;
  } catch (cause) {
    if (cause instanceof AppError && cause.code === "token_revoked") return false;
    throw cause;
  }
}

/** No message is pushed to the device from now on. Idempotent. One transaction: 1 read, up to 2 writes. */
export async function removeDevice(
  deps: Pick<Deps, "firestore">,
  app: App,
  person: string,
  device: string,
): Promise<void> {
  await inTransaction(deps, async (transaction) => {
    const ref = devicesRef(app, person);
    const devices = storedDevices(await transaction.get(ref))?.devices ?? {};
    const stored = deviceIn(devices, device);
    if (stored === undefined) return;
    transaction.set(ref, { devices: without(devices, device) });
    transaction.delete(pushTokenRef(app, stored.token));
  });
}

/** The same, unless the device has another token meanwhile. */
export async function removeToken(
  deps: Pick<Deps, "firestore">,
  app: App,
  person: string,
  { device, token }: { readonly device: string; readonly token: string },
): Promise<void> {
  await inTransaction(deps, async (transaction) => {
    if (await takeAway(transaction, devicesRef(app, person), device, token)) {
      transaction.delete(pushTokenRef(app, token));
    }
  });
}

async function takeAway(
  transaction: Transaction,
  ref: DocumentReference,
  device: string,
  token: string,
): Promise<boolean> {
  const devices = storedDevices(await transaction.get(ref))?.devices ?? {};
  if (deviceIn(devices, device)?.token !== token) return false;
  transaction.set(ref, { devices: without(devices, device) });
  return true;
}

/** Takes out the oldest beyond DEVICES_MAX, other than the one that has just come. */
function makeRoom(devices: Record<string, StoredDevice>, kept: string): StoredDevice[] {
  const oldest = Object.entries(devices)
    .filter(([id]) => id !== kept)
    .sort(([, a], [, b]) => a.at.toMillis() - b.at.toMillis())
    .slice(0, Math.max(0, Object.keys(devices).length - DEVICES_MAX));
  for (const [id] of oldest) delete devices[id];
  return oldest.map(([, device]) => device);
}

const inTransaction = (
  { firestore }: Pick<Deps, "firestore">,
  work: (transaction: Transaction) => Promise<void>,
): Promise<void> => within(TRANSACTION_MS_MAX, firestore.runTransaction(work));

/**
 * Forgets where somebody who has left was reached, and what they had missed. Idempotent. One transaction: 1
 * read and a delete for each device; 1 query, and a delete for each notification.
 */
export async function forgetReach(deps: Pick<Deps, "firestore">, app: App, person: string): Promise<void> {
  await inTransaction(deps, async (transaction) => {
    const ref = devicesRef(app, person);
    const devices = storedDevices(await transaction.get(ref))?.devices ?? {};
    for (const { token } of Object.values(devices)) transaction.delete(pushTokenRef(app, token));
    transaction.delete(ref);
  });
  await forgetNotifications(deps.firestore, notificationsOf(app, person));
}
