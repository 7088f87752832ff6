/**
 * Firestore's limits, as its documentation states them ("Quotas and limits", "Storage size
 * calculations", "Query limitations"); where a number is ours, the comment says so.
 */

/** A document's size by the documented formula, at most 1 MiB. */
export const DOCUMENT_BYTES_MAX = 1_048_576;
/** A text or bytes, anywhere in a document: 1 MiB less 89 bytes. */
export const FIELD_VALUE_BYTES_MAX = 1_048_487;
/** A request, at most 10 MiB. */
export const REQUEST_BYTES_MAX = 10 * 1_048_576;
/** A document's id and a collection's id, in UTF-8. */
export const ID_BYTES_MAX = 1_500;
/** A document's name without its database, in UTF-8. */
export const NAME_BYTES_MAX = 6 * 1_024;
/** Collections and documents in a document's path. */
export const PATH_SEGMENTS_MAX = 200;
/** A field's name, and a path to a field with its dots. */
export const FIELD_PATH_BYTES_MAX = 1_500;
/** Maps and arrays inside one another. */
export const VALUE_DEPTH_MAX = 20;
/** Index entries of one document, composite indexes included. */
export const INDEX_ENTRIES_MAX = 40_000;
/** Only so much of a value is considered by queries. */
export const INDEXED_VALUE_BYTES_MAX = 1_500;
/** Transformations of fields of one document in one write. */
export const TRANSFORMS_PER_WRITE_MAX = 500;
/** Disjunctions of a query in disjunctive normal form. */
export const DISJUNCTIONS_MAX = 30;
/** Values of a `not-in`. */
export const NOT_IN_VALUES_MAX = 10;
/** Filters, sort orders and the parent's path of a query, taken together. */
export const QUERY_COMPONENTS_MAX = 100;
/** Aggregations in one aggregation query. */
export const AGGREGATIONS_MAX = 5;
/** Index entries an aggregation reads for one billed read. */
export const AGGREGATION_ENTRIES_PER_READ = 1_000;
/** Neighbours a vector query returns. */
export const NEAREST_LIMIT_MAX = 1_000;
/** Dimensions of a vector. */
export const VECTOR_DIMENSIONS_MAX = 2_048;
/** Writes of one BatchWrite: the service's own message names this number. */
export const BATCH_WRITES_MAX = 500;
/** A transaction lives this long at most … */
export const TRANSACTION_MS_MAX = 270_000;
/** … and this long without being used. */
export const TRANSACTION_IDLE_MS_MAX = 60_000;
/** Reads at a time in the past reach this far back. */
export const READ_TIME_WINDOW_MS = 3_600_000;

/** Ours: how long a request waits for a document that another transaction has locked. */
export const LOCK_WAIT_MS_MAX = 20_000;
/**
 * Ours: how long a transaction that wants to read a document waits for another one that has read it. This is
 * far longer than a transaction that reads, computes and commits, and far shorter than people notice.
 */
export const COURTESY_MS = 200;
/** Ours: how long a transaction that commits waits for younger ones to end before it aborts them. */
export const OLDER_WRITER_WAIT_MS_MAX = 1_000;
/** Ours: versions kept for reads in the past; a busier hour shortens the window. */
export const VERSIONS_KEPT_MAX = 1_000_000;
/** Ours, near what was observed: how often an idle Listen stream receives a read time. */
export const LISTEN_QUIET_MS = 30_000;
/** Ours: how many messages may wait for a slow listener before its stream ends and it resumes by token. */
export const LISTEN_BACKLOG_MAX = 20_000;
/** Ours: the same in bytes. */
export const LISTEN_BACKLOG_BYTES_MAX = 16 * 1024 * 1024;
/** Ours: how long a Write stream without a connection can be resumed. */
export const WRITE_STREAM_RESUME_MS = 60_000;
/** Ours: answers of a Write stream that its client may leave unacknowledged. */
export const WRITE_STREAM_ANSWERS_MAX = 100;
/** Targets of one Listen stream; the documentation states 100 for clients. */
export const LISTEN_TARGETS_MAX = 1_000;
/** Ours: how often expired documents are swept; Google promises a day. */
export const TTL_SWEEP_MS = 60_000;
/** The page of a listing that names no size. */
export const PAGE_SIZE_DEFAULT = 100;
/** Ours: the largest page of a listing. */
export const PAGE_SIZE_MAX = 1_000;
