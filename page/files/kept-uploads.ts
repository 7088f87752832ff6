import type { BegunUpload } from "../../shared/client/upload.ts";

/** A file that was chosen for a message that is not sent yet, as a reload of the page finds it again. */
export interface KeptUpload {
  readonly key: string;
  /** Whose, and in which chat or thread. */
  readonly place: string;
  readonly name: string;
  readonly size: number;
  readonly at: number;
  /** How far it is; absent while nothing has been announced, and of a small file. */
  readonly begun?: BegunUpload;
  /** What has been sent, to know the file again by. */
  readonly proof?: Proof;
  /** The file's id, once all of it has arrived. */
  readonly id?: string;
  /** Its bytes, where they are kept: the browser copies them. */
  readonly content?: File;
}

/** A chain of SHA-256 over the parts that were sent, which end there. */
export interface Proof {
  readonly ends: readonly number[];
  readonly sha256: string;
}

const DATABASE = "scrollback-uploads";
const STORE = "uploads";
/** The server gives up what has not come, and removes what was not sent, within a day. */
const KEPT_MS_MAX = 20 * 3_600_000;
/** A larger file is asked for again. */
export const KEPT_BYTES_MAX = 200 * 1024 * 1024;

export type KeptUploads = ReturnType<typeof createKeptUploads>;

/**
 * Uploads that outlive a reload, in IndexedDB. Where the browser has none, or no room, they don't; nothing
 * else is lost, so no method ever fails.
 */
export function createKeptUploads(place: string) {
  /** Each after the one before: a later state is never overwritten by an earlier one. */
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>, otherwise: T): Promise<T> => {
    const turn = last.then(work).catch(() => otherwise);
    last = turn;
    return turn;
  };

  return {
    /** Those of this place, the oldest first. */
    list: (): Promise<readonly KeptUpload[]> =>
      inTurn(async () => {
        const all = await inStore<KeptUpload[]>("readonly", (store) => store.getAll());
        const isOld = ({ at }: KeptUpload) => Date.now() - at > KEPT_MS_MAX;
        for (const { key } of all.filter(isOld)) await inStore("readwrite", (store) => store.delete(key));
        return all
          .filter((each) => each.place === place && !isOld(each))
          .toSorted((one, other) => one.at - other.at);
      }, []),

    put: (upload: Omit<KeptUpload, "place">): Promise<void> =>
      inTurn(async () => {
        const entry = { ...upload, place };
        const { content, ...rest } = entry;
        const isSmall = content !== undefined && content.size <= KEPT_BYTES_MAX;
        try {
          await inStore("readwrite", (store) => store.put(isSmall ? entry : rest));
        } catch {
          // There may be no room for its bytes.
          await inStore("readwrite", (store) => store.put(rest));
        }
      }, undefined),

    remove: (key: string): Promise<void> =>
      inTurn(async () => {
        await inStore("readwrite", (store) => store.delete(key));
      }, undefined),
  };
}

/** Whoever signs out leaves nothing here. */
export function forgetUploads() {
  indexedDB.deleteDatabase(DATABASE);
}

async function inStore<T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest): Promise<T> {
  const database = await opened();
  try {
    const transaction = database.transaction(STORE, mode);
    const request = work(transaction.objectStore(STORE));
    await new Promise<void>((resolve, reject) => {
      transaction.addEventListener("complete", () => resolve());
      transaction.addEventListener("abort", () => reject(transaction.error ?? new Error("Aborted.")));
    });
    return request.result as T;
  } finally {
    database.close();
  }
}

const opened = () =>
  new Promise<IDBDatabase>((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.addEventListener("upgradeneeded", () =>
      request.result.createObjectStore(STORE, { keyPath: "key" }),
    );
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () => reject(request.error ?? new Error("No database.")));
  });

/** The proof of one part more. */
export async function proofWith(proof: Proof | undefined, content: Blob, end: number): Promise<Proof> {
  const { ends, sha256 } = proof ?? NOTHING;
  const part = await content.slice(ends.at(-1) ?? 0, end).arrayBuffer();
  const chain = new Blob([sha256, part]);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await chain.arrayBuffer()));
  return {
    ends: [...ends, end],
    sha256: [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join(""),
  };
}

const NOTHING: Proof = { ends: [], sha256: "" };

/** Whether a file is the one that was sent in part. */
export async function isSameFile(
  content: File,
  { size, proof }: { readonly size: number; readonly proof: Proof | undefined },
) {
  if (content.size !== size) return false;
  let found: Proof | undefined;
  for (const end of proof?.ends ?? []) found = await proofWith(found, content, end);
  return found?.sha256 === proof?.sha256;
}
