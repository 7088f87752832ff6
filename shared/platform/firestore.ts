import { type DocumentReference, Firestore } from "@google-cloud/firestore";
import type { Config } from "./config.ts";
import { createChannels } from "./firestore-channels.ts";
import { type DocumentReads, type DocumentSnapshot, openDocumentReads } from "./firestore-reads.ts";
import { withCallSpans } from "./trace-calls.ts";
import { READ_MS_MAX, within } from "./within.ts";

export type {
  CollectionReference,
  DocumentData,
  DocumentReference,
  Firestore,
  Query,
  QueryDocumentSnapshot,
  Transaction,
  WriteBatch,
} from "@google-cloud/firestore";
export type { DocumentSnapshot } from "./firestore-reads.ts";

/** Google's client, with reads of documents of our own beside its own. */
class ReadingFirestore extends Firestore {
  readonly reads: DocumentReads;
  readonly #close: () => void;

  constructor({ projectId, databaseId }: Pick<Config, "projectId" | "databaseId">) {
    const channels = createChannels();
    super({
      projectId,
      databaseId,
      ...withCallSpans,
      "grpc.channelFactoryOverride": channels.open,
    });
    this.reads = openDocumentReads(channels, `projects/${projectId}/databases/${databaseId}`);
    this.#close = channels.close;
    this.settings({ ignoreUndefinedProperties: true });
  }

  override terminate(): Promise<void> {
    this.#close();
    return super.terminate();
  }
}

/** Opens the client. The connection is made with the first call. */
export const openFirestore = (config: Pick<Config, "projectId" | "databaseId">): Firestore =>
  new ReadingFirestore(config);

/**
 * Documents as they were at one moment, in the order of the references; none may stand twice. One RPC, and a
 * read for each. @throws AppError `unavailable` or a client's error when Firestore fails
 */
export async function readDocuments(refs: readonly DocumentReference[]): Promise<DocumentSnapshot[]> {
  const firestore = refs[0]?.firestore;
  if (firestore === undefined) return [];
  const reading = firestore instanceof ReadingFirestore ? firestore.reads.read(refs) : undefined;
  return reading ?? within(READ_MS_MAX, firestore.getAll(...refs));
}

/** The same of one. */
export async function readDocument(ref: DocumentReference): Promise<DocumentSnapshot> {
  const [found] = await readDocuments([ref]);
  if (found === undefined) throw new Error("A document is found or missing.");
  return found;
}
