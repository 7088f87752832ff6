import { isPublicBucket, isPublicObject } from "./access.ts";
import { headerConditionsOf, requireToChange, requireToRead } from "./conditions.ts";
import { copyVersion } from "./copies.ts";
import { accessBucket, type StorageCore } from "./core.ts";
import { download } from "./download.ts";
import { customerKeyOf, requireKey } from "./encryption.ts";
import {
  type Reply,
  type StorageRequest,
  type Handler,
  headerOf,
  intOf,
  type JsonObject,
  type Names,
  noContent,
  xml,
} from "./exchange.ts";
import { StatusError } from "../kernel/status-error.ts";
import { invalid, storageError, unimplemented, wordsOf } from "./failure.ts";
import { PAGE_MAX } from "./limits.ts";
import { type Listing, type ListOrder, listObjects } from "./listing.ts";
import { parseObjectName } from "./names.ts";
import { byteRangeOf, within } from "./receive.ts";
import { etagOf } from "./resources.ts";
import type { Sessions } from "./sessions.ts";
import { checkedPayload, type Signatures } from "./signature.ts";
import type { StoredObject } from "./state.ts";
import { storeContent } from "./upload.ts";
import { versionHeaders } from "./version-headers.ts";
import { accessObject, type Creation, discard, displace } from "./versions.ts";
import { type XmlNode, xmlDocument } from "./xml.ts";

export type XmlCall =
  | "getObject"
  | "putObject"
  | "deleteObject"
  | "startSession"
  | "carryOn"
  | "list"
  | "location";

/** The XML API's calls on objects, which signed URLs and public links use. */
export function xmlHandlers(core: StorageCore, sessions: Sessions): Record<XmlCall, Handler> {
  return {
    getObject: (request, names) => getObject(core, request, names),
    async putObject(request, names) {
      const copySource = headerOf(request, "x-goog-copy-source");
      if (copySource !== undefined) return copyObject(core, request, names, copySource);
      const order = orderOf(request, names);
      requireToChange(order.conditions, core.state.live(accessBucket(core, order.bucket).name, order.name));
      const object = await storeContent(
        core,
        request,
        order,
        within(checkedPayload(request), byteRangeOf(request)),
      );
      return { status: 200, headers: versionHeaders(object) };
    },
    async deleteObject(request, names) {
      const { bucket: bucketName = "", object: name = "" } = names;
      const generation = intOf(request.query, "generation");
      const conditions = headerConditionsOf(request);
      const blobs = await core.state.database.write(() => {
        const bucket = accessBucket(core, bucketName);
        const object = accessXml(core, bucketName, name, generation);
        requireToChange(conditions, object);
        return generation === undefined
          ? displace(core, bucket, object, undefined)
          : discard(core, bucket, object);
      });
      await core.release(blobs);
      return noContent();
    },
    async startSession(request, names) {
      if (headerOf(request, "x-goog-resumable") !== "start")
        throw invalid("Expected the header x-goog-resumable: start.");
      const { bucket, name, ...order } = orderOf(request, names);
      requireToChange(order.conditions, core.state.live(accessBucket(core, bucket).name, name));
      const id = await sessions.start(bucket, name, {
        ...order,
        api: "xml",
        sizes: byteRangeOf(request),
        origin: headerOf(request, "origin"),
      });
      const query = new URLSearchParams({ upload_id: id });
      return {
        status: 201,
        headers: {
          location: `${request.origin}${request.path}?${query.toString()}`,
          "x-guploader-uploadid": id,
        },
      };
    },
    carryOn: (request) => sessions.carryOn(request, request.query.get("upload_id") ?? ""),
    list: (request, names) => list(core, request, names.bucket ?? ""),
    location: (_ask, names) =>
      xml(xmlDocument("LocationConstraint", accessBucket(core, names.bucket ?? "").resource.location)),
  };
}

/** As `accessObject`, in the XML API's words. */
function accessXml(
  core: StorageCore,
  bucket: string,
  name: string,
  generation: number | undefined,
): StoredObject {
  try {
    return accessObject(core, bucket, name, { generation });
  } catch (cause) {
    if (!(cause instanceof StatusError) || wordsOf(cause).xmlCode !== "NoSuchKey") throw cause;
    throw storageError({
      status: 404,
      reason: "notFound",
      xmlCode: "NoSuchKey",
      message: "The specified key does not exist.",
      details: {
        Details: `No such object: ${bucket}/${name}`,
      },
    });
  }
}

async function getObject(core: StorageCore, request: StorageRequest, names: Names): Promise<Reply> {
  const { bucket = "", object: name = "" } = names;
  accessBucket(core, bucket);
  const object = accessXml(core, bucket, name, intOf(request.query, "generation"));
  requireToRead(headerConditionsOf(request), object);
  requireKey(object.resource, customerKeyOf(request));
  return download(core, request, object);
}

/** The object that a PUT or POST describes in its headers. */
export function orderOf(request: StorageRequest, names: Names): Omit<Creation, "content"> {
  return {
    bucket: names.bucket ?? "",
    name: parseObjectName(names.object),
    given: fieldsOf(request),
    conditions: headerConditionsOf(request),
    predefinedAcl: headerOf(request, "x-goog-acl"),
    customerKey: customerKeyOf(request),
    kmsKeyName: headerOf(request, "x-goog-encryption-kms-key-name"),
  };
}

const FIELD_HEADERS = {
  contentType: "content-type",
  contentEncoding: "content-encoding",
  contentDisposition: "content-disposition",
  contentLanguage: "content-language",
  cacheControl: "cache-control",
  storageClass: "x-goog-storage-class",
  customTime: "x-goog-custom-time",
} as const;

function fieldsOf(request: StorageRequest): JsonObject {
  const fields: Record<string, unknown> = {};
  for (const [field, header] of Object.entries(FIELD_HEADERS)) {
    const value = headerOf(request, header);
    if (value !== undefined) fields[field] = value;
  }
  const metadata: Record<string, string> = {};
  for (const name of Object.keys(request.headers)) {
    if (name.startsWith("x-goog-meta-"))
      metadata[name.slice("x-goog-meta-".length)] = headerOf(request, name) ?? "";
  }
  return Object.keys(metadata).length === 0 ? fields : { ...fields, metadata };
}

async function copyObject(
  core: StorageCore,
  request: StorageRequest,
  names: Names,
  from: string,
): Promise<Reply> {
  const [, bucket = "", encoded = ""] = /^\/?([^/]+)\/(.+)$/s.exec(from) ?? [];
  const name = decodeURIComponent(encoded);
  const generation = headerOf(request, "x-goog-copy-source-generation");
  const source = accessXml(core, bucket, name, generation === undefined ? undefined : Number(generation));
  const key = customerKeyOf(request, true);
  requireKey(source.resource, source.resource.customerEncryption === undefined ? undefined : key);
  const replace = headerOf(request, "x-goog-metadata-directive")?.toUpperCase() === "REPLACE";
  const { given, ...order } = orderOf(request, names);
  const object = await copyVersion(
    core,
    {
      ...order,
      given: replace ? given : undefined,
      source: { bucket, name, generation: source.generation, conditions: {}, key },
    },
    source,
  );
  const result = { LastModified: object.resource.updated, ETag: versionHeaders(object).etag };
  return {
    ...xml(xmlDocument("CopyObjectResult", result)),
    headers: { ...versionHeaders(object), "content-type": "application/xml" },
  };
}

/** GET on a bucket: version 1 with markers, version 2 with continuation tokens. */
function list(core: StorageCore, request: StorageRequest, bucketName: string): Reply {
  const { query } = request;
  const bucket = accessBucket(core, bucketName);
  const second = query.get("list-type") === "2";
  const marker = second ? query.get("start-after") : query.get("marker");
  const max = Math.min(intOf(query, "max-keys") ?? PAGE_MAX, PAGE_MAX);
  const order: ListOrder = {
    prefix: query.get("prefix") ?? "",
    delimiter: query.get("delimiter") ?? "",
    // A marker is the last name that the caller has seen; the next possible one has a NUL more.
    startOffset: marker ? `${marker}\0` : "",
    endOffset: "",
    includeTrailingDelimiter: false,
    matchGlob: undefined,
    standings: query.has("versions") ? ["live", "old"] : ["live"],
    max,
    pageToken: (second ? query.get("continuation-token") : null) ?? undefined,
  };
  const listing: Listing =
    max === 0
      ? { objects: [], prefixes: [], nextPageToken: undefined }
      : listObjects(core.state, bucket.name, order);
  const { objects, prefixes, nextPageToken } = listing;
  const last = [objects.at(-1)?.name ?? "", prefixes.at(-1) ?? ""].sort().at(-1);
  const shared: Record<string, XmlNode> = {
    Name: bucket.name,
    Prefix: order.prefix,
    Delimiter: order.delimiter || undefined,
    MaxKeys: max,
    IsTruncated: nextPageToken !== undefined,
  };
  const paging: Record<string, XmlNode> = second
    ? {
        KeyCount: objects.length + prefixes.length,
        ContinuationToken: order.pageToken,
        NextContinuationToken: nextPageToken,
        StartAfter: marker ?? undefined,
      }
    : { Marker: marker ?? "", NextMarker: nextPageToken === undefined ? undefined : last };
  return xml(
    xmlDocument("ListBucketResult", {
      ...shared,
      ...paging,
      Contents: objects.map(contentsOf),
      CommonPrefixes: prefixes.map((prefix) => ({ Prefix: prefix })),
    }),
  );
}

const contentsOf = ({ name, generation, metageneration, size, resource }: StoredObject): XmlNode => ({
  Key: name,
  Generation: generation,
  MetaGeneration: metageneration,
  LastModified: resource.updated,
  ETag: `"${resource.md5Hash === undefined ? etagOf(generation, metageneration) : Buffer.from(resource.md5Hash, "base64").toString("hex")}"`,
  Size: size,
  StorageClass: resource.storageClass,
});

const denied = (permission: string): StatusError =>
  storageError({
    status: 403,
    reason: "forbidden",
    xmlCode: "AccessDenied",
    message: "Access denied.",
    details: {
      Details: `Anonymous caller does not have ${permission} access to the Google Cloud Storage ${permission.includes("objects.get") ? "object" : "bucket"}. Permission '${permission}' denied on resource (or it may not exist).`,
    },
  });

export interface XmlAccess {
  readonly request: StorageRequest;
  readonly call: string;
  readonly names: Names;
}

/**
 * Refuses calls of the XML API without access. Access comes from a token (of any kind: emulators do not
 * verify tokens), a signed URL, the URL of an upload session, or the object being public.
 */
export function requireXmlAccess(
  core: StorageCore,
  signatures: Signatures,
  { request, call, names }: XmlAccess,
): void {
  if (signatures.isSigned(request)) return signatures.requireSigned(request);
  if (call === "carryOn" || call === "postForm") return;
  const authorization = headerOf(request, "authorization");
  if (authorization !== undefined) {
    if (!/^bearer /i.test(authorization))
      throw unimplemented("Only bearer tokens and signed URLs are served.");
    return;
  }
  const bucket = core.state.bucket(names.bucket ?? "");
  if (call === "getObject") {
    const object = core.state.live(names.bucket ?? "", names.object ?? "");
    if (bucket && isPublicObject(bucket.resource, object?.resource.acl ?? [])) return;
    throw denied("storage.objects.get");
  }
  if (call === "list" && bucket && isPublicBucket(bucket.resource)) return;
  throw denied(call === "list" ? "storage.objects.list" : "storage.objects.create");
}
