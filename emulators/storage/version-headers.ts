import { etagOf } from "./resources.ts";
import type { StoredObject } from "./state.ts";

/** The headers of a version, in both APIs. */
export function versionHeaders({
  generation,
  metageneration,
  resource,
  size,
}: StoredObject): Record<string, string> {
  const { crc32c, md5Hash, customerEncryption, componentCount } = resource;
  return {
    etag: `"${md5Hash === undefined ? etagOf(generation, metageneration) : Buffer.from(md5Hash, "base64").toString("hex")}"`,
    "x-goog-generation": String(generation),
    "x-goog-metageneration": String(metageneration),
    "x-goog-hash": `crc32c=${crc32c}${md5Hash === undefined ? "" : `,md5=${md5Hash}`}`,
    "x-goog-stored-content-encoding": resource.contentEncoding ?? "identity",
    "x-goog-stored-content-length": String(size),
    "x-goog-storage-class": resource.storageClass,
    ...(componentCount === undefined ? {} : { "x-goog-component-count": String(componentCount) }),
    ...(customerEncryption === undefined
      ? {}
      : {
          "x-goog-encryption-algorithm": customerEncryption.encryptionAlgorithm,
          "x-goog-encryption-key-sha256": customerEncryption.keySha256,
        }),
    ...(resource.kmsKeyName === undefined ? {} : { "x-goog-encryption-kms-key-name": resource.kmsKeyName }),
  };
}
