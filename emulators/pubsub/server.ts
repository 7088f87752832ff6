import type { HttpBeside } from "../kernel/grpc.ts";
import { loadProtos } from "../kernel/protos.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { ServiceSpec } from "../kernel/rpc.ts";
import { createDeliverer, type MintIdToken } from "../kernel/http-delivery.ts";
import { ownMachineOnly } from "../kernel/own-machine.ts";
import { serveRest } from "../kernel/rest.ts";
import { createCore, type PubSubCore } from "./core.ts";
import type { DeadLetterRecord } from "./dead-letters.ts";
import { SWEEP_MS } from "./limits.ts";
import { policyCalls } from "./policies.ts";
import { publisherCalls } from "./publisher.ts";
import { pullCalls } from "./pull.ts";
import { schemaCalls } from "./schema-service.ts";
import { streamingPull } from "./stream.ts";
import { snapshotCalls, subscriptionCalls } from "./subscriber.ts";

export type { DeadLetterRecord } from "./dead-letters.ts";

export interface PubSub {
  readonly services: ServiceSpec[];
  /** The same calls as REST, on the same port. */
  readonly http: HttpBeside;
  /**
   * Resolves once no push of the project is under way or due: what waits for its backoff doesn't
   * count, nor does what waits for a puller.
   */
  idle(project: string): Promise<void>;
  /** The state for display, of one project or of all. */
  snapshot(project?: string): PubSubSnapshot;
  close(): void;
}

export interface PubSubSnapshot {
  readonly topics: { readonly name: string; readonly subscriptions: string[] }[];
  readonly subscriptions: {
    readonly name: string;
    readonly topic: string;
    /** Empty for a pull subscription. */
    readonly pushEndpoint: string;
    readonly backlog: number;
    readonly outstanding: number;
    /** Age of the oldest message that isn't acknowledged. */
    readonly oldestAgeMs: number | undefined;
    readonly deadLetterTopic: string | undefined;
  }[];
  /** The latest first. */
  readonly deadLetters: DeadLetterRecord[];
}

export interface PubSubOptions {
  /** The database file; undefined: messages live as long as the process. */
  readonly path: string | undefined;
  readonly mintIdToken: MintIdToken;
}

/** Pub/Sub: topics and subscriptions, pulled or pushed. What an earlier process left undelivered goes on. */
export function openPubSub(kernel: Kernel, { path, mintIdToken }: PubSubOptions): PubSub {
  const { clock } = kernel;
  const root = loadProtos("@google-cloud/pubsub-api");
  // Pub/Sub's clients call the service of IAM itself, whose protos come with those of Cloud Tasks.
  const iamRoot = loadProtos("@google-cloud/tasks");
  const deliverer = createDeliverer(clock, mintIdToken);
  const core = createCore(kernel, { path, root, iamRoot, deliverer });

  const readyAll = (): void => {
    for (const subscription of core.registry.subscriptions(undefined)) core.loop.ready(subscription);
  };
  const sweep = (): void => {
    // What the disk refuses now is swept a minute later.
    core.database.write(() => core.replay.sweep(clock.now())).catch(() => undefined);
    readyAll();
    cancelSweep = clock.at(clock.now() + SWEEP_MS, sweep);
  };
  let cancelSweep = clock.at(clock.now() + SWEEP_MS, sweep);
  readyAll();

  const services: ServiceSpec[] = [
    { name: "pubsub", proto: "google.pubsub.v1.Publisher", root, unary: publisherCalls(kernel, core) },
    {
      name: "pubsub",
      proto: "google.pubsub.v1.Subscriber",
      root,
      unary: { ...subscriptionCalls(core), ...pullCalls(kernel, core), ...snapshotCalls(kernel, core) },
      duplex: { StreamingPull: streamingPull(kernel, core) },
    },
    { name: "pubsub", proto: "google.pubsub.v1.SchemaService", root, unary: schemaCalls(kernel, core) },
    { name: "pubsub", proto: "google.iam.v1.IAMPolicy", root: iamRoot, unary: policyCalls(core) },
  ];
  return {
    services,
    http: (client) => ownMachineOnly(serveRest(services, client)),
    idle: core.loop.idle,
    snapshot: (project) => snapshotOf(core, clock.now(), project),
    close() {
      cancelSweep();
      core.loop.close();
      core.pusher.close();
      deliverer.close();
      core.database.close();
    },
  };
}

function snapshotOf(core: PubSubCore, nowMs: number, project: string | undefined): PubSubSnapshot {
  const { registry, backlog, deadLetters } = core;
  return {
    topics: registry.topics(project).map(({ id, name }) => ({
      name,
      subscriptions: registry.attachedTo(id).map((subscription) => subscription.name),
    })),
    subscriptions: registry.subscriptions(project).map((subscription) => {
      const { oldestPublishMs, ...depth } = backlog.depth(subscription);
      return {
        name: subscription.name,
        topic: subscription.message.topic as string,
        pushEndpoint: subscription.settings.push?.endpoint ?? "",
        ...depth,
        oldestAgeMs: oldestPublishMs === undefined ? undefined : nowMs - oldestPublishMs,
        deadLetterTopic: subscription.settings.deadLetter?.topic,
      };
    }),
    deadLetters: deadLetters.list(project),
  };
}
