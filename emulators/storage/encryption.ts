import { createHash } from "node:crypto";
import { type StorageRequest, headerOf } from "./exchange.ts";
import type { StatusError } from "../kernel/status-error.ts";
import { storageError } from "./failure.ts";
import type { ObjectResource } from "./resources.ts";

/** A key that the caller supplies with the request; only its hash is kept. */
export interface CustomerKey {
  readonly keySha256: string;
}

const keyError = (reason: string, xmlCode: string, message: string): StatusError =>
  storageError({ status: 400, reason, xmlCode, message });

/** The key in the request's headers; `source` for that of the source of a copy. */
export function customerKeyOf(request: StorageRequest, source = false): CustomerKey | undefined {
  const prefix = source ? "x-goog-copy-source-encryption" : "x-goog-encryption";
  const algorithm = headerOf(request, `${prefix}-algorithm`);
  const key = headerOf(request, `${prefix}-key`);
  const hash = headerOf(request, `${prefix}-key-sha256`);
  if (algorithm === undefined && key === undefined) return undefined;
  if (algorithm !== "AES256") {
    throw keyError(
      "customerEncryptionAlgorithmIsInvalid",
      "InvalidEncryptionAlgorithm",
      "The encryption algorithm is invalid; it must be AES256.",
    );
  }
  const bytes = Buffer.from(key ?? "", "base64");
  if (bytes.length !== 32) {
    throw keyError(
      "customerEncryptionKeyFormatIsInvalid",
      "InvalidEncryptionKey",
      "Missing an encryption key, or it is not base64 encoded, or it does not meet the required length of the encryption algorithm.",
    );
  }
  const keySha256 = createHash("sha256").update(bytes).digest("base64");
  if (hash !== undefined && hash !== keySha256) {
    throw keyError(
      "customerEncryptionKeySha256IsInvalid",
      "InvalidEncryptionKeySha256",
      "Missing a SHA256 hash of the encryption key, or it is not base64 encoded, or it does not match the encryption key.",
    );
  }
  return { keySha256 };
}

/** Throws 400 unless the request has the key that the bytes were written with. */
export function requireKey(object: ObjectResource, key: CustomerKey | undefined): void {
  const needed = object.customerEncryption?.keySha256;
  if (needed === key?.keySha256) return;
  if (needed === undefined) {
    throw keyError(
      "resourceNotEncryptedWithCustomerEncryptionKey",
      "ResourceNotEncryptedWithCustomerEncryptionKey",
      "The target object is not encrypted by a customer-supplied encryption key.",
    );
  }
  if (key === undefined) {
    throw keyError(
      "resourceIsEncryptedWithCustomerEncryptionKey",
      "ResourceIsEncryptedWithCustomerEncryptionKey",
      "The target object is encrypted by a customer-supplied encryption key.",
    );
  }
  throw keyError(
    "customerEncryptionKeyIsIncorrect",
    "CustomerEncryptionKeyIsIncorrect",
    "The provided encryption key is incorrect.",
  );
}
