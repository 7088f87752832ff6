import type { HttpBeside } from "../kernel/grpc.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Call, Message, Outgoing, ServiceSpec } from "../kernel/rpc.ts";
import { type Browse, browser } from "./browse.ts";
import { clearDatabase } from "./clear.ts";
import { firestoreHttp } from "./http.ts";
import type { IndexFile } from "./index-file.ts";
import { ListenHub } from "./listen.ts";
import { listCollectionIds, listDocuments } from "./listing.ts";
import { partitionQuery } from "./partition.ts";
import { parseDatabase } from "./path.ts";
import { readPause } from "./physics.ts";
import { loadFirestoreProtos } from "./protos.ts";
import { runAggregationQuery, runQuery } from "./querying.ts";
import { batchGetDocuments, beginTransaction, getDocument } from "./reading.ts";
import { FirestoreState } from "./state.ts";
import { startSweeping } from "./sweep.ts";
import { WriteStreams } from "./write-stream.ts";
import { batchWrite, commit, createDocument, deleteDocument, updateDocument } from "./writing.ts";

export type { IndexFile } from "./index-file.ts";

export interface FirestoreOptions {
  /** The SQLite file; undefined keeps everything in memory. */
  readonly path: string | undefined;
  /** `firestore.indexes.json`, parsed. Without it, indexes are made as queries need them. */
  readonly indexes?: IndexFile | undefined;
  /**
   * The project that the index file is of; absent: every project. In other projects it says what is indexed
   * in the collection groups that it names, and indexes for others are made as queries need them.
   */
  readonly project?: string | undefined;
}

export interface FirestoreEmulator {
  readonly services: readonly ServiceSpec[];
  /** REST, and what tests call to clear a database: to be served on the port of the services. */
  readonly http: HttpBeside;
  /** Lists collections and documents below a path, for people to look at. */
  readonly browse: Browse;
  close(): void;
}

export function openFirestore(kernel: Kernel, options: FirestoreOptions): FirestoreEmulator {
  const state = new FirestoreState(kernel, options.path, options.indexes, options.project);
  const hub = new ListenHub(kernel, state);
  const stopSweeping = startSweeping(kernel, state);
  return {
    services: [firestoreService(kernel, state, hub)],
    http: (client) => firestoreHttp((database) => clearDatabase(state, database), client),
    browse: browser(state),
    close() {
      stopSweeping();
      hub.close();
      state.close();
    },
  };
}

function firestoreService(kernel: Kernel, state: FirestoreState, hub: ListenHub): ServiceSpec {
  const emulator = { kernel, state };
  const late = readsLate(kernel);
  const writeStreams = new WriteStreams(kernel.clock, (database, writes, call) =>
    commit(kernel, state, { database, writes }, call),
  );
  return {
    name: "firestore",
    proto: "google.firestore.v1.Firestore",
    root: loadFirestoreProtos(),
    unary: {
      GetDocument: late((request, call) => getDocument(kernel, state, request, call)),
      ListDocuments: late((request, call) => listDocuments(kernel, state, request, call)),
      CreateDocument: (request, call) => createDocument(kernel, state, request, call),
      UpdateDocument: (request, call) => updateDocument(kernel, state, request, call),
      DeleteDocument: (request, call) => deleteDocument(kernel, state, request, call),
      BeginTransaction: (request) => begin(state, request),
      Commit: (request, call) => commit(kernel, state, request, call),
      Rollback: (request) => rollback(state, request),
      BatchWrite: (request, call) => batchWrite(kernel, state, request, call),
      ListCollectionIds: late((request, call) =>
        billedListing(kernel, call, listCollectionIds(state, request)),
      ),
      PartitionQuery: late((request, call) => billedListing(kernel, call, partitionQuery(state, request))),
    },
    serverStream: {
      BatchGetDocuments: late((request, call, outgoing: Outgoing) =>
        batchGetDocuments(emulator, request, call, outgoing),
      ),
      RunQuery: late((request, call, outgoing: Outgoing) => runQuery(emulator, request, call, outgoing)),
      RunAggregationQuery: late((request, call, outgoing: Outgoing) =>
        runAggregationQuery(emulator, request, call, outgoing),
      ),
    },
    duplex: {
      Write: (call) => writeStreams.open(call),
      Listen: (call) => hub.open(call),
    },
  };
}

/** Reads answer as late as the suite's physics say. */
const readsLate =
  (kernel: Kernel) =>
  <Rest extends unknown[], Answer>(
    read: (request: Message, call: Call, ...rest: Rest) => Answer | Promise<Answer>,
  ) =>
  (request: Message, call: Call, ...rest: Rest): Answer | Promise<Answer> => {
    const waiting = readPause(kernel, call.resource);
    return waiting === undefined
      ? read(request, call, ...rest)
      : waiting.then(() => read(request, call, ...rest));
  };

function begin(state: FirestoreState, request: Message): Message {
  const database = state.store.databaseRow(parseDatabase(request.database));
  return { transaction: beginTransaction(state, database, request.options, false).id };
}

function rollback(state: FirestoreState, request: Message): Message {
  state.transactionsOf(parseDatabase(request.database)).rollback(request.transaction);
  return {};
}

/** Listing ids costs one read, however many there are. */
function billedListing(kernel: Kernel, call: Call, response: Message): Message {
  kernel.meter.bill(call, { reads: 1 });
  return response;
}
