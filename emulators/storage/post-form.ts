import { accessBucket, type StorageCore } from "./core.ts";
import {
  type Reply,
  type StorageRequest,
  bodyOf,
  headerOf,
  type JsonObject,
  type Names,
  parseJson,
  xml,
} from "./exchange.ts";
import type { StatusError } from "../kernel/status-error.ts";
import { invalid, storageError } from "./failure.ts";
import { FORM_FIELD_BYTES_MAX } from "./limits.ts";
import { boundaryOf, type Part, partsOf } from "./multipart.ts";
import { parseObjectName } from "./names.ts";
import { type ByteRange, within } from "./receive.ts";
import { decodeSignature, parseCredential, parseSignedDate, type Signatures } from "./signature.ts";
import { storeContent } from "./upload.ts";
import { versionHeaders } from "./version-headers.ts";
import { xmlDocument } from "./xml.ts";

const badPolicy = (message: string): StatusError =>
  storageError({ status: 400, reason: "invalid", xmlCode: "InvalidPolicyDocument", message });

type Fields = ReadonlyMap<string, string>;

/**
 * POST object: an HTML form that a signed policy allows
 * (cloud.google.com/storage/docs/xml-api/post-object-forms).
 */
export async function postForm(
  core: StorageCore,
  signatures: Signatures,
  request: StorageRequest,
  names: Names,
): Promise<Reply> {
  const parts = partsOf(request.body, boundaryOf(headerOf(request, "content-type")));
  const fields = new Map<string, string>();
  let file: Part | undefined;
  let filename = "";
  for (let part = await parts.next(); !part.done; part = await parts.next()) {
    const disposition = part.value.headers["content-disposition"] ?? "";
    const name = /\bname="([^"]*)"/i.exec(disposition)?.[1]?.toLowerCase() ?? "";
    // Fields after the file are ignored, as by the service.
    if (name === "file") {
      filename = /\bfilename="([^"]*)"/i.exec(disposition)?.[1] ?? "";
      file = part.value;
      break;
    }
    const value = await bodyOf(part.value.content, FORM_FIELD_BYTES_MAX, "A form field is too large.");
    fields.set(name, value.toString());
  }
  if (file === undefined) throw invalid("The form has no file.");
  const bucket = accessBucket(core, names.bucket || bucketOf(fields));
  const key = (fields.get("key") ?? "").replaceAll("${filename}", filename);
  const range = requirePolicy(core, signatures, bucket.name, new Map([...fields, ["key", key]]));
  const given = fieldsOf(fields, file.headers["content-type"]);
  const order = {
    bucket: bucket.name,
    name: parseObjectName(key),
    given,
    conditions: {},
    predefinedAcl: fields.get("acl") ?? fields.get("x-goog-acl"),
  };
  const object = await storeContent(core, request, order, within(file.content, range));
  await parts.return(undefined);
  return success(request, { fields, bucket: bucket.name, key, headers: versionHeaders(object) });
}

/** The bucket that the policy demands, for a form whose address names none; requirePolicy checks the rest. */
function bucketOf(fields: Fields): string {
  const { conditions } = parseJson(Buffer.from(fields.get("policy") ?? "", "base64"));
  for (const condition of Array.isArray(conditions) ? (conditions as unknown[]) : []) {
    const [operator, name, value] = parseCondition(condition);
    if (operator === "eq" && name === "bucket") return value;
  }
  throw badPolicy("Neither the address nor the policy names a bucket.");
}

const FIELD_NAMES = {
  "content-type": "contentType",
  "content-encoding": "contentEncoding",
  "content-disposition": "contentDisposition",
  "cache-control": "cacheControl",
} as const;

function fieldsOf(fields: Fields, fileType: string | undefined): JsonObject {
  const given: Record<string, unknown> = fileType === undefined ? {} : { contentType: fileType };
  for (const [name, field] of Object.entries(FIELD_NAMES))
    if (fields.has(name)) given[field] = fields.get(name);
  const metadata = [...fields]
    .filter(([name]) => name.startsWith("x-goog-meta-"))
    .map(([name, value]) => [name.slice("x-goog-meta-".length), value]);
  return metadata.length === 0 ? given : { ...given, metadata: Object.fromEntries(metadata) };
}

const NOT_MET = "The content of the form does not meet the conditions specified in the policy document.";

/**
 * Checks the policy's signature, its expiry, and each field against its conditions; returns the size allowed.
 */
function requirePolicy(core: StorageCore, signatures: Signatures, bucket: string, fields: Fields): ByteRange {
  const encoded = fields.get("policy");
  if (encoded === undefined) {
    throw storageError({
      status: 403,
      reason: "forbidden",
      xmlCode: "AccessDenied",
      message: "Access denied.",
      details: {
        Details:
          "Anonymous caller does not have storage.objects.create access to the Google Cloud Storage object.",
      },
    });
  }
  requireSignature(signatures, fields, encoded);
  const policy = parseJson(Buffer.from(encoded, "base64"));
  const expires = Date.parse(String(policy.expiration));
  if (Number.isNaN(expires) || !Array.isArray(policy.conditions))
    throw badPolicy("The policy document is malformed.");
  if (core.kernel.clock.now() >= expires) {
    throw storageError({
      status: 400,
      reason: "invalid",
      xmlCode: "ExpiredToken",
      message: "The policy document has expired.",
    });
  }
  const covered = new Set(["policy", "x-goog-signature", "signature", "file"]);
  let range: ByteRange = { min: 0, max: Number.MAX_SAFE_INTEGER };
  for (const condition of policy.conditions as unknown[]) {
    const [operator, name, value] = parseCondition(condition);
    if (operator === "content-length-range") {
      range = { min: Number(name), max: Number(value) };
      continue;
    }
    const actual = name === "bucket" ? bucket : (fields.get(name) ?? "");
    const holds = operator === "eq" ? actual === value : actual.startsWith(value);
    if (!holds) throw badPolicy(NOT_MET);
    covered.add(name);
  }
  const stray = [...fields.keys()].find((name) => !covered.has(name) && !name.startsWith("x-ignore-"));
  if (stray !== undefined && stray !== "googleaccessid") throw badPolicy(`${NOT_MET} Extra field: ${stray}`);
  return range;
}

/** `["eq", "$key", "a"]`, `["starts-with", …]`, `{"key": "a"}` or `["content-length-range", 0, 9]`. */
function parseCondition(condition: unknown): [operator: string, name: string, value: string] {
  if (Array.isArray(condition) && condition.length === 3) {
    const [operator, name, value] = condition.map(String) as [string, string, string];
    const known = operator.toLowerCase();
    if (known === "content-length-range") return [known, name, value];
    if (known === "eq" || known === "starts-with")
      return [known, name.replace(/^\$/, "").toLowerCase(), value];
    throw badPolicy(`Unknown policy condition: ${operator}`);
  }
  const entries = typeof condition === "object" && condition !== null ? Object.entries(condition) : [];
  const [first] = entries;
  if (first === undefined || entries.length > 1) throw badPolicy("The policy document is malformed.");
  return ["eq", first[0].toLowerCase(), String(first[1])];
}

function requireSignature(signatures: Signatures, fields: Fields, policy: string): void {
  const need = (name: string): string => {
    const value = fields.get(name);
    if (value === undefined) throw invalid(`The form lacks the field ${name}.`);
    return value;
  };
  let signed: boolean;
  if (fields.has("x-goog-signature")) {
    if (need("x-goog-algorithm") !== "GOOG4-RSA-SHA256") throw invalid("Only GOOG4-RSA-SHA256 is served.");
    parseSignedDate(need("x-goog-date"));
    const { email } = parseCredential(need("x-goog-credential"));
    signed = signatures.isSignedBy(email, policy, decodeSignature(need("x-goog-signature"), "hex"));
  } else {
    signed = signatures.isSignedBy(
      need("googleaccessid"),
      policy,
      decodeSignature(need("signature"), "base64"),
    );
  }
  if (!signed) {
    throw storageError({
      status: 403,
      reason: "forbidden",
      xmlCode: "SignatureDoesNotMatch",
      message:
        "The request signature we calculated does not match the signature you provided. Check your Google secret key and signing method.",
      details: { StringToSign: policy },
    });
  }
}

interface FormOutcome {
  readonly fields: Fields;
  readonly bucket: string;
  readonly key: string;
  readonly headers: Record<string, string>;
}

function success(request: StorageRequest, { fields, bucket, key, headers }: FormOutcome): Reply {
  const redirect = fields.get("success_action_redirect");
  if (redirect !== undefined && URL.canParse(redirect)) {
    const url = new URL(redirect);
    for (const [name, value] of [
      ["bucket", bucket],
      ["key", key],
      ["etag", headers.etag ?? ""],
    ] as const) {
      url.searchParams.set(name, value);
    }
    return { status: 303, headers: { ...headers, location: url.href } };
  }
  const status = Number(fields.get("success_action_status") ?? 204);
  if (status !== 201) return { status: status === 200 ? 200 : 204, headers };
  const location = `${request.origin}/${bucket}/${encodeURIComponent(key)}`;
  const result = { Location: location, Bucket: bucket, Key: key, ETag: headers.etag };
  const answer = xml(xmlDocument("PostResponse", result), 201);
  return { ...answer, headers: { ...headers, ...answer.headers, location } };
}
