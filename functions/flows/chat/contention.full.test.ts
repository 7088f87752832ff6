import { describe, expect, test } from "vitest";
import { type ApiClient, type ApiReply, createApiClient } from "../../../shared/testing/api-client.ts";
import { startSystem } from "../../../shared/testing/start-system.ts";

/**
 * Heads of chats under Firestore's latencies and contention (emulators/firestore/physics.ts), with several
 * instances that each remember what they have written. docs/operations.md has the figures.
 */
const INSTANCES = 8;
const REQUESTS_EACH = 64;
/** How often a client tries again what was answered 503, after the wait that it is told. */
const TRIES_MAX = 30;

interface Crowd extends AsyncDisposable {
  /** A client of each instance, all as the same person. */
  readonly clients: readonly [ApiClient, ...ApiClient[]];
}

async function startCrowd(instances: number): Promise<Crowd> {
  const system = await startSystem({ cloud: true });
  const person = await system.signIn("ada@example.test");
  const authorization = `Bearer ${person.session.accessToken}`;
  const others = await Promise.all(Array.from({ length: instances - 1 }, () => system.anotherInstance()));
  const clientOf = (url: string): ApiClient => createApiClient(url, { authorization });
  return {
    clients: [clientOf(system.url), ...others.map(({ url }) => clientOf(url))],
    async [Symbol.asyncDispose]() {
      await system.settle();
      await Promise.all(others.map((other) => other[Symbol.asyncDispose]()));
      await system[Symbol.asyncDispose]();
    },
  };
}

interface Answered {
  readonly bodies: readonly { readonly number: number }[];
  readonly ms: readonly number[];
  readonly refused: readonly ApiReply[];
  readonly secondsInAll: number;
}

type Request = (client: ApiClient, index: number) => Promise<ApiReply>;

/** Each client sends so many requests at once, and again what was refused. */
async function sendAtOnce(clients: readonly ApiClient[], send: Request): Promise<Answered> {
  const refused: ApiReply[] = [];
  const ms: number[] = [];
  const begunMs = performance.now();
  const sendUntilTaken = async (client: ApiClient, index: number): Promise<{ number: number }> => {
    const sentMs = performance.now();
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      const answer = await send(client, index);
      if (answer.status === 201) {
        ms.push(performance.now() - sentMs);
        return answer.body;
      }
      refused.push(answer);
      await waitAsTold(answer);
    }
    throw new Error(`Request ${index} was never taken.`);
  };
  const bodies = await Promise.all(
    clients.flatMap((client, at) =>
      Array.from({ length: REQUESTS_EACH }, (_, index) => sendUntilTaken(client, at * REQUESTS_EACH + index)),
    ),
  );
  return { bodies, ms, refused, secondsInAll: (performance.now() - begunMs) / 1_000 };
}

const waitAsTold = ({ headers }: ApiReply): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, Number(headers.get("retry-after") ?? 0) * 1_000));

const p95 = (ms: readonly number[]): number =>
  [...ms].sort((a, b) => a - b)[Math.floor(ms.length * 0.95)] ?? 0;

function report(what: string, { ms, refused, secondsInAll }: Answered): void {
  const rate = (ms.length / secondsInAll).toFixed(0);
  console.log(`${what}: ${rate} a second, p95 ${p95(ms).toFixed(0)} ms, ${refused.length} refused`);
}

const CHATS = "/v1/apps/demo/chats";

const create: Request = (client, index) =>
  client.post(CHATS, { kind: "group" }, { "idempotency-key": `"create-${index}"` });

const appendTo =
  (chatOf: (index: number) => number | undefined): Request =>
  (client, index) =>
    client.post(
      `${CHATS}/${chatOf(index)}/messages`,
      { text: `message ${index}` },
      { "idempotency-key": `"append-${index}"` },
    );

/** Whoever is refused is told when to come again. */
function expectToldWhen({ refused }: Answered): void {
  for (const { status, headers } of refused) {
    expect(status).toBe(503);
    expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
  }
}

const gapFree = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);
const sorted = ({ bodies }: Answered): number[] => bodies.map(({ number }) => number).sort((a, b) => a - b);

describe.each([1, INSTANCES])("%i instances under the cloud's latencies and contention", (instances) => {
  const all = instances * REQUESTS_EACH;

  test(`take ${REQUESTS_EACH} appends each on one chat, each once and without a gap`, async () => {
    await using crowd = await startCrowd(instances);
    const [first] = crowd.clients;
    const chat = await create(first, 0);
    const appended = await sendAtOnce(
      crowd.clients,
      appendTo(() => chat.body.number),
    );
    report(`${instances}: appends to one chat`, appended);
    expect(sorted(appended)).toEqual(gapFree(all));
    expectToldWhen(appended);
  }, 120_000);

  test(`take ${REQUESTS_EACH} new chats each, and an append to each of them`, async () => {
    await using crowd = await startCrowd(instances);
    const created = await sendAtOnce(crowd.clients, create);
    report(`${instances}: new chats`, created);
    expect(sorted(created)).toEqual(gapFree(all));
    expectToldWhen(created);
    const appended = await sendAtOnce(
      crowd.clients,
      appendTo((index) => created.bodies[index]?.number),
    );
    report(`${instances}: first appends`, appended);
    expect(new Set(sorted(appended))).toEqual(new Set([1]));
    expectToldWhen(appended);
  }, 180_000);
});
