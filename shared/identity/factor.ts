import { storedAs } from "../platform/stored.ts";
import type { Deps } from "../platform/deps.ts";
import { AppError } from "../platform/errors.ts";
import type { DocumentReference } from "../platform/firestore.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import { randomId } from "../platform/ids.ts";
import { sameSecret } from "../platform/keys.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import type { App } from "./app.ts";
import type { AppDirectory } from "./app-directory.ts";
import type { Caller } from "./caller.ts";
import type { Factor, FactorBegun, FactorOn } from "./contract.ts";
import type { Principal } from "./principal.ts";
import { addSecurityEvent, securityEventsOf } from "./security-event.ts";
import { addressRef, readDocument, TRANSACTION_MS_MAX, userRef, storedUser } from "./store.ts";
import { takeCode, wrongCode } from "./take-code.ts";
import { base32, matchTotp, newTotpSecret, STEP_SECONDS, TOTP_DIGITS } from "./totp.ts";
import { foldCode } from "./typed-code.ts";

/** How long a proof of the second factor is good for sensitive actions. */
export const FACTOR_FRESH_MS = 10 * 60_000;
/** To take it away, the proof has to be fresher. */
export const FACTOR_REMOVAL_MS = 5 * 60_000;
export const RECOVERY_CODES = 10;

export interface StoredFactor {
  /** The secret is sealed, so that a copy of the database can't produce codes. */
  readonly sealedSecret: string;
  readonly isOn: boolean;
  /** The step of the last code that was used; earlier ones are used up. */
  readonly lastStep: number;
  /** Keyed hashes of the recovery codes that are left. */
  readonly recovery: readonly string[];
  readonly createdAt: Timestamp;
}
export const storedFactor = storedAs<StoredFactor>();

export const factorRef = (app: App, userId: string): DocumentReference =>
  app.collection("factors").doc(userId);

export const secretOf = (deps: Pick<Deps, "keys">, app: App, userId: string, factor: StoredFactor): Buffer =>
  Buffer.from(deps.keys.open("totp", `${app.id}/${userId}`, factor.sealedSecret), "base64url");

export const recoveryHash = (deps: Pick<Deps, "keys">, app: App, userId: string, code: string): string =>
  deps.keys.mac(
    "recovery-code",
    app.id,
    userId,
    foldCode(code)
      .toLowerCase()
      .replaceAll(/[^0-9a-z]/g, ""),
  );

const factorRequired = (): AppError =>
  new AppError("factor_required", "Prove your second factor first, then try again.");
const conflict = (): AppError =>
  new AppError("conflict", "There is a second factor already; remove it first.");

/** Whether the person has a second factor. 1 read. */
export async function readFactor(app: App, person: Principal): Promise<Factor> {
  const { data } = await readDocument(factorRef(app, person.id), storedFactor);
  if (data?.isOn !== true) return { enabled: false, recoveryCodesLeft: 0 };
  return {
    enabled: true,
    recoveryCodesLeft: data.recovery.length,
    createdAt: data.createdAt.toDate().toISOString(),
  };
}

/**
 * Makes a secret for an authenticator app, for whoever proves a sign-in code just mailed to the person: an
 * access token that was stolen is not enough. The secret counts only once a code of it has been confirmed.
 * With the same code it can be made again until that expires. 6 reads, 2 to 4 writes.
 * @throws AppError `code_invalid`, `conflict` when there is a second factor already
 */
export async function beginFactor(
  deps: Deps,
  app: App,
  person: Principal,
  {
    challenge,
    code,
    caller,
  }: {
    readonly challenge: string;
    readonly code: string;
    readonly caller: Caller;
  },
): Promise<FactorBegun> {
  const secret = newTotpSecret();
  const stored: StoredFactor = {
    sealedSecret: deps.keys.seal("totp", `${app.id}/${person.id}`, secret.toString("base64url")),
    isOn: false,
    lastStep: 0,
    recovery: [],
    createdAt: Timestamp.fromMillis(deps.clock.now()),
  };
  const { data: user } = await readDocument(userRef(app, person.id), storedUser);
  const isProved = await within(
    TRANSACTION_MS_MAX,
    deps.firestore.runTransaction(async (transaction) => {
      const ref = factorRef(app, person.id);
      if ((await transaction.get(ref)).get("isOn") === true) throw conflict();
      const proof = { challenge, code: foldCode(code), caller, end: `factor of ${person.id}` };
      const taken = await takeCode(deps, app, transaction, proof);
      if (taken === undefined) return false;
      if ((await transaction.get(addressRef(app, taken.address))).get("user") !== person.id) return false;
      if (!taken.isRepeated) taken.spend();
      transaction.set(ref, { ...stored });
      return true;
    }),
  );
  if (!isProved) throw wrongCode();
  const encoded = base32(secret);
  const label = encodeURIComponent(`${app.id}:${user?.email ?? person.id}`);
  const uri = `otpauth://totp/${label}?secret=${encoded}&issuer=${app.id}&algorithm=SHA1&digits=${TOTP_DIGITS}&period=${STEP_SECONDS}`;
  return { secret: encoded, uri };
}

/**
 * Puts the second factor in force and returns the recovery codes, which are shown this once. 1 read, 2
 * writes.
 * @throws AppError `code_invalid`, `conflict`, `not_found` when none has been begun
 */
export async function confirmFactor(
  deps: Deps,
  app: App,
  person: Principal,
  { code, caller }: { readonly code: string; readonly caller: Caller },
): Promise<FactorOn> {
  const recoveryCodes = Array.from({ length: RECOVERY_CODES }, newRecoveryCode);
  await within(
    TRANSACTION_MS_MAX,
    deps.firestore.runTransaction(async (transaction) => {
      const ref = factorRef(app, person.id);
      const factor = storedFactor(await transaction.get(ref));
      if (factor === undefined) throw new AppError("not_found", "No second factor has been begun.");
      if (factor.isOn) throw conflict();
      const secret = secretOf(deps, app, person.id, factor);
      const step = matchTotp(secret, foldCode(code), deps.clock.now(), {
        lastStep: factor.lastStep,
        isSame: sameSecret,
      });
      if (step === undefined) throw wrongCode();
      const recovery = recoveryCodes.map((each) => recoveryHash(deps, app, person.id, each));
      transaction.update(ref, { isOn: true, lastStep: step, recovery });
      addSecurityEvent(deps, transaction, securityEventsOf(app), {
        event: {
          kind: "factor-added",
          actor: person.id,
          subject: person.id,
          caller,
        },
      });
    }),
  );
  return { enabled: true, recoveryCodes };
}

const RECOVERY_CODE_CHARS = 12;

/** 60 random bits in groups that can be copied by hand. */
const newRecoveryCode = (): string => {
  const text = randomId().slice(0, RECOVERY_CODE_CHARS);
  return `${text.slice(0, 4)}-${text.slice(4, 8)}-${text.slice(8)}`;
};

/**
 * Takes the second factor away, for whoever has proved it within FACTOR_REMOVAL_MS; idempotent. 1 read, 2
 * writes.
 * @throws AppError `factor_required`
 */
export async function removeFactor(deps: Deps, app: App, person: Principal, caller: Caller): Promise<void> {
  const isFresh = deps.clock.now() - (person.factorMs ?? 0) <= FACTOR_REMOVAL_MS;
  if (!isFresh && (await readFactor(app, person)).enabled) throw factorRequired();
  const batch = deps.firestore.batch();
  batch.delete(factorRef(app, person.id));
  addSecurityEvent(deps, batch, securityEventsOf(app), {
    event: {
      kind: "factor-removed",
      actor: person.id,
      subject: person.id,
      caller,
    },
  });
  await within(READ_MS_MAX, batch.commit());
}

/**
 * Before a sensitive action: who has a second factor must have proved it within FACTOR_FRESH_MS; who has
 * none is let through unless the app demands one. Operator and API token are keys of servers. At most 1 read.
 * @throws AppError `factor_required`
 */
export async function demandFactor(
  deps: Pick<Deps, "clock">,
  apps: AppDirectory,
  app: App,
  principal: Principal,
): Promise<void> {
  if (principal.kind !== "person") return;
  if (principal.factorMs !== undefined && deps.clock.now() - principal.factorMs <= FACTOR_FRESH_MS) return;
  const isDemanded = (await apps.settingsOf(app)).secondFactor === "required";
  if (isDemanded || (await readFactor(app, principal)).enabled) {
    throw factorRequired();
  }
}
