import { storedAs } from "../platform/stored.ts";
import { exportJWK, generateKeyPair, type JWK } from "jose";
import type { Deps } from "../platform/deps.ts";
import type { QueryDocumentSnapshot } from "../platform/firestore.ts";
import { FieldValue, Timestamp } from "../platform/firestore-values.ts";
import { RECORDED_AT } from "../platform/follow.ts";

/** Ed25519: short signatures, fast, and one algorithm only, so that none can be confused with another. */
export const SIGNING_ALGORITHM = "EdDSA";

export interface StoredKey {
  readonly publicJwk: JWK;
  /** Null once another key signs: what is retired can't be stolen from here. */
  readonly wrappedPrivateJwk: string | null;
  /** Counts rotations; the highest signs. Clocks of instances may disagree about what is newest. */
  readonly generation: number;
  readonly createdAt: Timestamp;
  /** What the rotation that made it left to the keys before. */
  readonly graceSeconds: number;
  /** Until when what it has signed is honoured; null while it signs. */
  readonly notAfter: Timestamp | null;
}
export const storedKey = storedAs<StoredKey>();

/** A stored key as instances use it. */
export interface RingEntry {
  readonly kid: string;
  readonly publicJwk: JWK;
  readonly wrappedPrivateJwk: string | undefined;
  readonly generation: number;
  readonly notAfterMs: number | undefined;
}

export async function generateStoredKey(
  deps: Pick<Deps, "keyEncryption" | "clock">,
  kid: string,
  generation: number,
): Promise<StoredKey> {
  const pair = await generateKeyPair(SIGNING_ALGORITHM, { crv: "Ed25519", extractable: true });
  return {
    publicJwk: await exportJWK(pair.publicKey),
    wrappedPrivateJwk: await deps.keyEncryption.wrap(kid, JSON.stringify(await exportJWK(pair.privateKey))),
    generation,
    createdAt: Timestamp.fromMillis(deps.clock.now()),
    graceSeconds: 0,
    notAfter: null,
  };
}

export function ringEntry(document: QueryDocumentSnapshot): RingEntry {
  const stored = storedKey(document);
  return {
    kid: document.id,
    publicJwk: stored.publicJwk,
    wrappedPrivateJwk: stored.wrappedPrivateJwk ?? undefined,
    generation: stored.generation,
    notAfterMs: stored.notAfter?.toMillis(),
  };
}

/** As it is written to a followed list: with Firestore's own time of the write. */
export const recorded = (fields: object): Record<string, unknown> => ({
  ...fields,
  [RECORDED_AT]: FieldValue.serverTimestamp(),
});
