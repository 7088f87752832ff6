import type { App } from "../../identity/app.ts";
import type { Principal } from "../../identity/principal.ts";
import { userRef } from "../../identity/store.ts";
import type { Config } from "../../platform/config.ts";
import type { Deps } from "../../platform/deps.ts";
import { AppError } from "../../platform/errors.ts";
import type { DocumentReference, Transaction } from "../../platform/firestore.ts";
import { FieldValue, Timestamp } from "../../platform/firestore-values.ts";
import type { Purpose } from "../contract.ts";
import { noSuchFile } from "../no-such-file.ts";
import { fileRef, inFileTransaction, isThere, type StoredFile, storedFile } from "../store.ts";

type PictureDeps = Pick<Deps, "firestore" | "clock"> & { readonly config: Pick<Config, "publicUrl"> };

/** Whose picture it is, and the field that holds its address. */
interface Place {
  readonly ref: DocumentReference;
  readonly field: "avatarUrl" | "logoUrl";
  readonly purpose: Purpose;
}

const avatarOf = (app: App, personId: string): Place => ({
  ref: userRef(app, personId),
  field: "avatarUrl",
  purpose: "avatar",
});
const logoOf = (app: App): Place => ({ ref: app.ref, field: "logoUrl", purpose: "logo" });

/**
 * Makes a file the caller's own picture; `undefined`: the generated one. The file before is removed with its
 * bytes by `tend-files`. Idempotent. 1 transaction with 2 reads and 2 writes, 1 write more where there was a
 * file before.
 * @throws AppError `not_found`, `invalid_request` for a file of another purpose or that was refused,
 * `conflict` while it is not ready
 */
export const setAvatar = (
  deps: PictureDeps,
  app: App,
  me: Principal,
  file: string | undefined,
): Promise<void> => setPicture(deps, app, me, { place: avatarOf(app, me.id), file });

/** The same of the app's logo, of which there is none without a file. */
export const setLogo = (
  deps: PictureDeps,
  app: App,
  by: Principal,
  file: string | undefined,
): Promise<void> => setPicture(deps, app, by, { place: logoOf(app), file });

function setPicture(
  { firestore, clock, config }: PictureDeps,
  app: App,
  by: Principal,
  { place: { ref, field, purpose }, file: id }: { readonly place: Place; readonly file: string | undefined },
): Promise<void> {
  return inFileTransaction(firestore, async (transaction) => {
    const owner = await transaction.get(ref);
    if (!owner.exists) throw new AppError("not_found", "There is nobody whose picture it could be.");
    const before = owner.get("pictureFile") as string | null | undefined;
    if (id === undefined) {
      transaction.update(ref, { [field]: null, pictureFile: null });
    } else {
      demandPicture(storedFile(await transaction.get(fileRef(app, id))), by, purpose);
      transaction.update(ref, { [field]: pictureUrl(config, app, id), pictureFile: id });
      transaction.update(fileRef(app, id), { shownAs: purpose });
    }
    if (before && before !== id) takeDown(transaction, app, before, clock.now());
  });
}

/** Nobody may be shown it any more, and it is removed if no message holds it. */
const takeDown = (transaction: Transaction, app: App, file: string, nowMs: number): unknown =>
  transaction.set(
    fileRef(app, file),
    { shownAs: FieldValue.delete(), released: true, dueAt: Timestamp.fromMillis(nowMs) },
    { merge: true },
  );

function demandPicture(stored: StoredFile | undefined, by: Principal, purpose: Purpose): void {
  if (!isThere(stored) || stored.createdBy !== by.id) throw noSuchFile();
  if (stored.purpose !== purpose) throw notValid(`must have been announced with the purpose ${purpose}`);
  if (stored.status === "refused") throw notValid("must not be a file that was refused");
  if (stored.status !== "ready") {
    throw new AppError("conflict", "The file is not ready yet.", { retryAfterSeconds: 1 });
  }
}

const notValid = (message: string): AppError =>
  new AppError("invalid_request", "Some fields are not valid; see errors.", {
    errors: [{ path: "file", message }],
  });

/** Anybody who has the address is shown the picture: names and faces go with messages, also into mails. */
const pictureUrl = ({ publicUrl }: Pick<Config, "publicUrl">, { id: app }: App, file: string): string =>
  `${publicUrl}/v1/apps/${app}/pictures/${file}`;
