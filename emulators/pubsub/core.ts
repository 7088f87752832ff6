import { randomInt } from "node:crypto";
import type { Root } from "protobufjs";
import type { Database } from "../kernel/database.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Deliverer } from "../kernel/http-delivery.ts";
import { createIamPolicies, type IamPolicies } from "../kernel/iam-policies.ts";
import { type Backlog, createBacklog } from "./backlog.ts";
import { createDeadLetters, type DeadLetters } from "./dead-letters.ts";
import { createDeliveryLoop, type DeliveryLoop } from "./delivery.ts";
import { createPusher, type Pusher } from "./push.ts";
import { createReceivers, type Receivers } from "./receivers.ts";
import { createReplay, type Replay } from "./replay.ts";
import { createTopicSchemas, type TopicSchemas } from "./schema-service.ts";
import { createSchemaStore, type SchemaStore } from "./schema-store.ts";
import { createSettlement, type Settlement } from "./settle.ts";
import { openPubSubState, type Registry } from "./state.ts";
import type { Subscription } from "./subscription.ts";

/** The parts of the emulator below its wire interface. */
export interface PubSubCore {
  readonly database: Database;
  readonly registry: Registry;
  readonly backlog: Backlog;
  readonly replay: Replay;
  readonly policies: IamPolicies;
  readonly schemas: SchemaStore;
  readonly topicSchemas: TopicSchemas;
  readonly deadLetters: DeadLetters;
  readonly settlement: Settlement;
  readonly receivers: Receivers;
  readonly pusher: Pusher;
  readonly loop: DeliveryLoop;
}

/**
 * Ids of leases are drawn at random, so that an id from before a seek or a restart names no later delivery.
 */
const LEASE_MAX = 2 ** 47;

export interface CoreParts {
  readonly path: string | undefined;
  readonly root: Root;
  readonly iamRoot: Root;
  readonly deliverer: Deliverer;
}

export function createCore(kernel: Kernel, { path, root, iamRoot, deliverer }: CoreParts): PubSubCore {
  const { clock } = kernel;
  const { now } = clock;
  const { database, registry } = openPubSubState(path, root);
  const backlog = createBacklog(database, registry, () => randomInt(1, LEASE_MAX));
  const replay = createReplay(database, registry, backlog);
  const schemas = createSchemaStore(database);
  const topicSchemas = createTopicSchemas({ schemas });
  const policies = createIamPolicies(database, iamRoot.lookupType("google.iam.v1.Policy"));
  const deadLetters = createDeadLetters(database, backlog, now);

  // The loop needs the settlement and the settlement notifies the loop, so one of the two references is set
  // later.
  const ready = (subscription: Subscription): void => loop.ready(subscription);
  const refused = (subscription: Subscription): void => loop.refused(subscription);
  const receivers = createReceivers({ clock, database, backlog, refused });
  const released = (subscription: Subscription, messages: readonly number[]): void => {
    receivers.released(subscription, messages);
    // The receivers that held them have room again.
    if (subscription.settings.push === undefined) ready(subscription);
  };
  const listener = { ready, released };
  const settlement = createSettlement({ backlog, registry, deadLetters, now, listener });
  const pusher = createPusher({ kernel, database, registry, backlog, settlement, deliverer, ready, refused });
  const loop = createDeliveryLoop({ clock, database, registry, backlog, settlement, pusher, receivers });
  return {
    database,
    registry,
    backlog,
    replay,
    policies,
    schemas,
    topicSchemas,
    deadLetters,
    settlement,
    receivers,
    pusher,
    loop,
  };
}
