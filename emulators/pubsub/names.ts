import { StatusError } from "../kernel/status-error.ts";

/** Names as cloud.google.com/pubsub/docs/pubsub-basics#resource_names has them. */
// Projects of any id: the service's have no capitals and no underscores, those of tests often do.
const PROJECT = "projects/[A-Za-z0-9:._-]+";
const ID = "(?!goog)[A-Za-z][A-Za-z0-9._~+%-]{2,254}";
const patterns = {
  project: new RegExp(`^${PROJECT}$`),
  topic: new RegExp(`^${PROJECT}/topics/${ID}$`),
  subscription: new RegExp(`^${PROJECT}/subscriptions/${ID}$`),
  schema: new RegExp(`^${PROJECT}/schemas/${ID}$`),
  snapshot: new RegExp(`^${PROJECT}/snapshots/${ID}$`),
};

/** The name, if it has the form of its kind. */
export function parseName(kind: keyof typeof patterns, name: unknown): string {
  if (typeof name === "string" && patterns[kind].test(name)) return name;
  throw new StatusError("INVALID_ARGUMENT", `Invalid resource name given (name=${JSON.stringify(name)}).`);
}

/** What a topic's name becomes in its subscriptions once it is deleted. */
export const DELETED_TOPIC = "_deleted-topic_";

/** The last part of a name. */
export const shortName = (name: string): string => name.slice(name.lastIndexOf("/") + 1);
