import type { Deps } from "../platform/deps.ts";
import { AppError } from "../platform/errors.ts";
import type { DocumentReference, Transaction } from "../platform/firestore.ts";
import { FieldValue, Timestamp } from "../platform/firestore-values.ts";
import { randomId } from "../platform/ids.ts";
import { sameSecret } from "../platform/keys.ts";
import { type Mail, messageIdOf } from "../platform/mailer.ts";
import { type NewestFirst, newestFirst } from "../platform/newest-first.ts";
import { storedAs } from "../platform/stored.ts";
import { commitOnce } from "../platform/request-record.ts";
import { enqueue } from "../platform/task.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import { addressHash, demandAddress } from "./address.ts";
import { rightsOfMaker } from "./api-token.ts";
import type { App } from "./app.ts";
import type { Caller } from "./caller.ts";
import type { Invitation, InvitationCreated, NewInvitation, Role } from "./contract.ts";
import { ownRecord, recallOwn } from "./own-request.ts";
import { covers } from "./permissions.ts";
import type { Principal } from "./principal.ts";
import { addSecurityEvent, securityEventsOf } from "./security-event.ts";
import { readInvitationCap } from "./mail-cap.ts";
import { readDocument, storedAppHead, TRANSACTION_MS_MAX } from "./store.ts";
import { invitationMailTask } from "./tasks.ts";

const DAY_MS = 24 * 3600 * 1000;
const INVITATION_DAYS = 7;
export const INVITATION_DAYS_MAX = 90;

interface StoredInvitation {
  /** Keyed hash of the secret in the code. */
  readonly hash: string;
  readonly role: Exclude<Role, "service">;
  /** Empty for whoever has the code. */
  readonly email: string;
  /** Keyed hash of the address; null for whoever has the code. */
  readonly address: string | null;
  readonly usesLeft: number;
  /** Whether its mail has been counted. */
  readonly isMailed?: true;
  readonly usedBy: readonly string[];
  readonly createdBy: string;
  readonly createdAt: Timestamp;
  readonly expiresAt: Timestamp;
}
const storedInvitation = storedAs<StoredInvitation>();

const invitationRef = (app: App, id: string): DocumentReference => app.collection("invitations").doc(id);

const CODE = /^inv_([a-z0-9]{26})_([A-Za-z0-9_-]{43})$/;
const secretOf = (deps: Pick<Deps, "keys">, app: App, id: string): string =>
  deps.keys.mac("invitation", app.id, id);
const hashOf = (deps: Pick<Deps, "keys">, app: App, secret: string): string =>
  deps.keys.mac("invitation-hash", app.id, secret);
const codeOf = (deps: Pick<Deps, "keys">, app: App, id: string): string =>
  `inv_${id}_${secretOf(deps, app, id)}`;

/** Which invitation the code is for, once it has proved to be one of this app's. No Firestore operation. */
export function invitationOfCode(deps: Pick<Deps, "keys">, app: App, code: string): string | undefined {
  const [, id = "", secret = ""] = CODE.exec(code) ?? [];
  return id !== "" && sameSecret(secret, secretOf(deps, app, id)) ? id : undefined;
}

/** The invitation that a request made, good or not; undefined when it made none. 1 read. */
export const recallInvitation = (
  deps: Deps,
  app: App,
  by: Principal,
  { draft, requestKey }: { readonly draft: NewInvitation; readonly requestKey: string },
): Promise<InvitationCreated | undefined> =>
  recallOwn(deps, app, by, { kind: "invitation", body: draft, requestKey });

/**
 * Invites one person by mail, or with a link whoever has it; the role is none above the inviter's. Idempotent
 * under `requestKey`: for REQUEST_KEPT_MS the same request is shown the same invitation, good or not. 2
 * writes, 1 more with a key; 1 task with an address.
 * @throws AppError `forbidden`, `invalid_request`, `idempotency_key_reused`
 */
export async function createInvitation(
  deps: Deps,
  app: App,
  by: Principal,
  {
    draft,
    requestKey,
    caller,
  }: { readonly draft: NewInvitation; readonly requestKey: string | undefined; readonly caller: Caller },
): Promise<{ created: InvitationCreated; replayed: boolean }> {
  if (!covers(by, draft.role)) throw new AppError("forbidden", "Nobody invites to a role above their own.");
  const now = deps.clock.now();
  const expiresMs =
    draft.expiresAt === undefined ? now + INVITATION_DAYS * DAY_MS : Date.parse(draft.expiresAt);
  if (expiresMs <= now || expiresMs > now + INVITATION_DAYS_MAX * DAY_MS) {
    throw new AppError("invalid_request", "The invitation would not be good for a fitting time.", {
      errors: [{ path: "expiresAt", message: `must be within the next ${INVITATION_DAYS_MAX} days` }],
    });
  }
  const id = randomId();
  const record = ownRecord(deps, app, by, { kind: "invitation", body: draft, requestKey });
  const email = draft.email === undefined ? "" : demandAddress(draft.email);
  const stored: StoredInvitation = {
    hash: hashOf(deps, app, secretOf(deps, app, id)),
    role: draft.role,
    email,
    address: email === "" ? null : addressHash(deps.keys, app, email),
    usesLeft: email === "" ? draft.uses : 1,
    usedBy: [],
    createdBy: by.id,
    createdAt: Timestamp.fromMillis(now),
    expiresAt: Timestamp.fromMillis(expiresMs),
  };
  const batch = deps.firestore.batch();
  batch.create(invitationRef(app, id), { ...stored });
  addSecurityEvent(deps, batch, securityEventsOf(app), {
    event: {
      kind: "invitation-created",
      actor: by.id,
      subject: `invitation_${id}`,
      caller,
      details: { role: draft.role },
    },
  });
  const code = codeOf(deps, app, id);
  const first = { ...view(id, stored), code, url: linkOf(deps, app, code) };
  const { result: created, replayed } = await commitOnce(deps, batch, record, first);
  // Also for a repetition: the first request may have been cut short before its task.
  if (email !== "") await enqueue(deps, invitationMailTask, { app: app.id, invitation: created.id });
  return { created, replayed };
}

const linkOf = (deps: Pick<Deps, "config">, app: App, code: string): string => {
  const url = new URL("/", deps.config.publicUrl);
  url.searchParams.set("app", app.id);
  url.searchParams.set("invitation", code);
  return url.href;
};

const view = (id: string, stored: StoredInvitation): Invitation => ({
  id,
  ...(stored.email === "" ? {} : { email: stored.email }),
  role: stored.role,
  usesLeft: stored.usesLeft,
  createdBy: stored.createdBy,
  createdAt: stored.createdAt.toDate().toISOString(),
  expiresAt: stored.expiresAt.toDate().toISOString(),
});

/**
 * A page of the invitations that are still good, newest first; others are left out, so a page may be short.
 * One query, one read for each.
 */
export async function listInvitations(
  deps: Deps,
  app: App,
  page: { readonly cursor?: string | undefined; readonly limit: number },
): Promise<NewestFirst<Invitation>> {
  const { data, ...rest } = await newestFirst(
    deps,
    app.collection("invitations"),
    {
      field: "createdAt",
      scope: ["invitations", app.id],
      view: (document) => ({ id: document.id, stored: storedInvitation(document) }),
    },
    page,
  );
  const open = data.filter(({ stored }) => isOpen(deps, stored));
  return { ...rest, data: open.map(({ id, stored }) => view(id, stored)) };
}

const isOpen = (deps: Pick<Deps, "clock">, { usesLeft, expiresAt }: StoredInvitation): boolean =>
  usesLeft > 0 && expiresAt.toMillis() > deps.clock.now();

/** Takes an invitation back. 1 read, 2 writes. @throws AppError `not_found` */
export async function deleteInvitation(
  deps: Deps,
  app: App,
  by: Principal,
  { id, caller }: { readonly id: string; readonly caller: Caller },
): Promise<void> {
  const ref = invitationRef(app, id);
  const { data } = await readDocument(ref, storedInvitation);
  if (data === undefined || data.usesLeft === 0)
    throw new AppError("not_found", "There is no such invitation.");
  const batch = deps.firestore.batch();
  batch.update(ref, { usesLeft: 0, email: "", address: null });
  addSecurityEvent(deps, batch, securityEventsOf(app), {
    event: { kind: "invitation-deleted", actor: by.id, subject: `invitation_${id}`, caller },
  });
  await within(READ_MS_MAX, batch.commit());
}

/** An invitation that is good for somebody, to be used up in the commit that lets them in. */
export interface GoodInvitation {
  readonly role: Exclude<Role, "service">;
  /** They have used it before, and nothing is to be changed. */
  readonly isUsed: boolean;
  /** 2 writes. */
  use(personId: string): void;
}

const OF_ADDRESS_MAX = 10;

/**
 * The invitation with this id, or else one to this address, if it is good: not used up, not expired, to this
 * address where it names one, and made by somebody who could still give the role. 2 reads for each that is
 * looked at.
 */
export async function findInvitation(
  deps: Deps,
  app: App,
  transaction: Transaction,
  {
    id,
    address,
    personId,
  }: {
    readonly id: string | undefined;
    readonly address: string | undefined;
    readonly personId: string | undefined;
  },
): Promise<GoodInvitation | undefined> {
  const collection = app.collection("invitations");
  const found =
    id === undefined
      ? address === undefined
        ? []
        : (await transaction.get(collection.where("address", "==", address).limit(OF_ADDRESS_MAX))).docs
      : [await transaction.get(invitationRef(app, id))];
  for (const document of found) {
    const stored = storedInvitation(document);
    if (stored === undefined) continue;
    const isUsed = personId !== undefined && stored.usedBy.includes(personId);
    const isTheirs = stored.address === null || stored.address === address;
    if (!isTheirs || !(isUsed || isOpen(deps, stored))) continue;
    if (!isUsed && !(await couldInvite(deps, app, transaction, stored))) continue;
    return {
      role: stored.role,
      isUsed,
      use: (person) => use(deps, app, transaction, document.ref, stored, person),
    };
  }
  return undefined;
}

/** Whether its maker could still give the role: themselves, or by the token that made it. */
async function couldInvite(
  deps: Pick<Deps, "clock">,
  app: App,
  transaction: Transaction,
  invitation: StoredInvitation,
): Promise<boolean> {
  const get = (ref: DocumentReference) => transaction.get(ref);
  const scopes = await rightsOfMaker(app, invitation, { get, nowMs: deps.clock.now() });
  return scopes !== undefined && covers({ role: "service", scopes }, invitation.role);
}

function use(
  deps: Deps,
  app: App,
  transaction: Transaction,
  ref: DocumentReference,
  { usesLeft }: StoredInvitation,
  person: string,
): void {
  const isLast = usesLeft === 1;
  transaction.update(ref, {
    usesLeft: usesLeft - 1,
    usedBy: FieldValue.arrayUnion(person),
    // Nobody's address is kept longer than it is needed.
    ...(isLast ? { email: "", address: null } : {}),
  });
  addSecurityEvent(deps, transaction, securityEventsOf(app), {
    event: {
      kind: "invitation-used",
      actor: person,
      subject: `invitation_${ref.id}`,
      caller: { ip: "", userAgent: "" },
    },
  });
}

/**
 * The mail of an invitation; undefined when it is no longer good, or when its address or its maker has had as
 * many as a day allows: the link is good all the same. Counted once, however often it is sent. One
 * transaction: 4 reads and 3 writes, of a repetition 2 reads.
 */
export async function composeInvitationMail(deps: Deps, app: App, id: string): Promise<Mail | undefined> {
  const data = await within(
    TRANSACTION_MS_MAX,
    deps.firestore.runTransaction(async (transaction) => {
      const ref = invitationRef(app, id);
      const [found, appFound] = await transaction.getAll(ref, app.ref);
      const stored = found && storedInvitation(found);
      const isGood = stored !== undefined && stored.email !== "" && isOpen(deps, stored);
      if (!isGood || (appFound && storedAppHead(appFound))?.status !== "open") return undefined;
      if (stored.isMailed === true) return stored;
      const { address, createdBy: inviter } = stored;
      const cap = await readInvitationCap(deps, app, { address: address ?? "", inviter }, transaction);
      if (cap.isReached) return undefined;
      cap.add(transaction);
      transaction.update(ref, { isMailed: true });
      return stored;
    }),
  );
  if (data === undefined) return undefined;
  const link = linkOf(deps, app, codeOf(deps, app, id));
  const day = data.expiresAt.toDate().toISOString().slice(0, 10);
  const rest = `is good until ${day} and for you alone. If you do not know why you were invited, you need not do anything.`;
  // No word of the inviter's stands in it: an app's name, too, could be somebody's advertisement.
  return {
    to: data.email,
    subject: "You have been invited to a chat",
    text: `You have been invited to a chat. Follow this link and sign in with this address:\n\n${link}\n\nThe link ${rest}\n`,
    html: `<p>You have been invited to a chat.</p><p><a href="${link.replaceAll("&", "&amp;")}">Follow this link</a> and sign in with this address.</p><p>The link ${rest}</p>`,
    messageId: messageIdOf(deps.config, `invitation-${id}`),
  };
}
