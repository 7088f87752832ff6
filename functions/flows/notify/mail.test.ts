import { beforeEach, expect, test } from "vitest";
import { ONLINE_MS } from "../../../shared/live/presence.ts";
import { UNREAD_MS } from "../../../shared/notify/tasks.ts";
import { MAIL_INTERVAL_MS } from "../../../shared/notify/unread-mail.ts";
import type { Person } from "../../../shared/testing/start-system.ts";
import { startChat, useSystem } from "../../../shared/testing/use-system.ts";

const chats = "/v1/apps/demo/chats";

let ada: Person;
let bob: Person;
/** Between the two; new for each test. */
let chat: number;
let pairs = 0;

const system = useSystem();

beforeEach(async () => {
  pairs += 1;
  ada = await system.signIn(`ada-${pairs}@example.test`);
  bob = await system.signIn(`bob-${pairs}@example.test`);
  chat = (await startChat(ada.api, { kind: "direct", members: [bob] })).number;
});

const mailsTo = ({ email }: Person) =>
  system.suite.mail.list({ to: email, limit: 100 }).filter(({ text }) => text.includes("wrote to you"));

async function post(text: string, to = chat): Promise<void> {
  expect((await ada.api.post(`${chats}/${to}/messages`, { text })).status).toBe(201);
  await system.settle();
}
async function pass(ms: number): Promise<void> {
  system.suite.kernel.clock.advance(ms + 1_000);
  await system.settle();
}

test("a direct message that lies unread is mailed about once, with nothing of what it says", async () => {
  await post("Meet me under the clock");
  await pass(UNREAD_MS - 5_000);
  expect(mailsTo(bob)).toHaveLength(0);
  await pass(5_000);
  const [mail] = mailsTo(bob);
  expect(mail?.subject).toBe("You have an unread message");
  expect(mail?.text).toContain(`ada-${pairs} wrote to you in demo.`);
  expect(`${mail?.text}${mail?.html}`).not.toContain("clock");
  await post("And bring tea");
  await pass(UNREAD_MS);
  expect(mailsTo(bob)).toHaveLength(1);
  expect(mailsTo(ada)).toHaveLength(0);
});

test("what has been deleted is not mailed about, and what stands beside it is", async () => {
  await post("Gone at once");
  await ada.api.delete(`${chats}/${chat}/messages/1`);
  await pass(UNREAD_MS);
  expect(mailsTo(bob)).toHaveLength(0);
  ada = await system.signIn(ada.email);
  await post("Stands");
  await post("Typo");
  await ada.api.delete(`${chats}/${chat}/messages/3`);
  await pass(UNREAD_MS);
  expect(mailsTo(bob)).toHaveLength(1);
});

test("a deleted message does not bring the mail of a later one early", async () => {
  await post("Gone");
  await pass(UNREAD_MS - 60_000);
  ada = await system.signIn(ada.email);
  await post("Just now");
  await ada.api.delete(`${chats}/${chat}/messages/1`);
  await pass(60_000);
  expect(mailsTo(bob)).toHaveLength(0);
  await pass(UNREAD_MS);
  expect(mailsTo(bob)).toHaveLength(1);
});

test("nobody is mailed who wants no notifications of the chat", async () => {
  await bob.api.patch(`${chats}/${chat}`, { notify: "none" });
  await post("Quiet");
  await pass(UNREAD_MS);
  expect(mailsTo(bob)).toHaveLength(0);
  expect((await bob.api.get("/v1/apps/demo/notifications")).body.data).toHaveLength(1);
});

test("a mail a day for each chat, and no more", async () => {
  await post("One");
  await pass(UNREAD_MS);
  await pass(MAIL_INTERVAL_MS);
  ada = await system.signIn(ada.email);
  await post("Two");
  await pass(UNREAD_MS);
  expect(mailsTo(bob)).toHaveLength(2);
});

test.each([
  "SECURITY ALERT: sign in at https://evil.example/now",
  "evil.example",
  "bank.test/login",
  "hthttptps://x.test",
  "ｗｗｗ．evil．example",
  "mailto:thief@evil.example",
  "Ada\u202egnp.exe\u2066 \u200bevil\u2024example",
  "\u200b",
])("a name that looks like an address is no link, and never a subject: %j", async (name) => {
  // As an older version, or an import, may have stored it.
  await system.deps.firestore.doc(`apps/demo/users/${ada.id}`).update({ name });
  await post("Hello");
  await pass(UNREAD_MS);
  const [mail] = mailsTo(bob);
  expect(mail?.subject).toBe("You have an unread message");
  const shown = `${mail?.text} ${mail?.html}`.replaceAll(/<[^>]*>/g, " ").normalize("NFKC");
  expect(shown).not.toMatch(/https?|mailto/i);
  expect(shown).not.toMatch(/[\p{L}\p{N}][.:/@\\]+[\p{L}\p{N}]/u);
  expect(shown).not.toMatch(/\p{Cf}/u);
});

test("a name in a mail is text, whatever it looks like", async () => {
  await ada.api.patch("/v1/apps/demo/me", { name: '<b>Ada</b> & "co"' });
  await post("Hello");
  await pass(UNREAD_MS);
  expect(mailsTo(bob)[0]?.html).toContain("&lt;b&gt;Ada&lt;/b&gt; &amp; &quot;co&quot;");
});

test("the task delivered twice, and again later, mails once", async () => {
  await post("Once");
  system.fault({ service: "tasks", method: "Dispatch", kind: "twice", count: 2 });
  await pass(UNREAD_MS);
  await pass(60_000);
  system.clearFaults();
  await system.deps.tasks.enqueue({
    queue: "mail",
    function: "send-mail",
    id: ["mailed-already", String(chat)],
    payload: { app: "demo", chat, person: bob.id, number: 1, writtenMs: system.deps.clock.now() },
  });
  await system.settle();
  expect(mailsTo(bob)).toHaveLength(1);
});

test("a mail that the server did not take is sent later", async () => {
  await post("Persistent");
  system.suite.kernel.faults.add({ service: "mail", method: "Send", kind: "before", match: bob.email });
  await pass(UNREAD_MS);
  expect(mailsTo(bob)).toHaveLength(0);
  await pass(120_000);
  expect(mailsTo(bob)).toHaveLength(1);
});

const reasons: Readonly<Record<string, () => Promise<unknown>>> = {
  "has read": () => bob.api.put(`${chats}/${chat}/read`, { number: 1 }),
  "has answered": () => bob.api.post(`${chats}/${chat}/messages`, { text: "Yes" }),
  "has a device by now": () => bob.api.put("/v1/apps/demo/devices/phone", { pushToken: `token-${pairs}` }),
  "has muted the chat": () => bob.api.put(`${chats}/${chat}/mute`, { until: null }),
  "wants quiet at that hour": () => {
    const at = system.deps.clock.now() + UNREAD_MS;
    const time = (ms: number) => new Date(ms).toISOString().slice(11, 16);
    const quietHours = { from: time(at - 3_600_000), to: time(at + 3_600_000) };
    return bob.api.patch("/v1/apps/demo/me", { timeZone: "Etc/UTC", quietHours });
  },
  "was there meanwhile": () =>
    system.deps.firestore.doc(`apps/demo/presence/${bob.id}`).set({
      onlineUntil: new Date(system.deps.clock.now() + ONLINE_MS),
      lastSeenAt: new Date(system.deps.clock.now()),
    }),
  "has no chat any more": () => ada.api.delete(`${chats}/${chat}`),
};

test.each(Object.entries(reasons))("nobody is mailed who %s", async (_, happens) => {
  await post("Important?");
  await pass(60_000);
  await happens();
  await pass(UNREAD_MS);
  expect(mailsTo(bob)).toHaveLength(0);
});

test("groups are not mailed about, nor people with a device", async () => {
  const { body } = await ada.api.post(chats, { kind: "group", members: [bob.id] });
  await post("To all", body.number);
  await bob.api.put("/v1/apps/demo/devices/phone", { pushToken: "token" });
  await post("To you");
  await pass(UNREAD_MS);
  expect(mailsTo(bob)).toHaveLength(0);
});
