import { storedAs } from "../platform/stored.ts";
import type { Deps } from "../platform/deps.ts";
import { GRPC, grpcCode } from "../platform/errors.ts";
import type { CollectionReference, Transaction, WriteBatch } from "../platform/firestore.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import { randomId } from "../platform/ids.ts";
import { type NewestFirst, newestFirst } from "../platform/newest-first.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import type { App } from "./app.ts";
import { type Caller, networkOf } from "./caller.ts";
import type { SecurityEvent, SecurityEventKind } from "./contract.ts";

/** Long enough to look into what was noticed late. */
export const SECURITY_EVENT_TTL_MS = 400 * 24 * 3600 * 1000;

interface StoredSecurityEvent {
  readonly kind: SecurityEventKind;
  readonly at: Timestamp;
  readonly actor: string | null;
  readonly subject: string | null;
  readonly network: string | null;
  readonly userAgent: string;
  readonly details: SecurityEvent["details"];
  readonly expireAt: Timestamp;
}
export const storedSecurityEvent = storedAs<StoredSecurityEvent>();

export interface NewSecurityEvent {
  readonly kind: SecurityEventKind;
  /** Who did it; absent when that was not proved. */
  readonly actor?: string | undefined;
  readonly subject?: string | undefined;
  readonly caller: Caller;
  /** Never an address, a code, a token or a key. */
  readonly details?: SecurityEvent["details"];
}

export const securityEventsOf = (app: App): CollectionReference => app.collection("security");

/**
 * Adds an event to the commit of what it records, so that neither is there without the other. 1 write.
 */
export function addSecurityEvent(
  deps: Pick<Deps, "clock">,
  writer: WriteBatch | Transaction,
  collection: CollectionReference,
  { event }: { readonly event: NewSecurityEvent },
): void {
  (writer as WriteBatch).set(collection.doc(randomId()), newSecurityEvent(deps, event));
}

/**
 * Writes down that something has been so for the first time in a while: `id` names the while. What is there
 * already, of another instance, stands as it is. 1 write.
 */
export async function writeFirstEvent(
  deps: Pick<Deps, "clock">,
  collection: CollectionReference,
  { event, id }: { readonly event: NewSecurityEvent; readonly id: string },
): Promise<void> {
  try {
    await within(READ_MS_MAX, collection.doc(id).create(newSecurityEvent(deps, event)));
  } catch (cause) {
    if (grpcCode(cause) !== GRPC.alreadyExists) throw cause;
  }
}

/** An event as it is stored, for a commit that creates documents itself. */
export function newSecurityEvent({ clock }: Pick<Deps, "clock">, event: NewSecurityEvent): object {
  const now = clock.now();
  return {
    kind: event.kind,
    at: Timestamp.fromMillis(now),
    actor: event.actor ?? null,
    subject: event.subject ?? null,
    network: networkOf(event.caller.ip),
    userAgent: event.caller.userAgent,
    details: event.details ?? {},
    expireAt: Timestamp.fromMillis(now + SECURITY_EVENT_TTL_MS),
  } satisfies StoredSecurityEvent;
}

/** A page of events, newest first. One query, one read for each. */
export function listSecurityEvents(
  deps: Deps,
  collection: CollectionReference,
  {
    kind,
    ...page
  }: {
    readonly cursor?: string | undefined;
    readonly limit: number;
    readonly kind?: SecurityEventKind | undefined;
  },
): Promise<NewestFirst<SecurityEvent>> {
  const query = kind === undefined ? collection : collection.where("kind", "==", kind);
  return newestFirst(
    deps,
    query,
    {
      field: "at",
      scope: ["security-events", collection.path, kind ?? ""],
      view: (document) => view(document.id, storedSecurityEvent(document)),
    },
    page,
  );
}

const view = (id: string, stored: StoredSecurityEvent): SecurityEvent => ({
  id,
  kind: stored.kind,
  at: stored.at.toDate().toISOString(),
  actor: stored.actor,
  subject: stored.subject,
  network: stored.network,
  userAgent: stored.userAgent,
  details: stored.details,
});
