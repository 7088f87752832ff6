import type { CollectionReference, Firestore } from "../platform/firestore.ts";

/** What belongs to no app and is followed by every instance. */
export const keyRingOf = (firestore: Firestore): CollectionReference =>
  firestore.collection("system").doc("keys").collection("ring");
export const revocationsOf = (firestore: Firestore): CollectionReference =>
  firestore.collection("system").doc("revocations").collection("entries");
/** Security events that concern the whole deployment. */
export const systemEventsOf = (firestore: Firestore): CollectionReference =>
  firestore.collection("system").doc("security").collection("events");
