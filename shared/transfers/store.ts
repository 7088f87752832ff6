import type { App } from "../identity/app.ts";
import type {
  CollectionReference,
  DocumentReference,
  Firestore,
  Query,
  Transaction,
} from "../platform/firestore.ts";

/** The jobs of an app's people. */
export const transfersOf = (app: App): CollectionReference => app.collection("jobs");

export const transferRef = (app: App, id: string): DocumentReference => transfersOf(app).doc(id);

/** Those of a person, to be paged. */
export const transfersBy = (app: App, person: string): Query =>
  transfersOf(app).where("createdBy", "==", person);

/** How many of a person's are not over. 1 count, within a transaction. */
export async function countOpen(transaction: Transaction, app: App, person: string): Promise<number> {
  const open = transfersBy(app, person).where("state", "in", ["pending", "running"]);
  return (await transaction.get(open.count())).data().count;
}

/** Jobs of all apps and of the deployment. */
export const allJobs = (firestore: Firestore): Query => firestore.collectionGroup("jobs");
