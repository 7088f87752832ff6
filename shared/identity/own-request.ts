import type { Deps } from "../platform/deps.ts";
import { recallRequest, requestRecord, type RequestRecord } from "../platform/request-record.ts";
import type { App } from "./app.ts";
import type { Principal } from "./principal.ts";

/** What somebody asks an app to make. */
export interface OwnRequest {
  readonly kind: "api-token" | "hook-secret" | "invitation" | "session-for";
  /** Everything that another request with the same key must not differ in. */
  readonly body: unknown;
  readonly requestKey: string | undefined;
}

/** The record of a request, apart from those of others who use the same key; undefined without a key. */
export const ownRecord = (
  deps: Pick<Deps, "keys">,
  app: App,
  by: Principal,
  { kind, body, requestKey }: OwnRequest,
): RequestRecord | undefined =>
  requestRecord(deps, app.collection("requests"), [kind, app.id, by.id, requestKey], body);

/**
 * What a request made, whatever has become of it; undefined when it made nothing. 1 read.
 * @throws AppError `idempotency_key_reused`
 */
export async function recallOwn<T extends object>(
  deps: Pick<Deps, "keys">,
  app: App,
  by: Principal,
  request: OwnRequest,
): Promise<T | undefined> {
  const record = ownRecord(deps, app, by, request);
  return record && recallRequest<T>(deps, record);
}
