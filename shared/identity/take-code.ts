import type { Deps } from "../platform/deps.ts";
import { AppError } from "../platform/errors.ts";
import type { Transaction } from "../platform/firestore.ts";
import { sameSecret } from "../platform/keys.ts";
import { addressHash } from "./address.ts";
import type { App } from "./app.ts";
import type { Caller } from "./caller.ts";
import { addFailure, clearFailures, readLockout } from "./lockout.ts";
import { giveMailBack } from "./mail-cap.ts";
import { codeHashOf } from "./sign-in-code.ts";
import { challengeRef, storedChallenge } from "./store.ts";

export const wrongCode = (): AppError => new AppError("code_invalid", "The code is wrong, used or expired.");

/** A right code, not used up yet. */
export interface TakenCode {
  /** The address that the code was mailed to, and its keyed hash. */
  readonly email: string;
  readonly address: string;
  /** The invitation that the asker brought. */
  readonly invitation: string | undefined;
  /** Whether it was used up before, for the same end. */
  readonly isRepeated: boolean;
  /** Uses it up. After all reads of the transaction; up to 6 writes. */
  spend(): void;
}

/**
 * Takes a mailed code. Undefined when it is not the one, whatever is wrong; a wrong one has then cost the
 * challenge a try and its asker a failure. `end` names what it is used for: a repetition for the same end is
 * told from another use. 3 reads; 4 to 6 writes for a failure.
 */
export async function takeCode(
  deps: Deps,
  app: App,
  transaction: Transaction,
  {
    challenge,
    code,
    caller,
    end,
  }: { readonly challenge: string; readonly code: string; readonly caller: Caller; readonly end: string },
): Promise<TakenCode | undefined> {
  const ref = challengeRef(app, challenge);
  const stored = storedChallenge(await transaction.get(ref));
  const isOver = stored === undefined || stored.expiresAt.toMillis() <= deps.clock.now();
  if (isOver || stored.triesLeft <= 0) return undefined;
  const isRepeated = stored.usedBy === end;
  if (stored.usedBy !== null && !isRepeated) return undefined;
  const { email, source, isKnown, isMailed, mailsMax } = stored;
  const address = addressHash(deps.keys, app, email);
  const lockout = await readLockout(deps, app, { subject: address, source, isKnown }, transaction);
  if (lockout.isLocked) return undefined;
  if (!sameSecret(stored.codeHash, codeHashOf(deps, app, challenge, code))) {
    const triesLeft = stored.triesLeft - 1;
    transaction.update(ref, { triesLeft, ...(triesLeft > 0 ? {} : { sealedCode: null }) });
    const event = { kind: "sign-in-failed", subject: addressPseudonym(address), caller } as const;
    addFailure(deps, app, transaction, { lockout, event });
    return undefined;
  }
  return {
    email,
    address,
    invitation: stored.invitation,
    isRepeated,
    spend() {
      clearFailures(deps, transaction, lockout);
      if (isMailed && mailsMax !== null)
        giveMailBack(deps, app, { address, source, isKnown, perDay: mailsMax }, transaction);
      transaction.update(ref, { usedBy: end, sealedCode: null });
    },
  };
}

const PSEUDONYM_CHARS = 16;

/** Tells addresses apart in the events without naming them. */
const addressPseudonym = (hash: string): string => `address_${hash.slice(0, PSEUDONYM_CHARS)}`;
