import { Firestore } from "@google-cloud/firestore";
import type { Config } from "./config.ts";
import { withCallSpans } from "./trace-calls.ts";

export type {
  CollectionReference,
  DocumentData,
  DocumentReference,
  DocumentSnapshot,
  Firestore,
  Query,
  QueryDocumentSnapshot,
  Transaction,
  WriteBatch,
} from "@google-cloud/firestore";

/** Opens the client. The connection is made with the first call. */
export function openFirestore(config: Pick<Config, "projectId">): Firestore {
  const firestore = new Firestore({ projectId: config.projectId, ...withCallSpans });
  firestore.settings({ ignoreUndefinedProperties: true });
  return firestore;
}
