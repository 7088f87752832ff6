/** What the service answers instead of a result, in the words of both APIs. */
export class StorageError extends Error {
  readonly status: number;
  /** The JSON API's reason. */
  readonly reason: string;
  /** The XML API's code. */
  readonly xmlCode: string;
  /** Further elements of the XML error: Details, StringToSign … */
  readonly details: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    reason: string,
    xmlCode: string,
    message: string,
    details: Readonly<Record<string, string>> = {},
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.name = "StorageError";
    this.status = status;
    this.reason = reason;
    this.xmlCode = xmlCode;
    this.details = details;
    this.headers = headers;
  }
}

export const invalid = (message: string): StorageError =>
  new StorageError(400, "invalid", "InvalidArgument", message);

export const required = (message: string): StorageError =>
  new StorageError(400, "required", "InvalidArgument", message);

export const noSuchBucket = (): StorageError =>
  new StorageError(404, "notFound", "NoSuchBucket", "The specified bucket does not exist.");

export const noSuchObject = (bucket: string, name: string): StorageError =>
  new StorageError(404, "notFound", "NoSuchKey", `No such object: ${bucket}/${name}`);

export const notFound = (message: string): StorageError =>
  new StorageError(404, "notFound", "NoSuchKey", message);

export const noSuchUpload = (): StorageError =>
  new StorageError(404, "notFound", "NoSuchUpload", "The requested upload was not found.");

export const conditionNotMet = (): StorageError =>
  new StorageError(
    412,
    "conditionNotMet",
    "PreconditionFailed",
    "At least one of the pre-conditions you specified did not hold.",
  );

/** For reads: what the caller has is what there is. */
export const notModified = (headers: Readonly<Record<string, string>> = {}): StorageError =>
  new StorageError(304, "notModified", "NotModified", "Not Modified", {}, headers);

export const conflict = (message: string, xmlCode = "Conflict"): StorageError =>
  new StorageError(409, "conflict", xmlCode, message);

export const forbidden = (message: string, reason = "forbidden", xmlCode = "AccessDenied"): StorageError =>
  new StorageError(403, reason, xmlCode, message);

export const unimplemented = (message: string): StorageError =>
  new StorageError(501, "notImplemented", "NotImplemented", message);

export const badDigest = (message: string): StorageError =>
  new StorageError(400, "invalid", "BadDigest", message);

/** The error's body in the JSON API. */
export function jsonError({ status, reason, message }: StorageError): string {
  const location = reason === "conditionNotMet" ? { locationType: "header", location: "If-Match" } : {};
  const errors = [{ message, domain: "global", reason, ...location }];
  return JSON.stringify({ error: { code: status, message, errors } });
}
