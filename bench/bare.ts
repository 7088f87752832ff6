import { Firestore } from "@google-cloud/firestore";
import { PubSub } from "@google-cloud/pubsub";

/**
 * The bare cost of what an append does: the same two-write commit and the same publish through the same
 * clients, without HTTP, authentication, validation or logging. Runs as a process of its own, as the API
 * does; `node bench/bare.ts OPERATION CONCURRENCY COUNT` prints one JSON line.
 */

const [, , operation = "", concurrency = "1", count = "1000"] = process.argv;
const CHATS = 256;

const firestore = new Firestore({ projectId: process.env.GOOGLE_CLOUD_PROJECT ?? "" });
const pubsub = new PubSub({ projectId: process.env.GOOGLE_CLOUD_PROJECT ?? "" });
const topic = pubsub.topic("bench", { batching: { maxMilliseconds: 2, maxMessages: 200 } });

const run = Math.random().toString(36).slice(2);
const headOf = (chat: number) => firestore.collection("bare").doc(`${run}-${chat}`);
const message = {
  number: 1,
  revision: 2,
  branch: "main",
  parent: 1,
  sender: { id: "someone" },
  role: "user",
  body: { text: "A message of about the usual length, as people write them." },
  status: "complete",
  createdAt: new Date(),
};

async function append(chat: number): Promise<void> {
  const head = headOf(chat);
  const batch = firestore.batch();
  batch.create(head.collection("messages").doc(), message);
  batch.update(head, {
    revision: 2,
    lastNumber: 1,
    latest: { number: 1, text: message.body.text },
    updatedAt: new Date(),
  });
  await batch.commit();
  await topic.publishMessage({ json: { app: "demo", chat, revision: 2 } });
}

const page = firestore.collection("bare").doc(`${run}-page`).collection("messages");

async function readPage(): Promise<void> {
  await Promise.all([headOf(0).get(), page.orderBy("number", "desc").limit(50).get()]);
}

const operations: Readonly<Record<string, (index: number) => Promise<void>>> = {
  "append-many": (index) => append(index % CHATS),
  "append-one": () => append(0),
  page: readPage,
};

async function loop(total: number, work: (index: number) => Promise<void>): Promise<number[]> {
  const latencies: number[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < total) {
      const index = next;
      next += 1;
      const startedMs = performance.now();
      await work(index);
      latencies.push(performance.now() - startedMs);
    }
  };
  await Promise.all(Array.from({ length: Number(concurrency) }, worker));
  return latencies;
}

const work = operations[operation];
if (work === undefined) throw new Error(`There is no operation ${operation}.`);
const [exists] = await topic.exists();
if (!exists) await topic.create().catch(() => undefined);
for (let chat = 0; chat < CHATS; chat += 1) await headOf(chat).set({ revision: 1, lastNumber: 0 });
if (operation === "page") {
  const writer = firestore.bulkWriter();
  for (let number = 1; number <= 200; number += 1) void writer.create(page.doc(), { ...message, number });
  await writer.close();
}
await loop(Math.min(300, Number(count)), work);
const cpu = process.cpuUsage();
const startedMs = performance.now();
const latencies = await loop(Number(count), work);
const wallMs = performance.now() - startedMs;
const used = process.cpuUsage(cpu);
console.log(JSON.stringify({ latencies, wallMs, cpuMs: (used.user + used.system) / 1000 }));
process.exit(0);
