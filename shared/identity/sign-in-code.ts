import { randomInt } from "node:crypto";
import type { Deps } from "../platform/deps.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import { randomId } from "../platform/ids.ts";
import { type Mail, messageIdOf } from "../platform/mailer.ts";
import { commitOnce, requestRecord } from "../platform/request-record.ts";
import { enqueue } from "../platform/task.ts";
import { within } from "../platform/within.ts";
import { addressHash, demandAddress } from "./address.ts";
import type { App } from "./app.ts";
import { type Caller, limitedAddress } from "./caller.ts";
import { CODE_DIGITS } from "./contract.ts";
import { deviceOf } from "./device-token.ts";
import { readLockout } from "./lockout.ts";
import { readMailCap } from "./mail-cap.ts";
import { challengeRef, type StoredChallenge, storedChallenge, TRANSACTION_MS_MAX } from "./store.ts";
import { codeMailTask } from "./tasks.ts";

export const CODE_TTL_MS = 5 * 60 * 1000;
export const CODE_TRIES_MAX = 5;

/** Drawn, never computed: whoever knows everything that is stored under a challenge still has to guess. */
const newCode = (): string => String(randomInt(10 ** CODE_DIGITS)).padStart(CODE_DIGITS, "0");

export const codeHashOf = (deps: Pick<Deps, "keys">, app: App, challenge: string, code: string): string =>
  deps.keys.mac("sign-in-code", app.id, challenge, code);

const sealContext = (app: App, challenge: string): string => `${app.id}/${challenge}`;

/** Who asks for a code, and for which address. */
export interface CodeAsker {
  /** In its canonical form. */
  readonly email: string;
  /** Keyed hash of the address. */
  readonly address: string;
  /** Keyed hash of the known device, or else of the network address. */
  readonly source: string;
  readonly isKnown: boolean;
}

/** No Firestore operation. @throws AppError `invalid_request` when it is no address */
export function codeAskerOf(
  deps: Pick<Deps, "keys" | "clock">,
  app: App,
  asked: { readonly email: string; readonly deviceToken?: string | undefined; readonly caller: Caller },
): CodeAsker {
  const email = demandAddress(asked.email);
  const address = addressHash(deps.keys, app, email);
  const device = deviceOf(deps, app, address, asked.deviceToken);
  const source =
    device === undefined
      ? deps.keys.mac("source", app.id, "ip", limitedAddress(asked.caller.ip))
      : deps.keys.mac("source", app.id, "device", device);
  return { email, address, source, isKnown: device !== undefined };
}

/**
 * Begins a sign-in: stores the challenge with a drawn code and enqueues the mail. The reply is the same
 * whether or not the address is known, locked or mailed too often. A challenge begun before stays good.
 * Idempotent under `requestKey` for REQUEST_KEPT_MS: after the challenge has expired the reply is still the
 * first one. Costs 1 write and 1 task, 1 write more with a key.
 * @throws AppError `idempotency_key_reused`, `unavailable`
 */
export async function requestCode(
  deps: Deps,
  app: App,
  { email, source, isKnown }: CodeAsker,
  {
    requestKey,
    mailsMax,
    invitation,
    isRefused,
  }: {
    readonly requestKey: string | undefined;
    readonly mailsMax: number | null;
    readonly invitation: string | undefined;
    /** Nothing is mailed: the app would not let the person in. */
    readonly isRefused: boolean;
  },
): Promise<{ sent: { challenge: string; expiresAt: string }; replayed: boolean }> {
  const challenge = randomId();
  const code = newCode();
  const expiresAt = Timestamp.fromMillis(deps.clock.now() + CODE_TTL_MS);
  const stored: StoredChallenge = {
    email,
    codeHash: codeHashOf(deps, app, challenge, code),
    sealedCode: deps.keys.seal("sign-in-code", sealContext(app, challenge), code),
    source,
    isKnown,
    mailsMax,
    isMailed: false,
    triesLeft: CODE_TRIES_MAX,
    usedBy: null,
    ...(invitation === undefined ? {} : { invitation }),
    ...(isRefused ? { isRefused } : {}),
    expiresAt,
    expireAt: expiresAt,
  };
  const record = requestRecord(deps, app.collection("requests"), ["code", app.id, requestKey], { email });
  const batch = deps.firestore.batch();
  batch.create(challengeRef(app, challenge), { ...stored });
  const first = { challenge, expiresAt: expiresAt.toDate().toISOString() };
  const { result: sent, replayed } = await commitOnce(deps, batch, record, first);
  // Also for a repeated request: the first may have been cut short before its task.
  await enqueue(deps, codeMailTask, { app: app.id, challenge: sent.challenge });
  return { sent, replayed };
}

/**
 * The mail for a challenge. Undefined when the challenge is gone, used or expired, so that a late delivery
 * sends nothing useless; and when the asker is locked out or too much has been mailed: the request was
 * answered as always, so whoever tries out addresses learns nothing. A repeated delivery composes the same
 * mail. One transaction: 4 or 6 reads, up to 4 writes.
 */
export async function composeCodeMail(deps: Deps, app: App, challenge: string): Promise<Mail | undefined> {
  const admitted = await within(
    TRANSACTION_MS_MAX,
    deps.firestore.runTransaction(async (transaction) => {
      const ref = challengeRef(app, challenge);
      const stored = storedChallenge(await transaction.get(ref));
      if (stored === undefined || stored.expiresAt.toMillis() <= deps.clock.now()) return undefined;
      const { email, sealedCode, source, isKnown, mailsMax, isMailed } = stored;
      if (sealedCode === null || stored.isRefused === true) return undefined;
      const address = addressHash(deps.keys, app, email);
      const lockout = await readLockout(deps, app, { subject: address, source, isKnown }, transaction);
      if (lockout.isLocked) return undefined;
      const code = deps.keys.open("sign-in-code", sealContext(app, challenge), sealedCode);
      if (isMailed || mailsMax === null) return { email, code };
      const mails = { address, source, isKnown, perDay: mailsMax };
      const cap = await readMailCap(deps, app, mails, transaction);
      if (cap.isReached) return undefined;
      cap.add(transaction);
      transaction.update(ref, { isMailed: true });
      return { email, code };
    }),
  );
  if (admitted === undefined) return undefined;
  const { email, code } = admitted;
  return {
    to: email,
    subject: `${code} is your sign-in code`,
    text: `Your sign-in code is ${code}\n\nIt is good for five minutes and can be used once. If you did not ask for it, you need not do anything.\n`,
    html: `<p>Your sign-in code is</p><p style="font-size:28px;letter-spacing:4px"><strong>${code}</strong></p><p>It is good for five minutes and can be used once. If you did not ask for it, you need not do anything.</p>`,
    messageId: messageIdOf(deps.config, challenge),
  };
}
