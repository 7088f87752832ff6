import { setTimeout as delay } from "node:timers/promises";
import { type CryptoKey, importJWK, type JWK } from "jose";
import type { Deps } from "../platform/deps.ts";
import { GRPC, grpcCode } from "../platform/errors.ts";
import { follow, wholeIndex } from "../platform/follow.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import { generateStoredKey, type RingEntry, recorded, ringEntry, SIGNING_ALGORITHM } from "./signing-key.ts";
import { keyRingOf } from "./system.ts";

export interface SigningKey {
  readonly kid: string;
  readonly privateKey: CryptoKey;
}

/**
 * The keys that access tokens are signed with. Every instance follows the ring in Firestore, so a
 * rotation is everywhere in a moment, without a deployment and without a read per request.
 */
export interface KeyRing {
  /** The newest key. */
  current(): Promise<SigningKey>;
  /**
   * The public key of this id while it is honoured. A key that is not known here is looked up, at most
   * once in KEY_LOOKUP_MS for all unknown ones: a token signed elsewhere a moment ago waits for that
   * instead of being refused, and invented ids cost a read a second at most.
   */
  find(kid: string): Promise<CryptoKey | undefined>;
  /** All public keys that are honoured, newest first. */
  publicKeys(): Promise<readonly JWK[]>;
}

export const KEY_LOOKUP_MS = 1_000;
/** Old keys end by their own time, so a ring that has not been confirmed for long does little harm. */
const RING_STALE_MS_MAX = 5 * 60_000;
/** Two instances that find an empty ring both try to create this one, so only one comes to be. */
const FIRST_KEY = "key-1";
const KID = /^(?:key-1|[0-9a-v]{26})$/;

export function openKeyRing(
  deps: Pick<Deps, "firestore" | "keyEncryption" | "clock" | "log" | "upkeep">,
): KeyRing {
  const collection = keyRingOf(deps.firestore);
  const index = wholeIndex((documents) =>
    documents.map(ringEntry).sort((a, b) => b.generation - a.generation),
  );
  const followed = follow(deps, collection, collection, index);
  const publicKeys = new Map<string, Promise<CryptoKey>>();
  const privateKeys = new Map<string, Promise<CryptoKey>>();
  let lookedUpMs = Number.NEGATIVE_INFINITY;
  let lookup: Promise<readonly RingEntry[]> | undefined;

  const ring = async (): Promise<readonly RingEntry[]> => {
    const entries = await followed.read(RING_STALE_MS_MAX);
    if (entries.length > 0) return entries;
    await createFirst();
    return followed.confirm();
  };

  const createFirst = async (): Promise<void> => {
    const stored = await generateStoredKey(deps, FIRST_KEY, 1);
    try {
      await within(READ_MS_MAX, collection.doc(FIRST_KEY).create(recorded(stored)));
    } catch (cause) {
      if (grpcCode(cause) !== GRPC.alreadyExists) throw cause;
    }
  };

  const lookUp = (): Promise<readonly RingEntry[]> => {
    lookup ??= (async () => {
      await delay(Math.max(0, lookedUpMs + KEY_LOOKUP_MS - performance.now()));
      lookedUpMs = performance.now();
      return followed.confirm();
    })().finally(() => {
      lookup = undefined;
    });
    return lookup;
  };

  const isHonoured = (entry: RingEntry): boolean => (entry.notAfterMs ?? Infinity) > deps.clock.now();

  return {
    async current() {
      const newest = (await ring())[0];
      if (newest?.wrappedPrivateJwk === undefined) throw new Error("A ring's newest key can sign.");
      const { kid, wrappedPrivateJwk } = newest;
      const privateKey = await remembered(privateKeys, kid, async () =>
        imported(JSON.parse(await deps.keyEncryption.unwrap(kid, wrappedPrivateJwk))),
      );
      return { kid, privateKey };
    },
    async find(kid) {
      if (!KID.test(kid)) return undefined;
      const named = (entry: RingEntry): boolean => entry.kid === kid;
      const entry = (await ring()).find(named) ?? (await lookUp()).find(named);
      if (entry === undefined || !isHonoured(entry)) return undefined;
      return remembered(publicKeys, kid, () => imported(entry.publicJwk));
    },
    publicKeys: async () =>
      (await ring())
        .filter(isHonoured)
        .map(({ kid, publicJwk }) => ({ ...publicJwk, kid, use: "sig", alg: SIGNING_ALGORITHM })),
  };
}

const imported = async (jwk: JWK): Promise<CryptoKey> =>
  (await importJWK(jwk, SIGNING_ALGORITHM)) as CryptoKey;

/** Made once for each id; a failure is forgotten. A ring has few keys, so nothing is dropped. */
function remembered<T>(memory: Map<string, Promise<T>>, id: string, make: () => Promise<T>): Promise<T> {
  const known = memory.get(id);
  if (known !== undefined) return known;
  const made = make();
  memory.set(id, made);
  made.catch(() => memory.delete(id));
  return made;
}
