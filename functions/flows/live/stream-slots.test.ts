import { beforeAll, expect, test } from "vitest";
import { ALIVE_MS } from "../../../shared/live/stream-slots.ts";
import { EventStream } from "../../../shared/testing/event-stream.ts";
import { startProcess } from "../../../shared/testing/start-process.ts";
import type { Person } from "../../../shared/testing/start-system.ts";
import { useInstance, useSystem } from "../../../shared/testing/use-system.ts";

/** Streams are counted over all instances. */

const CAP = 5;
const system = useSystem({ instances: 1 });
const other = useInstance(system);
let events: string;
let app: string;
beforeAll(async () => {
  app = (await system.createApp("Slots")).id;
  events = `/v1/apps/${app}/events`;
  await limit({ streamsPerPerson: CAP, streamsPerApp: null, personPerMinute: null, ipPerMinute: null });
});
const limit = (limits: object): Promise<unknown> =>
  system.operator.patch(`/v1/apps/${app}`, { settings: { limits } });

let people = 0;
const newPerson = (): Promise<Person> => {
  people += 1;
  return system.signIn(`person-${people}@slots.test`, app);
};
const openMany = (person: Person, count: number, urls: readonly string[]): Promise<EventStream[]> =>
  Promise.all(
    Array.from({ length: count }, (_, at) => EventStream.open(`${urls[at % urls.length]}${events}`, person)),
  );
const close = async (streams: readonly EventStream[]): Promise<void> => {
  for (const stream of streams) await stream[Symbol.asyncDispose]();
};
const admitted = (streams: readonly EventStream[]): EventStream[] =>
  streams.filter(({ status }) => status === 200);
/** Once places that were given back are free again. */
const untilAdmitted = (person: Person, url: string): Promise<void> =>
  expect
    .poll(
      async () => {
        const stream = await EventStream.open(`${url}${events}`, person);
        await close([stream]);
        return stream.status;
      },
      { timeout: 15_000 },
    )
    .toBe(200);

test("of all that a person opens at once, at two instances, as many are admitted as they may have", async () => {
  const ada = await newPerson();
  const streams = await openMany(ada, 4 * CAP, [system.url, other.url]);
  expect(admitted(streams)).toHaveLength(CAP);
  expect(streams.filter(({ status }) => status === 429)).toHaveLength(3 * CAP);
  // What ends at one instance makes room at the other.
  await close(streams);
  await untilAdmitted(ada, system.url);
  await untilAdmitted(ada, other.url);
});

test("so it is with all of an app, whoever opens them", async () => {
  const persons = await Promise.all([newPerson(), newPerson(), newPerson()]);
  await limit({ streamsPerApp: 2 * CAP });
  const all = await Promise.all(persons.map((person) => openMany(person, CAP, [system.url, other.url])));
  expect(admitted(all.flat()).length).toBeLessThanOrEqual(2 * CAP);
  expect(admitted(all.flat()).length).toBeGreaterThan(CAP);
  await close(all.flat());
  await limit({ streamsPerApp: null });
});

test("opening a stream costs a read and a write more, and nothing soon after one was closed", async () => {
  const ada = await newPerson();
  await untilAdmitted(await newPerson(), system.url);
  const open = async (): Promise<void> => {
    const stream = await EventStream.open(`${system.url}${events}`, ada);
    expect(stream.status).toBe(200);
    await stream.reached;
    await close([stream]);
  };
  expect((await system.meterRequest(open)).billed).toEqual({ reads: 1, writes: 1, deletes: 0 });
});

test("asking for no more than the head of a stream takes no place", async () => {
  const ada = await newPerson();
  const headers = { authorization: `Bearer ${ada.session.accessToken}` };
  for (let at = 0; at < 2 * CAP; at += 1) {
    const { status } = await fetch(`${system.url}${events}`, { method: "HEAD", headers });
    expect(status).toBe(200);
  }
  const streams = await openMany(ada, CAP, [system.url]);
  expect(admitted(streams)).toHaveLength(CAP);
  await close(streams);
});

test.each([
  ["at once when it was told to end", "SIGTERM", 0],
  ["a minute after it was killed", "SIGKILL", ALIVE_MS],
] as const)("what an instance held is free again %s", async (_, signal, afterMs) => {
  const ada = await newPerson();
  const host = await startProcess(system);
  const streams = await openMany(ada, CAP, [`http://127.0.0.1:${host.port}/live`]);
  expect(admitted(streams)).toHaveLength(CAP);
  expect((await ada.api.get(events)).status).toBe(429);
  process.kill(host.pid, signal);
  await host.ended;
  const { clock } = system.suite.kernel;
  const ask = async (): Promise<number> => {
    const stream = await EventStream.open(`${system.url}${events}`, ada);
    await close([stream]);
    return stream.status;
  };
  expect(await ask()).toBe(afterMs > 0 ? 429 : 200);
  clock.advance(afterMs);
  const again = await openMany(ada, CAP, [system.url]);
  expect(admitted(again)).toHaveLength(CAP);
  await close([...streams, ...again]);
});
