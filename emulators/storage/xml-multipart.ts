import { newBlobId } from "./blobs.ts";
import { accessBucket, type StorageCore } from "./core.ts";
import {
  type Reply,
  type StorageRequest,
  bodyOf,
  type Handler,
  intOf,
  type Names,
  noContent,
  xml,
} from "./exchange.ts";
import { invalid, noSuchUpload, storageError } from "./failure.ts";
import { PART_BYTES_MIN, PARTS_MAX, XML_BODY_BYTES_MAX } from "./limits.ts";
import { claimsOf, receive, requireClaims, withReceived } from "./receive.ts";
import { checkedPayload } from "./signature.ts";
import type { StoredPart, StoredUpload } from "./state.ts";
import { versionHeaders } from "./version-headers.ts";
import { type Creation, createVersion } from "./versions.ts";
import { elementsOf, textOf, xmlDocument } from "./xml.ts";
import { orderOf } from "./xml-api.ts";

export type MultipartCall = "initiate" | "uploadPart" | "complete" | "abort" | "listParts" | "listUploads";

/** Multipart uploads of the XML API: parts in any order, each a blob, joined when the upload is completed. */
export function multipartHandlers(core: StorageCore): Record<MultipartCall, Handler> {
  const { state, kernel } = core;
  return {
    async initiate(request, names) {
      const { bucket, name, ...plan } = orderOf(request, names);
      accessBucket(core, bucket);
      const id = `${newBlobId()}${newBlobId()}`;
      const createdMs = kernel.clock.now();
      const upload = {
        id,
        kind: "multipart",
        bucket,
        name,
        createdMs,
        blob: "",
        plan,
        received: 0,
        done: undefined,
      } as const;
      await state.database.write(() => state.putUpload(upload));
      return xml(xmlDocument("InitiateMultipartUploadResult", { Bucket: bucket, Key: name, UploadId: id }));
    },
    uploadPart: (request, names) => uploadPart(core, request, names),
    complete: (request, names) => complete(core, request, names),
    async abort(request, names) {
      const { id } = access(core, request, names);
      await core.release(await state.database.write(() => state.removeUpload(id)));
      return noContent();
    },
    listParts(request, names) {
      const { id, bucket, name } = access(core, request, names);
      const after = intOf(request.query, "part-number-marker") ?? 0;
      const max = Math.min(intOf(request.query, "max-parts") ?? 1000, 1000);
      const rest = state.parts(id).filter(({ number }) => number > after);
      const page = rest.slice(0, max);
      return xml(
        xmlDocument("ListPartsResult", {
          Bucket: bucket,
          Key: name,
          UploadId: id,
          StorageClass: "STANDARD",
          PartNumberMarker: after,
          NextPartNumberMarker: page.at(-1)?.number,
          MaxParts: max,
          IsTruncated: rest.length > page.length,
          Part: page.map(({ number, size, etag, updatedMs }) => ({
            PartNumber: number,
            LastModified: new Date(updatedMs).toISOString(),
            ETag: etag,
            Size: size,
          })),
        }),
      );
    },
    listUploads(request, names) {
      const bucket = accessBucket(core, names.bucket ?? "");
      const prefix = request.query.get("prefix") ?? "";
      const uploads = state
        .uploads(bucket.name)
        .filter(({ kind, name }) => kind === "multipart" && name.startsWith(prefix));
      return xml(
        xmlDocument("ListMultipartUploadsResult", {
          Bucket: bucket.name,
          Prefix: prefix || undefined,
          MaxUploads: Math.max(uploads.length, 1000),
          IsTruncated: false,
          Upload: uploads.map(({ id, name, createdMs }) => ({
            Key: name,
            UploadId: id,
            StorageClass: "STANDARD",
            Initiated: new Date(createdMs).toISOString(),
          })),
        }),
      );
    },
  };
}

function access(core: StorageCore, request: StorageRequest, names: Names): StoredUpload {
  const upload = core.state.upload(request.query.get("uploadId") ?? "");
  const fits = upload?.kind === "multipart" && upload.bucket === names.bucket && upload.name === names.object;
  if (upload === undefined || !fits) throw noSuchUpload();
  return upload;
}

async function uploadPart(core: StorageCore, request: StorageRequest, names: Names): Promise<Reply> {
  const upload = access(core, request, names);
  const number = intOf(request.query, "partNumber") ?? 0;
  if (number < 1 || number > PARTS_MAX) throw invalid(`Part numbers run from 1 to ${PARTS_MAX}.`);
  return withReceived(core, await receive(core, checkedPayload(request)), async (received) => {
    requireClaims(claimsOf(request), received);
    const etag = `"${Buffer.from(received.md5Hash, "base64").toString("hex")}"`;
    const part: StoredPart = {
      number,
      blob: received.blob,
      size: received.size,
      etag,
      updatedMs: core.kernel.clock.now(),
    };
    const replaced = await core.state.database.write(() => {
      // The upload may have been completed or cancelled meanwhile.
      access(core, request, names);
      const before = core.state.parts(upload.id).find((each) => each.number === number);
      core.state.putPart(upload.id, part);
      return before?.blob;
    });
    if (replaced !== undefined) await core.release([replaced]);
    return {
      status: 200,
      headers: { etag, "x-goog-hash": `crc32c=${received.crc32c},md5=${received.md5Hash}` },
    };
  });
}

async function complete(core: StorageCore, request: StorageRequest, names: Names): Promise<Reply> {
  const { state } = core;
  const upload = access(core, request, names);
  const body = (await bodyOf(request.body, XML_BODY_BYTES_MAX, "The request body is too large.")).toString();
  const parts = chosenParts(body, state.parts(upload.id));
  const { blob, size, crc32c } = await receive(core, bytesOf(core, parts));
  const order = { ...(upload.plan as Omit<Creation, "content">), bucket: upload.bucket, name: upload.name };
  try {
    const { object, released } = await state.database.write(() => {
      access(core, request, names);
      const created = createVersion(core, { ...order, content: { blob, size, crc32c } });
      return { object: created.object, released: [...created.replaced, ...state.removeUpload(upload.id)] };
    });
    await core.release(released);
    const result = {
      Location: `${request.origin}${request.path}`,
      Bucket: upload.bucket,
      Key: upload.name,
      ETag: versionHeaders(object).etag,
    };
    const answer = xml(xmlDocument("CompleteMultipartUploadResult", result));
    return { ...answer, headers: { ...versionHeaders(object), ...answer.headers } };
  } catch (cause) {
    await core.release([blob]);
    throw cause;
  }
}

/** The parts that the caller names, in its order, which must be ascending. */
function chosenParts(body: string, known: readonly StoredPart[]): StoredPart[] {
  const plain = (etag: string | undefined): string => (etag ?? "").replaceAll('"', "");
  const parts = elementsOf(body, "Part").map((part) => {
    const number = Number(textOf(part, "PartNumber"));
    const found = known.find((each) => each.number === number);
    if (found === undefined || plain(textOf(part, "ETag")) !== plain(found.etag)) {
      throw storageError({
        status: 400,
        reason: "invalid",
        xmlCode: "InvalidPart",
        message: "One or more of the specified parts could not be found.",
      });
    }
    return found;
  });
  if (parts.length === 0) {
    throw storageError({
      status: 400,
      reason: "invalid",
      xmlCode: "MalformedXML",
      message: "The XML you provided was not well-formed.",
    });
  }
  if (parts.some((part, index) => index > 0 && part.number <= (parts[index - 1]?.number ?? 0))) {
    throw storageError({
      status: 400,
      reason: "invalid",
      xmlCode: "InvalidPartOrder",
      message: "The list of parts was not in ascending order.",
    });
  }
  if (parts.slice(0, -1).some(({ size }) => size < PART_BYTES_MIN)) {
    throw storageError({
      status: 400,
      reason: "invalid",
      xmlCode: "EntityTooSmall",
      message: "Your proposed upload is smaller than the minimum allowed size.",
    });
  }
  return parts;
}

async function* bytesOf(core: StorageCore, parts: readonly StoredPart[]): AsyncGenerator<Buffer> {
  for (const { blob, size } of parts) yield* (await core.blobs.read(blob, 0, size)) as AsyncIterable<Buffer>;
}
