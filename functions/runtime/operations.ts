/**
 * What a request weighs against the limits. Up to OPERATIONS_FREE Firestore operations are one request;
 * beyond that each OPERATIONS_OF_ONE count as one more, so that nobody gets more out of the database by
 * asking for more at once.
 */
export const OPERATIONS_FREE = 10;
export const OPERATIONS_OF_ONE = 50;

export const weightOf = (operations: number): number =>
  1 + Math.ceil(Math.max(0, operations - OPERATIONS_FREE) / OPERATIONS_OF_ONE);

/** A page costs a read for each row, one to know whether there are more, and a few for what it belongs to. */
const AROUND_A_PAGE = 5;

/** The operations of an endpoint that answers with `limit` rows. */
export const operationsOfPage = ({ limit }: { readonly limit: number }): number => limit + AROUND_A_PAGE;
