import { PAGE_MAX } from "./limits.ts";

/** One page of things listed in the order of their names. The token is the last name of the page before. */
export function pageOf<T extends { readonly name: string }>(
  all: readonly T[],
  pageSize: number | undefined,
  pageToken: string | undefined,
): { page: T[]; nextPageToken: string } {
  const after = Buffer.from(pageToken ?? "", "base64url").toString();
  const size = pageSize ? Math.min(pageSize, PAGE_MAX) : PAGE_MAX;
  const rest = all.filter(({ name }) => name > after).sort((a, b) => (a.name < b.name ? -1 : 1));
  const page = rest.slice(0, size);
  const last = page.at(-1);
  const more = rest.length > size && last !== undefined;
  return { page, nextPageToken: more ? Buffer.from(last.name).toString("base64url") : "" };
}
