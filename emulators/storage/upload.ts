import { conditionsOf, requireToChange } from "./conditions.ts";
import { accessBucket, type StorageCore } from "./core.ts";
import { customerKeyOf } from "./encryption.ts";
import {
  type Reply,
  type StorageRequest,
  bodyOf,
  headerOf,
  type JsonObject,
  json,
  jsonBody,
  type Names,
  parseJson,
} from "./exchange.ts";
import { invalid } from "./failure.ts";
import { METADATA_PART_BYTES_MAX } from "./limits.ts";
import { boundaryOf, partsOf } from "./multipart.ts";
import { parseObjectName } from "./names.ts";
import { claimsOf, receive, requireClaims, withReceived } from "./receive.ts";
import type { SessionPlan, Sessions } from "./sessions.ts";
import type { StoredObject } from "./state.ts";
import { type Creation, createVersion } from "./versions.ts";
import { objectView } from "./views.ts";

/** objects.insert: the bytes at once, with metadata before them, or in a resumable session. */
export async function insertObject(
  core: StorageCore,
  sessions: Sessions,
  request: StorageRequest,
  names: Names,
): Promise<Reply> {
  const bucket = names.bucket ?? "";
  const uploadId = request.query.get("upload_id");
  if (uploadId !== null) return sessions.carryOn(request, uploadId);
  accessBucket(core, bucket);
  const type = request.query.get("uploadType") ?? headerOf(request, "x-goog-upload-protocol");
  switch (type) {
    case "media":
      return insertMedia(core, request, bucket);
    case "multipart":
      return insertMultipart(core, request, bucket);
    case "resumable":
      return startSession(core, sessions, request, bucket);
    default:
      throw invalid(`Invalid upload type: ${String(type)}`);
  }
}

/** The parameters of an upload beside the metadata. */
function orderOf(request: StorageRequest, bucket: string, given: JsonObject): Omit<Creation, "content"> {
  const encoding = request.query.get("contentEncoding");
  return {
    bucket,
    name: parseObjectName(request.query.get("name") ?? given.name),
    given: encoding === null ? given : { ...given, contentEncoding: encoding },
    conditions: conditionsOf(request),
    predefinedAcl: request.query.get("predefinedAcl"),
    customerKey: customerKeyOf(request),
    kmsKeyName: request.query.get("kmsKeyName"),
  };
}

async function insertMedia(core: StorageCore, request: StorageRequest, bucket: string): Promise<Reply> {
  const contentType = headerOf(request, "content-type");
  const order = orderOf(request, bucket, contentType === undefined ? {} : { contentType });
  requireToChange(order.conditions, core.state.live(bucket, order.name));
  return storeUpload(core, request, order, request.body);
}

async function insertMultipart(core: StorageCore, request: StorageRequest, bucket: string): Promise<Reply> {
  const parts = partsOf(request.body, boundaryOf(headerOf(request, "content-type")));
  const first = await parts.next();
  if (first.done) throw invalid("Malformed multipart body.");
  const metadata = await bodyOf(first.value.content, METADATA_PART_BYTES_MAX, "Metadata part is too large.");
  const given = parseJson(metadata);
  const second = await parts.next();
  if (second.done) throw invalid("Missing end of multipart body.");
  const contentType = given.contentType ?? second.value.headers["content-type"];
  const order = orderOf(request, bucket, contentType === undefined ? given : { ...given, contentType });
  const reply = await storeUpload(core, request, order, second.value.content);
  await parts.next();
  return reply;
}

async function storeUpload(
  core: StorageCore,
  request: StorageRequest,
  order: Omit<Creation, "content">,
  content: AsyncIterable<Buffer>,
): Promise<Reply> {
  const object = await storeContent(core, request, order, content);
  const bucket = accessBucket(core, order.bucket);
  return json(request, objectView(request, bucket.resource, object, { key: order.customerKey }));
}

/** Receives the bytes, verifies their claimed hashes, and makes them the object. */
export async function storeContent(
  core: StorageCore,
  request: StorageRequest,
  order: Omit<Creation, "content">,
  content: AsyncIterable<Buffer>,
): Promise<StoredObject> {
  return withReceived(core, await receive(core, content), async (received) => {
    requireClaims(claimsOf(request, order.given), received);
    const { object, replaced } = await core.state.database.write(() =>
      createVersion(core, { ...order, content: received }),
    );
    await core.release(replaced);
    return object;
  });
}

async function startSession(
  core: StorageCore,
  sessions: Sessions,
  request: StorageRequest,
  bucket: string,
): Promise<Reply> {
  const given = await jsonBody(request);
  const contentType = given.contentType ?? headerOf(request, "x-upload-content-type");
  const {
    bucket: _,
    name,
    ...order
  } = orderOf(request, bucket, contentType === undefined ? given : { ...given, contentType });
  requireToChange(order.conditions, core.state.live(bucket, name));
  const length = headerOf(request, "x-upload-content-length");
  const plan: SessionPlan = {
    ...order,
    api: "json",
    origin: headerOf(request, "origin"),
    size: length === undefined ? undefined : Number(length),
  };
  const id = await sessions.start(bucket, name, plan);
  const query = new URLSearchParams({ uploadType: "resumable", name, upload_id: id });
  const location = `${request.origin}/upload/storage/v1/b/${bucket}/o?${query.toString()}`;
  return { status: 200, headers: { location, "x-guploader-uploadid": id } };
}
