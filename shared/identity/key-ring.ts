import { type CryptoKey, exportJWK, generateKeyPair, importJWK, type JWK } from "jose";
import type { Deps } from "../platform/deps.ts";
import { GRPC, grpcCode } from "../platform/errors.ts";
import { Timestamp } from "../platform/firestore.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";

/** Ed25519: short signatures, fast, and one algorithm only, so that none can be confused with another. */
export const SIGNING_ALGORITHM = "EdDSA";

export interface SigningKey {
  readonly kid: string;
  readonly publicJwk: JWK;
  readonly publicKey: CryptoKey;
  readonly privateKey: CryptoKey;
}

/**
 * The keys that access tokens are signed with, kept in Firestore with their private parts encrypted.
 * Loaded once an instance; looked up again when a token names a key that is not known here.
 */
export interface KeyRing {
  /** The newest key. Costs reads only at the first call. */
  current(): Promise<SigningKey>;
  /** Undefined for a key that is not ours. Asks Firestore at most every KEY_LOOKUP_MS for unknown ones. */
  find(kid: string): Promise<SigningKey | undefined>;
  /** All public keys, newest first. */
  publicKeys(): Promise<readonly JWK[]>;
}

interface StoredKey {
  readonly publicJwk: JWK;
  readonly sealedPrivateJwk: string;
  readonly createdAt: Timestamp;
}

export const KEY_LOOKUP_MS = 10_000;
/** Two instances that find an empty ring both try to create this one, so only one comes to be. */
const FIRST_KEY = "key-1";

export function openKeyRing(deps: Pick<Deps, "firestore" | "keys" | "clock">): KeyRing {
  const collection = deps.firestore.collection("system").doc("keys").collection("ring");
  let loaded: Promise<readonly SigningKey[]> | undefined;
  let loadedAt = 0;

  const load = async (): Promise<readonly SigningKey[]> => {
    const found = await within(READ_MS_MAX, collection.orderBy("createdAt", "desc").get());
    if (found.empty) {
      await createFirst();
      return load();
    }
    return Promise.all(found.docs.map((document) => open(document.id, document.data() as StoredKey)));
  };

  const open = async (kid: string, stored: StoredKey): Promise<SigningKey> => {
    const privateJwk = JSON.parse(deps.keys.open("signing-key", kid, stored.sealedPrivateJwk)) as JWK;
    return {
      kid,
      publicJwk: { ...stored.publicJwk, kid, use: "sig", alg: SIGNING_ALGORITHM },
      publicKey: (await importJWK(stored.publicJwk, SIGNING_ALGORITHM)) as CryptoKey,
      privateKey: (await importJWK(privateJwk, SIGNING_ALGORITHM)) as CryptoKey,
    };
  };

  const createFirst = async (): Promise<void> => {
    const pair = await generateKeyPair(SIGNING_ALGORITHM, { crv: "Ed25519", extractable: true });
    const privateJwk = JSON.stringify(await exportJWK(pair.privateKey));
    const stored: StoredKey = {
      publicJwk: await exportJWK(pair.publicKey),
      sealedPrivateJwk: deps.keys.seal("signing-key", FIRST_KEY, privateJwk),
      createdAt: Timestamp.fromMillis(deps.clock.now()),
    };
    try {
      await within(READ_MS_MAX, collection.doc(FIRST_KEY).create({ ...stored }));
    } catch (cause) {
      if (grpcCode(cause) !== GRPC.alreadyExists) throw cause;
    }
  };

  const ring = (): Promise<readonly SigningKey[]> => {
    if (loaded === undefined) {
      loadedAt = deps.clock.now();
      loaded = load().catch((cause: unknown) => {
        loaded = undefined;
        throw cause;
      });
    }
    return loaded;
  };

  return {
    async current() {
      const newest = (await ring())[0];
      if (newest === undefined) throw new Error("A loaded ring has a key.");
      return newest;
    },
    async find(kid) {
      const known = (await ring()).find((key) => key.kid === kid);
      if (known !== undefined || deps.clock.now() - loadedAt < KEY_LOOKUP_MS) return known;
      loaded = undefined;
      return (await ring()).find((key) => key.kid === kid);
    },
    publicKeys: async () => (await ring()).map(({ publicJwk }) => publicJwk),
  };
}
