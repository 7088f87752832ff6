import { afterEach, describe, expect, test } from "vitest";
import type { HostProcess } from "../../../emulators/local/function-host/host-process.ts";
import { EventStream } from "../../../shared/testing/event-stream.ts";
import { startProcess } from "../../../shared/testing/start-process.ts";
import { startChat, usePeople, useSystem } from "../../../shared/testing/use-system.ts";

/** Cloud Run kills an instance so long after SIGTERM. */
const GRACE_MS = 10_000;
/** Readers who have to go elsewhere are told so within this. */
const HANDED_OVER_MS = 2_000;
/** Another goes on with an answer after about a second; after its lease it would be thirty. */
const BEGUN_ANEW_MS = 5_000;

const system = useSystem();
const [ada] = usePeople(system, "ada@sigterm.test");
afterEach(() => system.suite.model.reset());

const QUESTION = "Explain step by step and at length how tides come about, and why there are two a day.";

interface Ended {
  /** As Node says it. */
  readonly how: string;
  readonly tookMs: number;
}

async function terminate(host: HostProcess): Promise<Ended> {
  const startedMs = performance.now();
  await host.stop(GRACE_MS);
  return { how: await host.ended, tookMs: performance.now() - startedMs };
}

const openAt = (host: HostProcess, path: string): Promise<EventStream> =>
  EventStream.open(`http://127.0.0.1:${host.port}/live${path}`, ada);

test("an instance that ends sends the readers of its streams elsewhere at once, and they lose nothing", async () => {
  const { path } = await startChat(ada.api, { texts: ["One"] });
  const host = await startProcess(system);
  const [ofChat, ofPerson] = await Promise.all([
    openAt(host, `${path}/events`),
    openAt(host, "/v1/apps/demo/events"),
  ]);
  const streams = [ofChat, ofPerson];
  await Promise.all(streams.map(({ reached }) => reached));
  await ada.api.post(`${path}/messages`, { text: "Two" });
  for (const stream of streams) {
    await stream.until((all) => all.some(({ data }) => data.message?.text === "Two"));
  }
  const startedMs = performance.now();
  const ending = terminate(host);
  await Promise.all(streams.map(({ ended }) => ended));
  expect(performance.now() - startedMs).toBeLessThan(HANDED_OVER_MS);
  for (const { events } of streams) expect(events.at(-1)?.event).toBe("reconnect");
  await ada.api.post(`${path}/messages`, { text: "Three" });
  const resumed = [
    [`${path}/events`, ofChat],
    ["/v1/apps/demo/events", ofPerson],
  ] as const;
  for (const [of, { lastEventId }] of resumed) {
    const headers = { "last-event-id": lastEventId ?? "" };
    await using again = await EventStream.open(`${system.url}${of}`, ada, headers);
    await again.until((all) => all.some(({ data }) => data.message?.text === "Three"));
    const texts = again.events.map(({ data }) => data.message?.text).filter((text) => text !== undefined);
    expect(texts.filter((text) => text === "Three")).toHaveLength(1);
  }
  const { how, tookMs } = await ending;
  expect(how).toBe("exit code 0");
  expect(tookMs).toBeLessThan(GRACE_MS);
});

describe("an answer that is made for who asked, in an instance that ends", () => {
  /** Asks at the instance, and waits for the first words. */
  async function askAt(host: HostProcess): Promise<{ chat: string; asker: EventStream }> {
    const { path: chat } = await startChat(ada.api, { kind: "assistant" });
    const asker = await EventStream.open(
      `http://127.0.0.1:${host.port}/api${chat}/messages`,
      ada,
      { accept: "text/event-stream", "content-type": "application/json" },
      { method: "POST", body: JSON.stringify({ text: QUESTION }) },
    );
    await asker.until((all) => all.some(({ event }) => event === "answer.delta"));
    return { chat, asker };
  }

  test("is told to its end when that comes soon", async () => {
    system.suite.model.change({ tokensPerSecond: 100 });
    const host = await startProcess(system);
    const { chat, asker } = await askAt(host);
    const { how } = await terminate(host);
    await asker.ended;
    expect(how).toBe("exit code 0");
    const { body } = await ada.api.get(`${chat}/messages/2`);
    expect(body.status).toBe("complete");
    // Nobody had to begin anew.
    expect(asker.events.map(({ event }) => event)).not.toContain("answer.reset");
    const said = asker.events.filter(({ event }) => event === "answer.delta").map(({ data }) => data.text);
    expect(body.text.startsWith(said.join(""))).toBe(true);
  });

  test("is left to another at once when it does not", async () => {
    system.suite.model.change({ tokensPerSecond: 2 });
    const host = await startProcess(system);
    const { chat, asker } = await askAt(host);
    await using reader = await EventStream.open(`${system.url}${chat}/events`, ada);
    await reader.reached;
    system.suite.model.reset();
    const ending = terminate(host);
    await asker.ended;
    const leftMs = performance.now();
    expect(asker.events.at(-1)?.event).toBe("reconnect");
    const epochOf = ({ data }: { data: { epoch?: number } }): number => data.epoch ?? 0;
    await reader.until((all) => all.some((event) => epochOf(event) > 1));
    expect(performance.now() - leftMs).toBeLessThan(BEGUN_ANEW_MS);
    await reader.until((all) => all.some(({ event }) => event === "answer.done"));
    const { how, tookMs } = await ending;
    expect(how).toBe("exit code 0");
    expect(tookMs).toBeLessThan(GRACE_MS);
    const { body } = await ada.api.get(`${chat}/messages/2`);
    expect(body.status).toBe("complete");
  });
});
