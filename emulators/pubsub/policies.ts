import type { Unary } from "../kernel/rpc.ts";
import { StatusError } from "../kernel/status-error.ts";
import type { PubSubCore } from "./core.ts";
import { parseName } from "./names.ts";

/** google.iam.v1.IAMPolicy, for topics, subscriptions, snapshots and schemas. */
export const policyCalls = (core: PubSubCore): Record<string, Unary> =>
  core.policies.calls((resource) => {
    if (isPresent(core, resource)) return;
    throw new StatusError("NOT_FOUND", `Resource not found (resource=${resource}).`);
  });

function isPresent({ registry, replay, schemas }: PubSubCore, resource: string): boolean {
  switch (resource.split("/")[2]) {
    case "topics":
      return registry.topic(parseName("topic", resource)) !== undefined;
    case "subscriptions":
      return registry.subscription(parseName("subscription", resource)) !== undefined;
    case "snapshots":
      return replay.snapshot(parseName("snapshot", resource)) !== undefined;
    case "schemas":
      return schemas.revisions(parseName("schema", resource)).length > 0;
    default:
      throw new StatusError(
        "INVALID_ARGUMENT",
        `Invalid resource name given (name=${JSON.stringify(resource)}).`,
      );
  }
}
