import { randomId } from "../../shared/platform/ids.ts";

const REQUEST_ID = /^[A-Za-z0-9_-]{8,64}$/;

/** The id of the request that caused a delivery, as our own queues carry it; a new one otherwise. */
export const requestIdOf = (carried: string | undefined): string =>
  carried !== undefined && REQUEST_ID.test(carried) ? carried : randomId();

export const oneHeader = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value[0] : value;
