import type { IncomingHttpHeaders } from "node:http";

/** The strong ETag of a revision, or of what else names one. */
export const etagOf = (revision: number | string): string => `"${revision}"`;

type IsKnown = (revision: number | string) => boolean;

/** What `If-None-Match` says the caller has; undefined without the header. */
export const knownRevision = (headers: IncomingHttpHeaders): IsKnown | undefined =>
  matcher(headers["if-none-match"], true);

/** What `If-Match` demands; undefined without the header. */
export const expectedRevision = (headers: IncomingHttpHeaders): IsKnown | undefined =>
  matcher(headers["if-match"], false);

/** RFC 9110: `If-None-Match` compares weakly, so a proxy's W/ does not matter; `If-Match` strongly. */
function matcher(header: string | undefined, weakly: boolean): IsKnown | undefined {
  if (header === undefined) return undefined;
  if (header.trim() === "*") return () => true;
  const tags = new Set(
    header.split(",").map((tag) => (weakly ? tag.trim().replace(/^W\//, "") : tag.trim())),
  );
  return (revision) => tags.has(etagOf(revision));
}
