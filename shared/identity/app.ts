import type { CollectionReference, DocumentReference, Firestore } from "../platform/firestore.ts";

/**
 * The only way to a tenant's data. A handle is bound to one app's path when a request has been
 * authenticated for that app, and has no verb that leads to another app's documents.
 */
export interface App {
  readonly id: string;
  readonly ref: DocumentReference;
  collection(name: AppCollection): CollectionReference;
}

/** What lives under an app. */
export type AppCollection =
  | "chats"
  | "chatAliases"
  | "numbers"
  | "users"
  | "addresses"
  | "identities"
  | "sessions"
  | "challenges"
  | "tokens"
  | "invitations"
  | "externals"
  | "reports"
  | "requests"
  | "pairs"
  | "reads"
  | "drafts"
  | "scheduled"
  | "jobs"
  | "imported"
  | "files"
  | "fileUsage"
  | "usage"
  | "search"
  | "rebuilds"
  | "personUsage"
  | "budgets"
  | "shadows"
  | "cachedAnswers"
  | "security"
  | "limits"
  | "lockouts"
  | "factors"
  | "presence"
  | "streams"
  | "notifications"
  | "devices"
  | "pushTokens"
  | "rollouts"
  | "outcomes";

export function appHandle(firestore: Firestore, id: string): App {
  const ref = firestore.collection("apps").doc(id);
  return { id, ref, collection: (name) => ref.collection(name) };
}
