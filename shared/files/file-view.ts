import type { File } from "./contract.ts";
import type { StoredFile } from "./store.ts";

/** A file as people see it, and as a message holds it. */
export function fileView(id: string, stored: StoredFile): File {
  const { status, refusal, sha256, image } = stored;
  const isGone = status === "deleted";
  return {
    id,
    name: stored.name,
    type: stored.type,
    size: stored.size,
    ...(sha256 === null ? {} : { sha256 }),
    status: isGone ? "refused" : status,
    ...(isGone ? { refusal: refusal ?? "deleted" } : refusal === undefined ? {} : { refusal }),
    ...(image === undefined || isGone ? {} : { image }),
    createdAt: stored.createdAt.toDate().toISOString(),
  };
}
