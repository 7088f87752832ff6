import type { Deps } from "../platform/deps.ts";
import { randomId } from "../platform/ids.ts";
import { sameSecret } from "../platform/keys.ts";
import type { App } from "./app.ts";

/**
 * Says that somebody has signed in with an address from this device before. Nothing is stored: it names the
 * device and when, and proves by a keyed hash that it was given here for that address. Whoever steals one can
 * do what anyone can, ask for a code and guess at it, under a count of its own.
 */
export const DEVICE_TOKEN_TTL_SECONDS = 400 * 24 * 3600;

const PATTERN = /^sbd_([a-z0-9]{26})_(\d{1,12})_([A-Za-z0-9_-]{43})$/;

type DeviceDeps = Pick<Deps, "keys" | "clock">;

const proofOf = ({ keys }: DeviceDeps, app: App, address: string, device: string, seconds: number): string =>
  keys.mac("device", app.id, address, device, String(seconds));

/** For the device that has just signed in with the address of this hash. */
export function newDeviceToken(deps: DeviceDeps, app: App, address: string): string {
  const device = randomId();
  const seconds = Math.floor(deps.clock.now() / 1000);
  return `sbd_${device}_${seconds}_${proofOf(deps, app, address, device, seconds)}`;
}

/** The device that the token names; undefined when it is not one for this address and app, or too old. */
export function deviceOf(
  deps: DeviceDeps,
  app: App,
  address: string,
  token: string | undefined,
): string | undefined {
  const [, device = "", digits = "", proof = ""] = PATTERN.exec(token ?? "") ?? [];
  const seconds = Number(digits);
  const isOver = deps.clock.now() / 1000 > seconds + DEVICE_TOKEN_TTL_SECONDS;
  if (device === "" || isOver) return undefined;
  return sameSecret(proof, proofOf(deps, app, address, device, seconds)) ? device : undefined;
}
