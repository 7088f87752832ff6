import type { Deps } from "../platform/deps.ts";
import { AppError } from "../platform/errors.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import { follow } from "../platform/follow.ts";
import {
  type Issued,
  isListed,
  isRevoked,
  listedMs,
  listingOf,
  type RevocationList,
  revocationIndex,
} from "./revocation.ts";
import { revocationsOf } from "./system.ts";

/**
 * How long ago an instance may have heard of the list of revocations last. While the listener lives this
 * is not felt: a revocation is everywhere in milliseconds. When Firestore can't be reached, routes that
 * `demandFresh` refuse after FRESH_MS_MAX, the others go on with what they know up to STALE_MS_MAX.
 */
export const FRESH_MS_MAX = 20_000;
export const STALE_MS_MAX = 5 * 60_000;

export type Freshness = "fresh" | "bounded";

export interface Revocations {
  /** @throws AppError `token_revoked`; `unavailable` when the list is older than the freshness allows */
  demandValid(issued: Issued, freshness: Freshness): Promise<void>;
  /** @throws AppError `unavailable` */
  demandFresh(): Promise<void>;
  isApiTokenDeleted(id: string): Promise<boolean>;
  /** Changes whenever rights of the person have been taken or given back: what was read before is old. */
  listingOfUser(id: string): Promise<string>;
  /** When the settings of the app were changed last, as far as anyone may still remember older ones. */
  settingsChangedMs(app: string): Promise<number>;
  /** Calls `hear` with the list whenever it has changed; returns the end of that. */
  onChange(hear: (list: RevocationList) => void): () => void;
  /** The list as it is known now: heard of at most STALE_MS_MAX ago. @throws AppError `unavailable` */
  present(): Promise<RevocationList>;
}

const revoked = (): AppError => new AppError("token_revoked", "The access token has been revoked.");

export function openRevocations(deps: Pick<Deps, "firestore" | "clock" | "log" | "upkeep">): Revocations {
  const entries = revocationsOf(deps.firestore);
  // Those that expire later stay in memory: what has expired concerns nothing that lives.
  const living = entries.where("expireAt", ">", Timestamp.fromMillis(deps.clock.now()));
  const followed = follow(deps, entries, living, revocationIndex());
  const list = async (freshness: Freshness): Promise<RevocationList> => {
    try {
      return await followed.read(freshness === "fresh" ? FRESH_MS_MAX : STALE_MS_MAX);
    } catch (cause) {
      throw new AppError(
        "unavailable",
        "The list of revocations can't be read at the moment.",
        { retryAfterSeconds: 1 },
        { cause },
      );
    }
  };
  return {
    async demandValid(issued, freshness) {
      if (isRevoked(await list(freshness), issued)) throw revoked();
    },
    async demandFresh() {
      await list("fresh");
    },
    onChange: followed.onChange,
    present: () => list("bounded"),
    isApiTokenDeleted: async (id) => isListed(await list("bounded"), "api-token", id),
    listingOfUser: async (id) => listingOf(await list("bounded"), "user", id),
    settingsChangedMs: async (app) => listedMs(await list("bounded"), "settings", app),
  };
}
