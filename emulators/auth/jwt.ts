import { createSign, createVerify } from "node:crypto";
import type { SigningKey } from "./signing-key.ts";

export type Claims = Readonly<Record<string, unknown>>;

export interface DecodedJwt {
  readonly header: Claims;
  readonly payload: Claims;
  /** signed: by the emulator's key; unsigned: the algorithm is "none"; foreign: by another key. */
  readonly trust: "signed" | "unsigned" | "foreign";
}

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** RS256 with our key, or unsigned where the key is undefined. */
export function encodeJwt(payload: Claims, key: SigningKey | undefined): string {
  if (key === undefined) return `${part({ alg: "none", typ: "JWT" })}.${part(payload)}.`;
  const text = `${part({ alg: "RS256", kid: key.kid, typ: "JWT" })}.${part(payload)}`;
  return `${text}.${createSign("RSA-SHA256").update(text).sign(key.privateKey, "base64url")}`;
}

/**
 * Reads a token, and returns undefined for text that is no JWT. The result states who signed it; the caller
 * judges.
 */
export function decodeJwt(token: string, key: SigningKey): DecodedJwt | undefined {
  const [header, payload, signature, ...rest] = token.split(".");
  if (header === undefined || payload === undefined || signature === undefined || rest.length > 0)
    return undefined;
  const [head, body] = [parse(header), parse(payload)];
  if (head === undefined || body === undefined) return undefined;
  if (head.alg === "none" && signature === "") return { header: head, payload: body, trust: "unsigned" };
  const ours =
    head.alg === "RS256" &&
    createVerify("RSA-SHA256").update(`${header}.${payload}`).verify(key.publicKey, signature, "base64url");
  return { header: head, payload: body, trust: ours ? "signed" : "foreign" };
}

function parse(text: string): Claims | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, "base64url").toString());
    return typeof value === "object" && value !== null ? (value as Claims) : undefined;
  } catch {
    return undefined;
  }
}
