import { httpError, type StatusError } from "../kernel/status-error.ts";

export interface StorageFailure {
  readonly status: number;
  /** The JSON API's reason. */
  readonly reason: string;
  /** The XML API's code. */
  readonly xmlCode: string;
  readonly message: string;
  /** Further elements of the XML error: Details, StringToSign … */
  readonly details?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
}

interface StorageWords {
  readonly reason: string;
  readonly xmlCode: string;
  readonly details: Readonly<Record<string, string>>;
}

/** The error of a storage call, with the codes of both APIs. */
export const storageError = (failure: StorageFailure): StatusError => {
  const { status, reason, xmlCode, message, details = {}, headers = {} } = failure;
  const words: StorageWords = { reason, xmlCode, details };
  return httpError(status, message, { words, headers });
};

/** What the two APIs add to the message. */
export const wordsOf = ({ words }: StatusError): StorageWords => words as StorageWords;

export const invalid = (message: string): StatusError =>
  storageError({ status: 400, reason: "invalid", xmlCode: "InvalidArgument", message });

export const required = (message: string): StatusError =>
  storageError({ status: 400, reason: "required", xmlCode: "InvalidArgument", message });

export const noSuchBucket = (): StatusError =>
  storageError({
    status: 404,
    reason: "notFound",
    xmlCode: "NoSuchBucket",
    message: "The specified bucket does not exist.",
  });

export const noSuchObject = (bucket: string, name: string): StatusError =>
  storageError({
    status: 404,
    reason: "notFound",
    xmlCode: "NoSuchKey",
    message: `No such object: ${bucket}/${name}`,
  });

export const notFound = (message: string): StatusError =>
  storageError({ status: 404, reason: "notFound", xmlCode: "NoSuchKey", message });

export const noSuchUpload = (): StatusError =>
  storageError({
    status: 404,
    reason: "notFound",
    xmlCode: "NoSuchUpload",
    message: "The requested upload was not found.",
  });

export const conditionNotMet = (): StatusError =>
  storageError({
    status: 412,
    reason: "conditionNotMet",
    xmlCode: "PreconditionFailed",
    message: "At least one of the pre-conditions you specified did not hold.",
  });

/** For reads: the caller already has the current version. */
export const notModified = (headers: Readonly<Record<string, string>> = {}): StatusError =>
  storageError({
    status: 304,
    reason: "notModified",
    xmlCode: "NotModified",
    message: "Not Modified",
    headers,
  });

export const conflict = (message: string, xmlCode = "Conflict"): StatusError =>
  storageError({ status: 409, reason: "conflict", xmlCode, message });

export const forbidden = (message: string, reason = "forbidden", xmlCode = "AccessDenied"): StatusError =>
  storageError({ status: 403, reason, xmlCode, message });

export const unimplemented = (message: string): StatusError =>
  storageError({ status: 501, reason: "notImplemented", xmlCode: "NotImplemented", message });

export const badDigest = (message: string): StatusError =>
  storageError({ status: 400, reason: "invalid", xmlCode: "BadDigest", message });

export const internalError = (): StatusError =>
  storageError({
    status: 500,
    reason: "backendError",
    xmlCode: "InternalError",
    message: "We encountered an internal error. Please try again.",
  });

/** The error's body in the JSON API. */
export function jsonError(error: StatusError): string {
  const { httpStatus, message } = error;
  const { reason } = wordsOf(error);
  const location = reason === "conditionNotMet" ? { locationType: "header", location: "If-Match" } : {};
  const errors = [{ message, domain: "global", reason, ...location }];
  return JSON.stringify({ error: { code: httpStatus, message, errors } });
}
