import type { Deps } from "../platform/deps.ts";
import { AppError, GRPC, grpcCode } from "../platform/errors.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import { derivedId, randomId } from "../platform/ids.ts";
import type { Keys } from "../platform/keys.ts";
import type { Mail } from "../platform/mailer.ts";
import { enqueue } from "../platform/task.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import type { App } from "./app.ts";
import { CODE_DIGITS } from "./contract.ts";
import { readLockout } from "./lockout.ts";
import { addressHash, challengeRef, readDocument, type StoredChallenge, storedChallenge } from "./store.ts";
import { codeMailTask } from "./tasks.ts";

export const CODE_TTL_MS = 5 * 60 * 1000;
export const CODE_TRIES_MAX = 5;

/**
 * The code of a challenge: a keyed hash of its unguessable id, as six digits. Nothing that is stored
 * or queued contains it, and a mail that is sent again says the same.
 */
export function codeOf(keys: Keys, app: App, challenge: string): string {
  const hash = Buffer.from(keys.mac("sign-in-code", app.id, challenge), "base64url");
  // 64 bits against a million codes: the bias of the remainder is below one in 10^13.
  return String(hash.readBigUInt64BE(0) % 10n ** BigInt(CODE_DIGITS)).padStart(CODE_DIGITS, "0");
}

/**
 * Begins a sign-in: stores the challenge and enqueues the mail with its code. The reply is the same
 * whether or not the address is known. Idempotent under `requestKey`.
 * Costs 1 write and 1 task.
 * @throws AppError `idempotency_key_reused`, `unavailable`
 */
export async function requestCode(
  deps: Deps,
  app: App,
  email: string,
  {
    requestKey,
    invitation,
    isRefused,
  }: {
    readonly requestKey: string | undefined;
    readonly invitation: string | undefined;
    readonly isRefused: boolean;
  },
): Promise<{ challenge: string; expiresAt: string }> {
  const challenge = requestKey === undefined ? randomId() : derivedId("challenge", app.id, requestKey);
  const expiresAt = deps.clock.now() + CODE_TTL_MS;
  const stored: StoredChallenge = {
    email,
    triesLeft: CODE_TRIES_MAX,
    usedBy: null,
    ...(invitation === undefined ? {} : { invitation }),
    ...(isRefused ? { isRefused } : {}),
    expiresAt: Timestamp.fromMillis(expiresAt),
    expireAt: Timestamp.fromMillis(expiresAt),
  };
  const kept = await createOrFind(app, challenge, stored);
  await enqueue(deps, codeMailTask, { app: app.id, challenge });
  return { challenge, expiresAt: kept.expiresAt.toDate().toISOString() };
}

async function createOrFind(app: App, challenge: string, stored: StoredChallenge): Promise<StoredChallenge> {
  const ref = challengeRef(app, challenge);
  try {
    await within(READ_MS_MAX, ref.create({ ...stored }));
    return stored;
  } catch (cause) {
    if (grpcCode(cause) !== GRPC.alreadyExists) throw cause;
    const { data } = await readDocument(ref, storedChallenge);
    if (data?.email !== stored.email) {
      throw new AppError("idempotency_key_reused", "This Idempotency-Key was used for another address.");
    }
    return data;
  }
}

/**
 * The mail for a challenge; undefined when the challenge is gone, used or expired, so that a late
 * delivery sends nothing useless, and when the address is locked: the request for the code was answered as
 * always, so whoever tries out addresses learns nothing. 2 reads.
 */
export async function composeCodeMail(deps: Deps, app: App, challenge: string): Promise<Mail | undefined> {
  const { data } = await readDocument(challengeRef(app, challenge), storedChallenge);
  if (
    data === undefined ||
    data.isRefused ||
    data.usedBy !== null ||
    data.expiresAt.toMillis() <= deps.clock.now()
  )
    return undefined;
  if ((await readLockout(deps, app, addressHash(deps.keys, app, data.email))).isLocked) return undefined;
  const code = codeOf(deps.keys, app, challenge);
  return {
    to: data.email,
    subject: `${code} is your sign-in code`,
    text: `Your sign-in code is ${code}\n\nIt is good for five minutes and can be used once. If you did not ask for it, you need not do anything.\n`,
    html: `<p>Your sign-in code is</p><p style="font-size:28px;letter-spacing:4px"><strong>${code}</strong></p><p>It is good for five minutes and can be used once. If you did not ask for it, you need not do anything.</p>`,
    messageId: `<${challenge}@${new URL(deps.config.publicUrl).hostname}>`,
  };
}
