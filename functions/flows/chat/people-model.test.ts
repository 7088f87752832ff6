import { expect, test } from "vitest";
import type { Chat, Message } from "../../../shared/chat/contract.ts";
import type { ApiReply } from "../../../shared/testing/api-client.ts";
import { seededRandom } from "../../../shared/testing/seeded-random.ts";
import type { Person } from "../../../shared/testing/start-system.ts";
import { amountOf } from "../../../shared/testing/sweep.ts";
import {
  settleRounds,
  startChat,
  useInstance,
  usePeople,
  useSystem,
} from "../../../shared/testing/use-system.ts";

/**
 * Random steps of four people in some groups, through two instances, beside the simplest model of what each
 * of them should see: unread, mentions, archive, previews, order, threads, pins, notifications. Model,
 * steps and comparison are one experiment, so they stand in one file.
 */
const STEPS = amountOf(100, 1_500);
const STEPS_BETWEEN_CHECKS = 30;
const GROUPS = 4;
const SEED = Number(process.env["PEOPLE_SEED"] ?? Math.floor(Math.random() * 1e9));

const system = useSystem();
const elsewhere = useInstance(system);
const people = usePeople(system, "ada@model.test", "bob@model.test", "carol@model.test", "dave@model.test");
const random = seededRandom(SEED);
const some = <T>(list: readonly T[]): T | undefined => list[Math.floor(random() * list.length)];

interface ModelMessage {
  readonly sender: string;
  text: string;
  mentions: readonly string[];
  readonly isEvent: boolean;
  readonly root: number | undefined;
  isDeleted: boolean;
}

interface Membership {
  readonly joined: number;
  read: number;
  archivedThrough: number | undefined;
  markedUnread: boolean;
}

interface ModelChat {
  readonly path: string;
  readonly number: number;
  readonly messages: ModelMessage[];
  readonly members: Map<string, Membership>;
  /** Of those who left: what they keep. */
  readonly left: Map<string, Membership>;
  pinned: number[];
  /** Everything up to here has been told. */
  told: number;
  readonly notified: Map<string, Set<number>>;
  /** The step at which its last message came. */
  moved: number;
}

const chats: ModelChat[] = [];
let step = 0;

const stands = ({ isDeleted, isEvent }: ModelMessage): boolean => !isDeleted && !isEvent;
const membership = (joined: number, before?: Membership): Membership => ({
  joined,
  read: before?.read ?? 0,
  archivedThrough: before?.archivedThrough,
  markedUnread: before?.markedUnread ?? false,
});

/** What a person counts as having read. */
function throughOf({ messages, members }: ModelChat, id: string): number {
  const { joined = 0, read = 0 } = members.get(id) ?? {};
  const sent = messages.findLastIndex(
    ({ sender, isEvent }, at) => sender === id && !isEvent && at + 1 > joined,
  );
  return Math.max(joined, read, sent + 1);
}
const unreadOf = (chat: ModelChat, id: string): ModelMessage[] =>
  chat.messages.slice(throughOf(chat, id)).filter(stands);

function add(chat: ModelChat, message: Partial<ModelMessage> & { readonly sender: string }): void {
  chat.messages.push({
    text: "",
    mentions: [],
    isEvent: false,
    root: undefined,
    isDeleted: false,
    ...message,
  });
  if (message.isEvent !== true) chat.moved = step;
}

const ok = ({ status, body }: ApiReply): ApiReply => {
  if (status >= 300) throw new Error(`${status} ${JSON.stringify(body)} at step ${step}, seed ${SEED}`);
  return { status, body, headers: new Headers() };
};

type Step = (chat: ModelChat, person: Person, api: Person["api"]) => Promise<void>;
const own = (chat: ModelChat, id: string): number[] =>
  chat.messages.flatMap((message, at) => (stands(message) && message.sender === id ? [at + 1] : []));
const others = (chat: ModelChat): Person[] => people.filter(({ id }) => chat.members.has(id));

const STEPS_OF: Readonly<Record<string, Step>> = {
  async post(chat, { id }, api) {
    const named = random() < 0.2 ? some(others(chat)) : undefined;
    const text = named === undefined ? `Step ${step}` : `@${named.id} step ${step}`;
    ok(await api.post(`${chat.path}/messages`, { text }));
    add(chat, { sender: id, text, mentions: named === undefined ? [] : [named.id] });
  },
  async reply(chat, { id }, api) {
    const standing = chat.messages.flatMap((message, at) => (stands(message) ? [at + 1] : []));
    const replyTo = some(standing);
    if (replyTo === undefined) return;
    ok(await api.post(`${chat.path}/messages`, { text: `Reply ${step}`, replyTo }));
    const root = chat.messages[replyTo - 1]?.root ?? replyTo;
    add(chat, { sender: id, text: `Reply ${step}`, root });
  },
  async remove(chat, { id }, api) {
    const number = some(own(chat, id));
    if (number === undefined) return;
    ok(await api.delete(`${chat.path}/messages/${number}`));
    const message = chat.messages[number - 1];
    if (message !== undefined) Object.assign(message, { isDeleted: true, text: "", mentions: [] });
    chat.pinned = chat.pinned.filter((pinned) => pinned !== number);
  },
  async edit(chat, { id }, api) {
    const number = some(own(chat, id));
    if (number === undefined) return;
    ok(await api.patch(`${chat.path}/messages/${number}`, { text: `Edited ${step}` }));
    const message = chat.messages[number - 1];
    if (message !== undefined) Object.assign(message, { text: `Edited ${step}`, mentions: [] });
  },
  async react(chat, _, api) {
    const number = chat.messages.findLastIndex(stands) + 1;
    if (number > 0)
      ok(await api.put(`${chat.path}/messages/${number}/reactions/${encodeURIComponent("👍")}`));
  },
  async read(chat, { id }, api) {
    const number = Math.ceil(random() * chat.messages.length);
    if (number === 0) return;
    ok(await api.put(`${chat.path}/read`, { number }));
    const member = chat.members.get(id);
    if (member === undefined) return;
    member.read = Math.max(member.read, number);
    member.markedUnread = false;
  },
  async archive(chat, { id }, api) {
    const member = chat.members.get(id);
    const archived = random() < 0.7;
    ok(await api.patch(chat.path, { archived, markedUnread: !archived }));
    if (member === undefined) return;
    member.archivedThrough = archived ? chat.messages.length : undefined;
    member.markedUnread = !archived;
  },
  async rename(chat, { id }, api) {
    ok(await api.patch(chat.path, { title: `Title ${step}` }));
    add(chat, { sender: id, isEvent: true });
  },
  async pin(chat, _, api) {
    const number = chat.messages.findLastIndex(stands) + 1;
    if (number === 0 || chat.pinned.length > 40) return;
    const isPinned = chat.pinned.includes(number);
    ok(await api[isPinned ? "delete" : "put"](`${chat.path}/messages/${number}/pin`));
    chat.pinned = isPinned ? chat.pinned.filter((one) => one !== number) : [...chat.pinned, number];
  },
  async fork(chat, { id }, api) {
    const at = chat.messages.findLastIndex(stands) + 1;
    if (at === 0 || chats.length > 2 * GROUPS) return;
    const { body } = ok(await api.post(`${chat.path}/forks`, { at }));
    const members = new Map([[id, membership(0)]]);
    // What one has copied, one has read; threads, pins and who mentioned whom stay where they were.
    const messages = chat.messages
      .slice(0, at)
      .map((message) => ({ ...message, root: undefined, mentions: [] }));
    const forked: ModelChat = {
      path: `/v1/apps/demo/chats/${body.number}`,
      number: body.number,
      messages,
      members,
      left: new Map(),
      pinned: [],
      told: at,
      notified: new Map(),
      moved: step,
    };
    const member = members.get(id);
    if (member !== undefined) member.read = at;
    chats.push(forked);
  },
  async leave(chat, { id }, api) {
    // Somebody stays, so that the group can be joined again.
    if (chat.members.size === 1) return;
    ok(await api.delete(`${chat.path}/members/${id}`));
    const member = chat.members.get(id);
    chat.members.delete(id);
    if (member !== undefined) chat.left.set(id, member);
    add(chat, { sender: id, isEvent: true });
  },
  async join(chat, { id }, api) {
    const outside = some(people.filter((person) => !chat.members.has(person.id)));
    if (outside === undefined) return;
    ok(await api.put(`${chat.path}/members/${outside.id}`));
    add(chat, { sender: id, isEvent: true });
    chat.members.set(outside.id, membership(chat.messages.length - 1, chat.left.get(outside.id)));
  },
};
const NAMES = Object.keys(STEPS_OF);
/** Messages are most of what happens. */
const pick = (): string => (random() < 0.4 ? "post" : (some(NAMES) ?? "post"));

/** Everybody is away, so each is told of what they have not read when the rounds come. */
async function tell(): Promise<void> {
  await settleRounds(system);
  await settleRounds(system);
  for (const chat of chats) {
    for (const id of chat.members.keys()) {
      const from = Math.max(chat.told, throughOf(chat, id));
      const newest = chat.messages.findLastIndex(stands) + 1;
      const told = chat.messages.slice(from, newest).some(stands);
      if (!told) continue;
      const numbers = chat.notified.get(id) ?? new Set();
      for (let number = from + 1; number <= newest; number += 1) numbers.add(number);
      chat.notified.set(id, numbers);
    }
    chat.told = Math.max(chat.told, latestTold(chat));
  }
}
/** A round goes up to the head's latest message, deleted or not. */
const latestTold = ({ messages }: ModelChat): number => messages.findLastIndex(({ isEvent }) => !isEvent) + 1;

async function check(): Promise<void> {
  await tell();
  for (const person of people) {
    const { id } = person;
    const api = random() < 0.5 ? person.api : elsewhere.as(person);
    const { body } = await api.get("/v1/apps/demo/chats");
    const mine = chats.filter(({ members }) => members.has(id));
    const expected = mine.toSorted((a, b) => b.moved - a.moved || b.number - a.number);
    const at = `step ${step}, seed ${SEED}, ${person.email}`;
    expect([at, body.data.map(({ number }: Chat) => number)]).toEqual([at, expected.map((c) => c.number)]);
    for (const [index, chat] of expected.entries()) {
      const shown: Chat = body.data[index];
      const member = chat.members.get(id);
      const unread = unreadOf(chat, id);
      const archived = member?.archivedThrough;
      const latest = chat.messages[latestTold(chat) - 1];
      expect([at, chat.number, summaryOf(shown)]).toEqual([
        at,
        chat.number,
        {
          unread: unread.length,
          mentioned: unread.some(({ mentions }) => mentions.includes(id)),
          messages: chat.messages.length,
          archived: archived !== undefined && !chat.messages.slice(archived).some(stands),
          markedUnread: member?.markedUnread,
          latest: latest?.text ?? "",
          pinned: chat.pinned,
        },
      ]);
    }
    const total = mine.reduce((sum, chat) => sum + unreadOf(chat, id).length, 0);
    expect([at, body.unreadTotal]).toEqual([at, total]);
    // Of chats beyond the page, what has been noted.
    const { body: short } = await api.get("/v1/apps/demo/chats?limit=1");
    expect([at, "beyond", short.unreadTotal]).toEqual([at, "beyond", total]);
    const told = await notificationsOf(api);
    // A round may have come before what it tells of was read: then it is in the list too, as read.
    expect([at, told.filter((one) => !tellable(id).has(one))]).toEqual([at, []]);
    expect([at, expectedNotifications(id).filter((one) => !told.includes(one))]).toEqual([at, []]);
  }
  for (const chat of chats) await checkThreads(chat);
}

const summaryOf = ({
  mentioned,
  unreadCount,
  messagesCount,
  archived,
  markedUnread,
  latest,
  pinnedMessages,
}: Chat) => ({
  unread: unreadCount,
  mentioned,
  messages: messagesCount,
  archived,
  markedUnread,
  latest: latest?.text ?? "",
  pinned: pinnedMessages,
});

async function notificationsOf(api: Person["api"]): Promise<string[]> {
  const found: string[] = [];
  for (let cursor = ""; ;) {
    const { body } = await api.get(`/v1/apps/demo/notifications?limit=100${cursor}`);
    found.push(...body.data.map(({ id, read }: { id: string; read: boolean }) => `${id} ${read}`));
    if (body.next === null) return [...new Set(found)].sort();
    cursor = `&cursor=${body.next}`;
  }
}

const expectedNotifications = (id: string): string[] =>
  chats
    .filter(({ members }) => members.has(id))
    .flatMap((chat) =>
      [...(chat.notified.get(id) ?? [])]
        .filter((number) => {
          const message = chat.messages[number - 1];
          return message !== undefined && stands(message) && message.sender !== id;
        })
        .map((number) => `${chat.number}.${number} ${number <= throughOf(chat, id)}`),
    )
    .sort();

/** What may be told: what stands and others wrote. */
const tellable = (id: string): Set<string> =>
  new Set(
    chats.flatMap((chat) =>
      chat.messages.flatMap((message, at) => {
        const isTold = chat.members.has(id) && stands(message) && message.sender !== id;
        return isTold ? [`${chat.number}.${at + 1} ${at + 1 <= throughOf(chat, id)}`] : [];
      }),
    ),
  );

async function checkThreads({ path, messages, number, members }: ModelChat): Promise<void> {
  const reader = people.find(({ id }) => members.has(id));
  const { body } = (await reader?.api.get(`${path}/messages?limit=100`)) ?? { body: { data: [] } };
  for (const shown of body.data as Message[]) {
    const replies = messages.filter(({ root, isDeleted }) => root === shown.number && !isDeleted);
    const latest = messages.findLastIndex(({ root, isDeleted }) => root === shown.number && !isDeleted) + 1;
    expect([
      SEED,
      number,
      shown.number,
      shown.replies?.count ?? 0,
      shown.replies?.latest?.number ?? 0,
    ]).toEqual([SEED, number, shown.number, replies.length, latest]);
  }
}

test(
  `what people see is what a simple model sees, after ${STEPS} steps (seed ${SEED})`,
  {
    timeout: 600_000,
  },
  async () => {
    await system.operator.patch("/v1/apps/demo", { settings: { limits: { personPerMinute: null } } });
    for (let index = 0; index < GROUPS; index += 1) {
      const { path, number } = await startChat(people[0].api, { members: people.slice(1, 3) });
      const members = new Map(people.slice(0, 3).map(({ id }) => [id, membership(0)] as const));
      chats.push({
        path,
        number,
        messages: [],
        members,
        left: new Map(),
        pinned: [],
        told: 0,
        notified: new Map(),
        moved: index - GROUPS,
      });
    }
    for (step = 1; step <= STEPS; step += 1) {
      const chat = some(chats);
      const person = chat && some(others(chat));
      if (chat === undefined || person === undefined) continue;
      await STEPS_OF[pick()]?.(chat, person, random() < 0.5 ? person.api : elsewhere.as(person));
      if (step % STEPS_BETWEEN_CHECKS === 0) await check();
    }
    await check();
    expect(step).toBe(STEPS + 1);
  },
);
