import type { Deps } from "../platform/deps.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import { randomId } from "../platform/ids.ts";
import { addRequest, requestRecord, resultOf, systemRequestsOf } from "../platform/request-record.ts";
import { within } from "../platform/within.ts";
import type { Caller } from "./caller.ts";
import type { Rotation } from "./contract.ts";
import { addSecurityEvent } from "./security-event.ts";
import { generateStoredKey, recorded, storedKey } from "./signing-key.ts";
import { TRANSACTION_MS_MAX } from "./store.ts";
import { keyRingOf, systemEventsOf } from "./system.ts";

/** A retired key is kept this long after its end, for looking into what it has signed. */
const RETIRED_KEPT_MS = 90 * 24 * 3600 * 1000;

/**
 * Makes a new key that signs from now on. The keys before are honoured for `graceSeconds`, with 0 no more at
 * all; their private parts are forgotten at once. Whoever has a refresh token notices nothing. Idempotent
 * under `requestKey`. One transaction: a read and a write for each key, 2 writes; 1 read and 1 write more
 * with a key.
 * @throws AppError `idempotency_key_reused`
 */
export async function rotateKeys(
  deps: Deps,
  rotation: {
    readonly graceSeconds: number;
    readonly requestKey: string | undefined;
    readonly caller: Caller;
  },
): Promise<{ rotation: Rotation; replayed: boolean }> {
  const { graceSeconds, requestKey, caller } = rotation;
  const kid = randomId();
  const record =
    requestKey === undefined
      ? undefined
      : requestRecord(deps, systemRequestsOf(deps.firestore), ["rotation", requestKey], { graceSeconds });
  const ring = keyRingOf(deps.firestore);
  const fresh = await generateStoredKey(deps, kid, 0);
  return within(
    TRANSACTION_MS_MAX,
    deps.firestore.runTransaction(async (transaction) => {
      if (record !== undefined) {
        const rotated = resultOf<Rotation>(deps, record, await transaction.get(record.ref));
        if (rotated !== undefined) return { rotation: rotated, replayed: true };
      }
      const found = await transaction.get(ring.orderBy("generation", "desc"));
      const before = found.docs.map((document) => ({
        ref: document.ref,
        stored: storedKey(document),
      }));
      const nowMs = deps.clock.now();
      const notAfter = Timestamp.fromMillis(nowMs + graceSeconds * 1000);
      const retired: string[] = [];
      for (const { ref, stored } of before) {
        const endMs = Math.min(stored.notAfter?.toMillis() ?? Infinity, notAfter.toMillis());
        if (endMs < nowMs - RETIRED_KEPT_MS) {
          transaction.delete(ref);
          continue;
        }
        if (endMs >= nowMs) retired.push(ref.id);
        const isSame = stored.wrappedPrivateJwk === null && stored.notAfter?.toMillis() === endMs;
        if (isSame) continue;
        transaction.update(ref, recorded({ notAfter: Timestamp.fromMillis(endMs), wrappedPrivateJwk: null }));
      }
      const stored = {
        ...fresh,
        generation: (before[0]?.stored.generation ?? 0) + 1,
        createdAt: Timestamp.fromMillis(nowMs),
        graceSeconds,
      };
      transaction.create(ring.doc(kid), recorded(stored));
      addSecurityEvent(deps, transaction, systemEventsOf(deps.firestore), {
        event: {
          kind: "keys-rotated",
          actor: "operator",
          subject: kid,
          caller,
          details: { graceSeconds },
        },
      });
      const made: Rotation = {
        kid,
        createdAt: new Date(nowMs).toISOString(),
        graceSeconds,
        notAfter: notAfter.toDate().toISOString(),
        retired,
      };
      if (record !== undefined) addRequest(deps, transaction, record, made);
      return { rotation: made, replayed: false };
    }),
  );
}
