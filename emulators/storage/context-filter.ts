import { invalid } from "./failure.ts";
import type { ObjectResource } from "./resources.ts";

export type ContextFilter = (resource: Pick<ObjectResource, "contexts">) => boolean;

/** `contexts."key"="value"`, `contexts."key":*`, either with a minus for "not". */
const FORM = /^(-?)contexts\."((?:[^"\\]|\\.)+)"(?:="((?:[^"\\]|\\.)*)"|:\*)$/u;

/** objects.list's `filter`: cloud.google.com/storage/docs/listing-objects#filter-by-object-contexts. */
export function parseContextFilter(text: string): ContextFilter {
  const [whole, minus, key = "", value] = FORM.exec(text.trim()) ?? [];
  if (whole === undefined) throw invalid(`Invalid filter: ${text}`);
  const wanted = minus === "";
  return ({ contexts }) => {
    const found = contexts?.custom?.[key];
    return (value === undefined ? found !== undefined : found?.value === value) === wanted;
  };
}
