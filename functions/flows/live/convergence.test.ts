import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import type { Branch, Chat, Message } from "../../../shared/chat/contract.ts";
import type { ChatView } from "../../../shared/client/chat-view.ts";
import type { Client, Desk } from "../../../shared/client/connect.ts";
import { clientOf, createNetwork, type Network, until } from "../../../shared/testing/live-clients.ts";
import { seededRandom } from "../../../shared/testing/seeded-random.ts";
import {
  type Instance,
  type Person,
  type System,
  startSystem,
} from "../../../shared/testing/start-system.ts";
import { amountOf } from "../../../shared/testing/sweep.ts";

/**
 * Three people do at random what people do, on two instances that come and go, over a network that breaks;
 * events are delivered twice and commits fail. In the end everybody has to see what the server has. People,
 * network and what has to hold are one experiment, so they stand in one file.
 */
const STEPS = Number(process.env["CONVERGENCE_STEPS"] ?? amountOf(100, 600));
const SEED = Number(process.env["CONVERGENCE_SEED"] ?? Math.floor(Math.random() * 1e9));
const IN_FLIGHT_MAX = 6;
const CONVERGE_MS_MAX = 15_000;

interface Device {
  readonly person: Person;
  readonly client: Client;
  readonly desk: Desk;
  readonly view: ChatView;
  readonly network: Network;
  /** What its stream told, in order. */
  readonly told: { readonly id: number; readonly event: string }[];
  /** Revisions that it learned without the stream. */
  readonly asked: Set<number>;
  isCut: boolean;
}

interface World {
  readonly system: System;
  readonly chat: number;
  readonly guest: Person;
  readonly devices: Device[];
  readonly random: () => number;
  /** What is under way, and at which device. */
  readonly running: Map<Promise<unknown>, Device>;
  readonly leaving: Promise<void>[];
  other: Instance;
}

const pick = <T>(random: () => number, list: readonly T[]): T | undefined =>
  list[Math.floor(random() * list.length)];

async function openDevice(world: World, person: Person): Promise<Device> {
  const { system, random } = world;
  const network = createNetwork();
  const asked = new Set<number>();
  const client = clientOf(system, person, {
    environment: {
      async fetch(to, init) {
        // Whichever instance is asked: each request may meet another.
        const url = random() < 0.5 ? system.url : world.other.url;
        const response = await network.fetch(to.replace(system.url, url), init);
        if (!to.includes("/changes?") || !response.ok) return response;
        const { data } = (await response.clone().json()) as { data: Message[] };
        for (const { revision } of data) asked.add(revision);
        return response;
      },
    },
  });
  const desk = client.open();
  const view = desk.openChat(world.chat);
  const device: Device = { person, client, desk, view, network, told: [], asked, isCut: false };
  view.on("event", ({ id, event }) => {
    if (event.startsWith("message.") || event === "chat.changed") device.told.push({ id: Number(id), event });
  });
  await view.loaded();
  return device;
}

const own = ({ view, person }: Device): readonly Message[] =>
  view.messages.filter(
    ({ sender, status }) => "id" in sender && sender.id === person.id && status === "complete",
  );
const alive = ({ view }: Device): readonly Message[] =>
  view.messages.filter(({ status }) => status === "complete");

type Action = (device: Device, world: World) => Promise<unknown> | undefined;

const EMOJI = ["👍", "🎉", "❤️"];
let written = 0;
const nextText = ({ person }: Device): string => `${person.email.split("@")[0]} ${(written += 1)}`;

const ACTIONS: readonly (readonly [weight: number, action: Action])[] = [
  [
    30,
    (device) => {
      device.view.send({ text: nextText(device) });
      return undefined;
    },
  ],
  [
    5,
    (device, { random }) => {
      const to = pick(random, alive(device));
      if (to !== undefined) device.view.send({ text: nextText(device), replyTo: to.number });
      return undefined;
    },
  ],
  [
    14,
    (device, { random }) => {
      const message = pick(random, own(device));
      return message && device.view.edit(message.number, nextText(device));
    },
  ],
  [
    6,
    (device, { random }) => {
      const message = pick(random, own(device));
      return message && device.view.remove(message.number);
    },
  ],
  [
    18,
    (device, { random }) => {
      const message = pick(random, alive(device));
      return message && device.view.react(message.number, pick(random, EMOJI) ?? "👍", random() < 0.7);
    },
  ],
  [
    4,
    (device, { random }) => {
      const message = pick(random, alive(device));
      if (message !== undefined) device.view.resubmit(message.number, nextText(device));
      return undefined;
    },
  ],
  [
    5,
    (device, { random }) => {
      const branch = pick(random, device.view.branches);
      return branch && device.view.switchBranch(branch.id);
    },
  ],
  [
    4,
    ({ client, desk }, { chat }) => {
      const title = `Title ${(written += 1)}`;
      return client.api.patch<Chat>(`/chats/${chat}`, { title }).then(desk.chats.took);
    },
  ],
  [
    4,
    ({ client }, { chat, guest, random }) => {
      const path = `/chats/${chat}/members/${guest.id}`;
      return random() < 0.5 ? client.api.put(path, undefined) : client.api.delete(path);
    },
  ],
  [
    5,
    (device) => {
      if (device.isCut) device.network.restore();
      else device.network.cut();
      device.isCut = !device.isCut;
      if (!device.isCut) device.desk.wake();
      return undefined;
    },
  ],
];
const WEIGHTS = ACTIONS.reduce((sum, [weight]) => sum + weight, 0);

function pickAction(random: () => number): Action {
  let at = random() * WEIGHTS;
  for (const [weight, action] of ACTIONS) {
    at -= weight;
    if (at < 0) return action;
  }
  return () => undefined;
}

/** Misfortune of the servers: instances go and come, commits fail, deliveries are repeated. */
async function disturb(world: World): Promise<void> {
  const { random, system } = world;
  const chance = random();
  if (chance < 0.01) {
    const gone = world.other;
    world.other = await system.anotherInstance();
    // Whoever was connected to it loses the connection; it drains while the others go on.
    for (const { network, desk, isCut } of world.devices) {
      network.cut();
      if (isCut) continue;
      network.restore();
      desk.wake();
    }
    world.leaving.push(Promise.resolve(gone[Symbol.asyncDispose]()));
  } else if (chance < 0.05) {
    system.fault({ service: "pubsub", method: "Push", kind: "twice", count: 3 });
  } else if (chance < 0.08) {
    const kind = random() < 0.5 ? "before" : "after";
    system.fault({ service: "firestore", method: "Commit", kind });
  }
}

async function play(world: World): Promise<void> {
  const { devices, random, running } = world;
  for (let step = 0; step < STEPS; step += 1) {
    await disturb(world);
    const device = pick(random, devices);
    if (device === undefined) return;
    const made = pickAction(random)(device, world);
    if (made !== undefined) {
      // Some things can't be done by now, such as editing what was deleted meanwhile: that is part of it.
      const done: Promise<unknown> = made.catch(() => undefined).finally(() => running.delete(done));
      running.set(done, device);
    }
    // Who is offline has work that waits: it does not hold up the others.
    const underWay = [...running].filter(([, { isCut }]) => !isCut).map(([done]) => done);
    if (underWay.length >= IN_FLIGHT_MAX) await Promise.race(underWay);
    else await nextTurn();
    if (step % 20 === 19) await quiet(devices);
  }
}

function reconnect(device: Device): void {
  device.network.restore();
  device.isCut = false;
  device.desk.wake();
}

/** Resolves once everything that can be sent has been. */
async function quiet(devices: readonly Device[]): Promise<void> {
  const connected = devices.filter(({ isCut }) => !isCut);
  await Promise.all(
    connected.map(({ view }) => until(view, () => view.drafts.every(({ state }) => state === "failed"))),
  );
}

/** The chat as one would have to see it. */
interface Picture {
  readonly title: string;
  readonly members: readonly string[];
  readonly activeBranch: string;
  readonly branches: readonly string[];
  readonly path: readonly number[];
  readonly messages: readonly string[];
}

const lineOf = ({ number, revision, status, text, branch, parent, reactions }: Message): string => {
  const reacted = Object.entries(reactions).filter(([, people]) => people.length > 0);
  const people = reacted.map(([emoji, ids]) => `${emoji}${ids.toSorted().join("+")}`).sort();
  return [number, revision, status, text, branch, parent ?? "-", ...people].join(" ");
};
const branchLine = ({ id, after, lastNumber }: Branch): string =>
  `${id} after ${after ?? "-"} to ${lastNumber}`;

async function readAll<T>(
  read: (at: string) => Promise<{ data: T[]; hasMore: boolean; next: string | null }>,
): Promise<T[]> {
  const all: T[] = [];
  let query = "";
  for (;;) {
    const page = await read(query);
    all.push(...page.data);
    if (!page.hasMore || page.next === null) return all;
    query = `&cursor=${encodeURIComponent(page.next)}`;
  }
}

async function serverPicture({
  system,
  chat,
}: World): Promise<{ picture: Picture; all: readonly Message[]; revision: number }> {
  const path = `/v1/apps/demo/chats/${chat}`;
  const { body: head } = await system.operator.get(path);
  const all = new Map<number, Message>();
  for (let since = 0, hasMore = true; hasMore;) {
    const { body } = await system.operator.get(`${path}/changes?since=${since}&limit=100`);
    for (const message of body.data as Message[]) all.set(message.number, message);
    ({ revision: since, hasMore } = body);
  }
  const get = async (of: string) => (await system.operator.get(`${path}/${of}`)).body;
  const onPath = (await readAll<Message>((at) => get(`messages?limit=100${at}`))).reverse();
  const branches = await readAll<Branch>((at) => get(`branches?limit=100${at}`));
  const messages = [...all.values()].sort((a, b) => a.number - b.number);
  const picture = {
    title: head.title,
    members: head.members.toSorted(),
    activeBranch: head.activeBranch,
    branches: head.branchesCount === 1 ? [] : branches.map(branchLine).sort(),
    path: onPath.map(({ number }) => number),
    messages: messages.map(lineOf),
  };
  return { picture, all: messages, revision: head.revision };
}

/** What a device shows, of as many messages as it knows. */
function devicePicture({ view }: Device, of: Picture): Picture {
  const { chat } = view;
  const known = of.messages.map((_, at) => view.message(at + 1));
  return {
    title: chat?.title ?? "",
    members: chat?.members.toSorted() ?? [],
    activeBranch: chat?.activeBranch ?? "",
    branches: of.branches.length === 0 ? [] : view.branches.map(branchLine).sort(),
    path: view.messages.map(({ number }) => number),
    messages: known.map((message, at) =>
      message === undefined ? `${at + 1} is not known` : lineOf(message),
    ),
  };
}

function expectWholeStream({ told, asked }: Device, since: number, all: readonly Message[]): void {
  const messages = told.filter(({ event }) => event !== "chat.changed").map(({ id }) => id);
  expect(messages, "no message event comes twice or late").toEqual(
    [...new Set(messages)].sort((a, b) => a - b),
  );
  const settings = told.filter(({ event }) => event === "chat.changed").map(({ id }) => id);
  expect(settings, "nor does a chat.changed").toEqual([...new Set(settings)].sort((a, b) => a - b));
  const heard = new Set([...messages, ...asked]);
  const missed = all.filter(({ revision }) => revision > since && !heard.has(revision));
  expect(missed, "and none is missed").toEqual([]);
}

test("everybody sees the same in the end, whatever happens on the way", { timeout: 600_000 }, async () => {
  await using system = await startSystem();
  const [ada, bob, cy, guest] = await Promise.all(
    ["ada", "bob", "cy", "guest"].map((name) => system.signIn(`${name}@example.test`)),
  );
  if (ada === undefined || bob === undefined || cy === undefined || guest === undefined)
    throw new Error("Nobody came.");
  const { body } = await ada.api.post("/v1/apps/demo/chats", { kind: "group", members: [bob.id, cy.id] });
  const world: World = {
    system,
    chat: body.number,
    guest,
    devices: [],
    random: seededRandom(SEED),
    running: new Map(),
    leaving: [],
    other: await system.anotherInstance(),
  };
  const { devices } = world;
  for (const person of [ada, bob, cy]) devices.push(await openDevice(world, person));
  try {
    await play(world);
    system.clearFaults();
    for (const device of devices) reconnect(device);
    await Promise.all(world.running.keys());
    await quiet(devices);
    await system.settle();
    const { picture, all, revision } = await serverPicture(world);
    expect(all.map(({ number }) => number)).toEqual(all.map((_, at) => at + 1));
    expect(new Set(all.map((message) => message.revision)).size).toBe(all.length);
    expect(Math.max(...all.map((message) => message.revision))).toBeLessThanOrEqual(revision);
    for (const device of devices) {
      await expect
        .poll(() => devicePicture(device, picture), { timeout: CONVERGE_MS_MAX, interval: 50 })
        .toEqual(picture);
      expect(device.view.drafts.filter(({ state }) => state !== "failed")).toEqual([]);
      expectWholeStream(device, body.revision, all);
    }
  } catch (cause) {
    throw new Error(`CONVERGENCE_SEED=${SEED} CONVERGENCE_STEPS=${STEPS}`, { cause });
  } finally {
    for (const { desk } of devices) desk.close();
    await Promise.all([...world.leaving, world.other[Symbol.asyncDispose]()]);
  }
});
