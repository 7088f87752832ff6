import { type Caller, createCaller, startEmulators } from "./emulator-process.ts";

/** What a process acknowledged before it was killed. */
interface Acknowledged {
  readonly pairs: Set<string>;
  readonly messages: Set<string>;
  readonly settled: Set<string>;
  /** Messages whose acknowledgement was under way: they may come again or not. */
  readonly unsure: Set<string>;
  readonly tasks: Set<string>;
}

export interface CrashReport {
  readonly rounds: number;
  readonly pairs: number;
  readonly messages: number;
  readonly settled: number;
  readonly tasks: number;
  /** Everything found that should not be: empty where all is well. */
  readonly faults: readonly string[];
}

interface Services {
  readonly firestore: Caller;
  readonly publisher: Caller;
  readonly subscriber: Caller;
  readonly tasks: Caller;
}

const DATABASE = "projects/crash/databases/(default)";
const TOPIC = "projects/crash/topics/events";
const SUBSCRIPTION = "projects/crash/subscriptions/reader";
const LOCATION = "projects/crash/locations/here";
/** A process is killed when it has acknowledged so many calls at most. */
const KILL_AFTER_MAX = 500;
const LANES = 16;
const PULLED_MAX = 1_000;

/**
 * Loads Firestore, Pub/Sub and Cloud Tasks in one process, kills it at a random moment, starts it again
 * and looks for what it had acknowledged: round after round on the same files.
 */
export async function crashRounds(
  folder: string,
  rounds: number,
  random: () => number,
  tell: (round: number) => void = () => undefined,
): Promise<CrashReport> {
  const faults: string[] = [];
  const total = { pairs: 0, messages: 0, settled: 0, tasks: 0 };
  /** Messages that were pulled and not yet acknowledged, by their acknowledgement id. */
  let held = new Map<string, string>();
  let settledBefore = new Set<string>();
  for (let round = 0; round < rounds; round += 1) {
    tell(round);
    const loaded = await withServices(folder, async (services, kill) => {
      if (round === 0) await prepare(services);
      return load(services, round, held, 1 + Math.floor(random() * KILL_AFTER_MAX), kill);
    });
    settledBefore = new Set([...settledBefore, ...loaded.settled]);
    await withServices(folder, async (services, kill) => {
      const wrong = (what: string): number => faults.push(`Round ${round}: ${what}`);
      await checkPairs(services.firestore, round, loaded.pairs, wrong);
      await checkTasks(services.tasks, round, loaded.tasks, wrong);
      held = await checkMessages(services.subscriber, held, loaded, settledBefore, wrong);
      await kill();
    });
    total.pairs += loaded.pairs.size;
    total.messages += loaded.messages.size;
    total.settled += loaded.settled.size;
    total.tasks += loaded.tasks.size;
  }
  return { rounds, ...total, faults };
}

async function withServices<T>(
  folder: string,
  use: (services: Services, kill: () => Promise<void>) => Promise<T>,
): Promise<T> {
  const emulators = await startEmulators("firestore,pubsub,tasks", folder);
  const caller = (packageName: string, proto: string): Caller =>
    createCaller(emulators.port, packageName, proto);
  const services: Services = {
    firestore: caller("@google-cloud/firestore-api", "google.firestore.v1.Firestore"),
    publisher: caller("@google-cloud/pubsub-api", "google.pubsub.v1.Publisher"),
    subscriber: caller("@google-cloud/pubsub-api", "google.pubsub.v1.Subscriber"),
    tasks: caller("@google-cloud/tasks", "google.cloud.tasks.v2.CloudTasks"),
  };
  try {
    return await use(services, () => emulators.kill("SIGKILL"));
  } finally {
    for (const each of Object.values(services)) each.close();
    await emulators.kill("SIGKILL");
  }
}

async function prepare({ publisher, subscriber }: Services): Promise<void> {
  await publisher.call("CreateTopic", { name: TOPIC });
  await subscriber.call("CreateSubscription", { name: SUBSCRIPTION, topic: TOPIC, ackDeadlineSeconds: 600 });
}

/** Writes without pause until the process is killed, and notes what it acknowledged. */
async function load(
  { firestore, publisher, subscriber, tasks }: Services,
  round: number,
  held: ReadonlyMap<string, string>,
  killAfter: number,
  kill: () => Promise<void>,
): Promise<Acknowledged> {
  const done: Acknowledged = {
    pairs: new Set(),
    messages: new Set(),
    settled: new Set(),
    unsure: new Set(),
    tasks: new Set(),
  };
  const queue = queueOf(round);
  await tasks.call("CreateQueue", { parent: LOCATION, queue: { name: queue } });
  await tasks.call("PauseQueue", { name: queue });
  const ackIds = [...held.keys()];
  const steps: ((id: string) => Promise<unknown>)[] = [
    async (id) => {
      await firestore.call("Commit", { database: DATABASE, writes: pairOf(round, id) });
      done.pairs.add(id);
    },
    async (id) => {
      await publisher.call("Publish", { topic: TOPIC, messages: [{ attributes: { id } }] });
      done.messages.add(id);
    },
    async (id) => {
      const task = { name: `${queue}/tasks/${id}`, httpRequest: { url: "http://127.0.0.1:1/" } };
      await tasks.call("CreateTask", { parent: queue, task });
      done.tasks.add(id);
    },
    async () => {
      const ackId = ackIds.pop();
      if (ackId === undefined) throw new Error("All that was held is acknowledged.");
      const id = held.get(ackId) as string;
      done.unsure.add(id);
      await subscriber.call("Acknowledge", { subscription: SUBSCRIPTION, ackIds: [ackId] });
      done.unsure.delete(id);
      done.settled.add(id);
    },
  ];
  let acknowledged = 0;
  let killed: Promise<void> | undefined;
  const lane = async (number: number): Promise<void> => {
    for (let count = 0; ; count += 1) {
      await steps[number % steps.length]?.(`${round}-${number}-${count}`);
      acknowledged += 1;
      // The other lanes have calls under way.
      if (acknowledged >= killAfter) killed ??= kill();
    }
  };
  await Promise.all(Array.from({ length: LANES }, (_, number) => lane(number).catch(() => undefined)));
  await killed;
  return done;
}

const queueOf = (round: number): string => `${LOCATION}/queues/round-${round}`;

/** Two documents of one commit: neither may ever be there without the other. */
const pairOf = (round: number, id: string): object[] =>
  ["left", "right"].map((side) => ({
    update: {
      name: `${DATABASE}/documents/pairs/${id}-${side}`,
      fields: {
        round: { integerValue: round },
        tags: { arrayValue: { values: [{ stringValue: `round ${round}` }, { stringValue: side }] } },
      },
    },
    currentDocument: { exists: false },
  }));

async function checkPairs(
  firestore: Caller,
  round: number,
  acknowledged: ReadonlySet<string>,
  wrong: (what: string) => void,
): Promise<void> {
  const find = async (field: string, op: string, value: object): Promise<Set<string>> => {
    const where = { fieldFilter: { field: { fieldPath: field }, op, value } };
    const found = await firestore.call("RunQuery", {
      parent: `${DATABASE}/documents`,
      structuredQuery: {
        from: [{ collectionId: "pairs" }],
        where,
        select: { fields: [{ fieldPath: "__name__" }] },
      },
    });
    return new Set(found.flatMap(({ document }) => (document ? [document.name.split("/").at(-1)] : [])));
  };
  const stored = await find("round", "EQUAL", { integerValue: round });
  const tagged = await find("tags", "ARRAY_CONTAINS", { stringValue: `round ${round}` });
  if (stored.symmetricDifference(tagged).size > 0) wrong("two indexes disagree about the documents");
  for (const id of acknowledged) if (!stored.has(`${id}-left`)) wrong(`the commit ${id} is lost`);
  for (const name of stored) {
    const other = name.endsWith("-left") ? name.replace("-left", "-right") : name.replace("-right", "-left");
    if (!stored.has(other)) wrong(`a commit is half applied: ${name} is there and ${other} is not`);
  }
}

async function checkTasks(
  tasks: Caller,
  round: number,
  acknowledged: ReadonlySet<string>,
  wrong: (what: string) => void,
): Promise<void> {
  const stored = new Set<string>();
  for (let pageToken = "", more = true; more; more = pageToken !== "") {
    const [page] = await tasks.call("ListTasks", { parent: queueOf(round), pageToken });
    for (const { name } of page.tasks) stored.add(name.split("/").at(-1));
    pageToken = page.nextPageToken;
  }
  for (const id of acknowledged) if (!stored.has(id)) wrong(`the task ${id} is lost`);
}

/** Gives back what was held, pulls everything there is, and returns it as held. */
async function checkMessages(
  subscriber: Caller,
  held: ReadonlyMap<string, string>,
  loaded: Acknowledged,
  settled: ReadonlySet<string>,
  wrong: (what: string) => void,
): Promise<Map<string, string>> {
  const rest = [...held].filter(([, id]) => !settled.has(id));
  const ackIds = rest.map(([ackId]) => ackId);
  if (ackIds.length > 0) {
    const back = { subscription: SUBSCRIPTION, ackIds, ackDeadlineSeconds: 0 };
    await subscriber.call("ModifyAckDeadline", back);
  }
  const pulled = new Map<string, string>();
  const request = { subscription: SUBSCRIPTION, maxMessages: PULLED_MAX, returnImmediately: true };
  for (;;) {
    const [{ receivedMessages }] = await subscriber.call("Pull", request);
    if (receivedMessages.length === 0) break;
    for (const { ackId, message } of receivedMessages) pulled.set(ackId, message.attributes.id);
  }
  const ids = new Set(pulled.values());
  if (ids.size < pulled.size) wrong("a message is there twice");
  for (const id of loaded.messages) if (!ids.has(id)) wrong(`the message ${id} is lost`);
  for (const [, id] of rest) {
    if (!ids.has(id) && !loaded.unsure.has(id))
      wrong(`the message ${id} is lost, which was not acknowledged`);
  }
  for (const id of ids) if (settled.has(id)) wrong(`the message ${id} is back, which was acknowledged`);
  return pulled;
}
