import { type StorageRequest, headerOf, intOf } from "./exchange.ts";
import { conditionNotMet, notModified } from "./failure.ts";
import { etagOf } from "./resources.ts";

/** The conditions on a version (or its absence) for a request to proceed. */
export interface Conditions {
  readonly ifGenerationMatch?: number | undefined;
  readonly ifGenerationNotMatch?: number | undefined;
  readonly ifMetagenerationMatch?: number | undefined;
  readonly ifMetagenerationNotMatch?: number | undefined;
  /** Etags, as HTTP has them. */
  readonly ifMatch?: string | undefined;
  readonly ifNoneMatch?: string | undefined;
}

interface Versioned {
  readonly generation?: number | undefined;
  readonly metageneration: number;
}

/** The conditions in a JSON request's query; `prefix` "source" for those about a source. */
export function conditionsOf(request: StorageRequest, prefix: "" | "Source" = ""): Conditions {
  const { query } = request;
  const number = (name: string): number | undefined => intOf(query, `if${prefix}${name}`);
  return {
    ifGenerationMatch: number("GenerationMatch"),
    ifGenerationNotMatch: number("GenerationNotMatch"),
    ifMetagenerationMatch: number("MetagenerationMatch"),
    ifMetagenerationNotMatch: number("MetagenerationNotMatch"),
    ...(prefix === ""
      ? { ifMatch: headerOf(request, "if-match"), ifNoneMatch: headerOf(request, "if-none-match") }
      : {}),
  };
}

/** The conditions in the headers of an XML request. */
export function headerConditionsOf(request: StorageRequest): Conditions {
  const number = (name: string): number | undefined => {
    const text = headerOf(request, name);
    return text === undefined ? undefined : Number(text);
  };
  return {
    ifGenerationMatch: number("x-goog-if-generation-match"),
    ifMetagenerationMatch: number("x-goog-if-metageneration-match"),
    ifMatch: headerOf(request, "if-match"),
    ifNoneMatch: headerOf(request, "if-none-match"),
  };
}

const hasEtag = (list: string, version: Versioned): boolean =>
  list
    .split(",")
    .map((tag) => tag.trim().replace(/^(W\/)?"|"$/g, ""))
    .some((tag) => tag === "*" || tag === etagOf(version.generation ?? 0, version.metageneration));

/** Which of the two kinds of conditions fails first; 0 as a generation means that there is none. */
function failing(conditions: Conditions, version: Versioned | undefined): "match" | "notMatch" | undefined {
  const { ifGenerationMatch, ifGenerationNotMatch, ifMetagenerationMatch, ifMetagenerationNotMatch } =
    conditions;
  const generation = version?.generation ?? 0;
  if (ifGenerationMatch !== undefined && ifGenerationMatch !== generation) return "match";
  if (ifMetagenerationMatch !== undefined && ifMetagenerationMatch !== version?.metageneration)
    return "match";
  if (conditions.ifMatch !== undefined && !(version && hasEtag(conditions.ifMatch, version))) return "match";
  if (ifGenerationNotMatch !== undefined && ifGenerationNotMatch === generation) return "notMatch";
  if (ifMetagenerationNotMatch !== undefined && ifMetagenerationNotMatch === version?.metageneration)
    return "notMatch";
  if (conditions.ifNoneMatch !== undefined && version && hasEtag(conditions.ifNoneMatch, version))
    return "notMatch";
  return undefined;
}

/** For changes: anything that fails is 412. */
export function requireToChange(conditions: Conditions, version: Versioned | undefined): void {
  if (failing(conditions, version) !== undefined) throw conditionNotMet();
}

/** For reads: 304 when the caller already has this version. */
export function requireToRead(conditions: Conditions, version: Versioned): void {
  const failed = failing(conditions, version);
  if (failed === "match") throw conditionNotMet();
  if (failed === "notMatch") {
    throw notModified({ etag: etagOf(version.generation ?? 0, version.metageneration) });
  }
}
