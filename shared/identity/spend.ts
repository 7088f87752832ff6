/**
 * Counts Firestore operations against the caller's limit, before they are made.
 * @throws AppError `quota_exceeded`
 */
export type Spend = (operations: number) => Promise<void>;
