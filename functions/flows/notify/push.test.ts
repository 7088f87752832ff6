import { beforeEach, describe, expect, test } from "vitest";
import type { Push } from "../../../emulators/push/server.ts";
import { DEFAULT_SETTINGS } from "../../../shared/identity/contract.ts";
import { CLAIM_MS } from "../../../shared/notify/claim.ts";
import { DEVICES_MAX } from "../../../shared/notify/devices.ts";
import type { Person } from "../../../shared/testing/start-system.ts";
import { settleRounds, startChat, useSystem } from "../../../shared/testing/use-system.ts";

/**
 * What reaches a device: each test goes through sign-in, device, message and push, which a helper here does
 * once.
 */

const chats = "/v1/apps/demo/chats";
const devices = "/v1/apps/demo/devices";

let ada: Person;
let bob: Person;
/** Of both; new for each test. */
let chat: number;
let phone: string;
let rounds = 0;

const system = useSystem();

/** Ada and Bob in a group, and Bob's phone. */
beforeEach(async () => {
  rounds += 1;
  ada = await system.signIn(`ada-${rounds}@example.test`);
  bob = await system.signIn(`bob-${rounds}@example.test`);
  chat = await groupOf(bob);
  phone = `${system.project}-phone-${rounds}:token`;
  await register(bob, "phone", phone);
});

const groupOf = async (...members: readonly Person[]): Promise<number> =>
  (await startChat(ada.api, { title: "Tea", members })).number;
async function register(person: Person, id: string, pushToken: string): Promise<void> {
  expect((await person.api.put(`${devices}/${id}`, { pushToken, platform: "android" })).status).toBe(204);
}
async function post(by: Person, text: string, to = chat): Promise<number> {
  const { body } = await by.api.post(`${chats}/${to}/messages`, { text });
  await settleRounds(system);
  return body.number;
}
const pushesTo = (token: string): Push[] =>
  system.suite.push.list({ project: system.project, limit: 1000 }).filter((push) => push.token === token);
const pushes = (): number => pushesTo(phone).length;
const devicesOf = async ({ id }: Person): Promise<object> =>
  (await system.deps.firestore.doc(`apps/demo/devices/${id}`).get()).get("devices") ?? {};

describe("a push", () => {
  test("says who wrote what and where, to each device of who is away", async () => {
    await register(bob, "tablet", `${phone}-2`);
    const number = await post(ada, "Tea at four?");
    for (const token of [phone, `${phone}-2`]) {
      expect(pushesTo(token)).toMatchObject([
        {
          user: bob.id,
          notification: { title: `ada-${rounds} · Tea`, body: "Tea at four?" },
          data: { app: "demo", user: bob.id, chat: String(chat), message: String(number) },
        },
      ]);
    }
    expect(system.suite.push.list({ user: ada.id })).toEqual([]);
    const { collapseKey, message } = pushesTo(phone)[0] ?? {};
    expect(message?.android?.notification?.tag).toBe(collapseKey);
    expect(message?.apns?.headers?.["apns-collapse-id"]).toBe(collapseKey);
  });

  test("comes once, however often the task is delivered, at once and after its success", async () => {
    system.fault({ service: "tasks", method: "Dispatch", kind: "twice", count: 4 });
    const number = await post(ada, "Once");
    system.clearFaults();
    await system.deps.tasks.enqueue({
      queue: "notifications",
      function: "notify-members",
      id: ["after-success", String(chat)],
      payload: { app: "demo", chat, number },
    });
    await settleRounds(system);
    expect(pushes()).toBe(1);
  });

  test("of a message deleted before anybody was told shows what stands, or does not come", async () => {
    await post(ada, "dinner at 8?");
    const before = pushes();
    await ada.api.post(`${chats}/${chat}/messages`, { text: "dinnre" });
    await ada.api.delete(`${chats}/${chat}/messages/2`);
    await settleRounds(system);
    expect(pushes()).toBe(before);
    await ada.api.post(`${chats}/${chat}/messages`, { text: "bring wine" });
    await ada.api.post(`${chats}/${chat}/messages`, { text: "winw" });
    await ada.api.delete(`${chats}/${chat}/messages/4`);
    await settleRounds(system);
    expect(pushesTo(phone)[0]?.notification?.body).toBe("bring wine");
  });

  test("of a deleted message is replaced by what stands unread, and else withdrawn", async () => {
    await post(ada, "dinner at 8?");
    await post(ada, "dinnre");
    expect(pushesTo(phone)[0]?.notification?.body).toBe("dinnre");
    await ada.api.delete(`${chats}/${chat}/messages/2`);
    await settleRounds(system);
    const [replaced, typo] = pushesTo(phone);
    expect(replaced).toMatchObject({ notification: { body: "dinner at 8?" }, data: { message: "1" } });
    expect(replaced?.collapseKey).toBe(typo?.collapseKey);
    await ada.api.delete(`${chats}/${chat}/messages/1`);
    await settleRounds(system);
    const [withdrawn] = pushesTo(phone);
    expect(withdrawn?.notification).toBeUndefined();
    expect(withdrawn?.data["withdrawn"]).toBe(replaced?.collapseKey);
    expect((await bob.api.get("/v1/apps/demo/notifications")).body.data).toEqual([]);
  });

  test("is left alone when what is deleted is older, or read, or muted", async () => {
    await post(ada, "old");
    await post(ada, "new");
    const before = pushes();
    await ada.api.delete(`${chats}/${chat}/messages/1`);
    await settleRounds(system);
    await bob.api.put(`${chats}/${chat}/read`, { number: 2 });
    await ada.api.delete(`${chats}/${chat}/messages/2`);
    await settleRounds(system);
    await post(ada, "third");
    await bob.api.patch(`${chats}/${chat}`, { notify: "none" });
    await ada.api.delete(`${chats}/${chat}/messages/3`);
    await settleRounds(system);
    expect(pushes()).toBe(before + 1);
  });

  test("is tried again when FCM is out of quota or reach, and who had it is left alone", async () => {
    await register(bob, "tablet", `${phone}-2`);
    const fault = { service: "push", method: "Send", match: phone, kind: "before" } as const;
    system.fault({ ...fault, code: "RESOURCE_EXHAUSTED" });
    await post(ada, "Quota");
    await settleRounds(system);
    expect([pushes(), pushesTo(`${phone}-2`).length]).toEqual([1, 1]);
    system.fault({ ...fault, kind: "drop" });
    await post(ada, "Reach");
    await settleRounds(system);
    expect([pushes(), pushesTo(`${phone}-2`).length]).toEqual([2, 2]);
  });

  test("is the one that devices show when a repetition brings it twice", async () => {
    system.fault({ service: "push", method: "Send", match: phone, kind: "after", code: "UNAVAILABLE" });
    await post(ada, "Did it arrive?");
    await settleRounds(system);
    const keys = pushesTo(phone).map(({ collapseKey }) => collapseKey);
    expect(new Set(keys).size).toBe(1);
    expect(keys.length).toBe(2);
  });

  test("is sent by another delivery when an instance dies with the claim, once its time is up", async () => {
    await post(ada, "First");
    const telling = system.deps.firestore.doc(`apps/demo/chats/${chat}/progress/notifications`);
    const claim = {
      id: "of-the-dead",
      by: "new-2",
      through: 2,
      messageAt: new Date(system.deps.clock.now()),
      isFree: false,
      sent: [],
    };
    await telling.update({ claim });
    await post(ada, "Second");
    await post(ada, "Third");
    expect(pushes()).toBe(1);
    system.suite.kernel.clock.advance(CLAIM_MS);
    await settleRounds(system);
    await settleRounds(system);
    expect((await telling.get()).data()).toMatchObject({ number: 3, claim: null });
    const { body } = await bob.api.get("/v1/apps/demo/notifications");
    expect(body.data.map(({ message }: { message: number }) => message)).toEqual([3, 2, 1]);
    expect(pushes()).toBe(3);
  });

  test("is not sent to who has read, is online, or has left", async () => {
    const carol = await system.signIn(`carol-${rounds}@example.test`);
    const dora = await system.signIn(`dora-${rounds}@example.test`);
    const group = await groupOf(bob, carol, dora);
    await register(carol, "phone", `${phone}-carol`);
    await register(dora, "phone", `${phone}-dora`);
    await system.deps.firestore.doc(`apps/demo/presence/${carol.id}`).set({
      onlineUntil: new Date(system.deps.clock.now() + 60_000),
      lastSeenAt: new Date(system.deps.clock.now() + 60_000),
    });
    await ada.api.delete(`${chats}/${group}/members/${dora.id}`);
    await ada.api.post(`${chats}/${group}/messages`, { text: "One" });
    await bob.api.put(`${chats}/${group}/read`, { number: 1 });
    await settleRounds(system);
    expect([pushesTo(`${phone}-carol`).length, pushesTo(`${phone}-dora`).length]).toEqual([0, 0]);
    expect(pushes()).toBeLessThanOrEqual(1);
  });

  test("says nothing of anyone when the app wants it so", async () => {
    const settings = { notifications: { text: false } };
    expect((await system.operator.patch("/v1/apps/demo", { settings })).status).toBe(200);
    await post(ada, "Secret");
    expect(pushesTo(phone)[0]?.notification).toEqual({ title: "demo", body: "New message" });
    await system.operator.patch("/v1/apps/demo", {
      settings: { notifications: DEFAULT_SETTINGS.notifications },
    });
  });

  test("leaves no text, name or token in the logs", async () => {
    const before = system.logs.length;
    await post(ada, "Unspeakable");
    const lines = JSON.stringify(system.logs.slice(before));
    for (const secret of ["Unspeakable", phone, `ada-${rounds}`]) expect(lines).not.toContain(secret);
  });
});

describe("a device", () => {
  test("whose app is gone is forgotten, at the first push that says so", async () => {
    await register(bob, "tablet", `${phone}-2`);
    await system.suite.push.unregister(system.project, phone);
    await post(ada, "Anyone?");
    expect(await devicesOf(bob)).toEqual({ tablet: expect.objectContaining({ token: `${phone}-2` }) });
    expect(pushesTo(`${phone}-2`)).toHaveLength(1);
  });

  test("with a token that FCM does not know as one is forgotten too", async () => {
    await register(bob, "fax", "not=a=token");
    await post(ada, "Hello");
    expect(Object.keys(await devicesOf(bob))).toEqual(["phone"]);
    expect(pushes()).toBe(1);
  });

  test("that changes hands leaves the first person", async () => {
    await register(ada, "my-phone", phone);
    expect(await devicesOf(bob)).toEqual({});
    await post(ada, "To Bob, who sold his phone");
    expect(pushes()).toBe(0);
    await post(bob, "To Ada, who bought it");
    expect(pushesTo(phone).map(({ user }) => user)).toEqual([ada.id]);
  });

  test("is one under each id and token, however often it is registered", async () => {
    await register(bob, "phone", phone);
    await register(bob, "phone", `${phone}-new`);
    await register(bob, "renamed", `${phone}-new`);
    expect(await devicesOf(bob)).toEqual({ renamed: expect.objectContaining({ token: `${phone}-new` }) });
    await post(ada, "Once");
    expect([pushes(), pushesTo(`${phone}-new`).length]).toEqual([0, 1]);
  });

  test("that was removed is pushed to no more; removing it again changes nothing", async () => {
    expect((await bob.api.delete(`${devices}/phone`)).status).toBe(204);
    expect((await bob.api.delete(`${devices}/phone`)).status).toBe(204);
    await post(ada, "Gone");
    expect(pushes()).toBe(0);
  });

  test(`beyond ${DEVICES_MAX} takes the place of the oldest`, async () => {
    for (let index = 0; index < DEVICES_MAX; index += 1) {
      system.suite.kernel.clock.advance(1);
      await register(bob, `device-${index}`, `${phone}-${index}`);
    }
    expect(Object.keys(await devicesOf(bob)).sort()).toEqual(
      Array.from({ length: DEVICES_MAX }, (_, index) => `device-${index}`).sort(),
    );
  });

  test("is pushed to as long as the session lasts in which it was registered", async () => {
    const elsewhere = await system.signIn(bob.email);
    await register(elsewhere, "tablet", `${phone}-2`);
    const path = "/v1/apps/demo/auth/sessions";
    expect((await elsewhere.api.delete(`${path}/current`)).status).toBe(204);
    await post(ada, "To the phone");
    expect([pushes(), pushesTo(`${phone}-2`).length]).toEqual([1, 0]);
    expect(Object.keys(await devicesOf(bob))).toEqual(["phone"]);
    expect((await bob.api.delete(path)).status).toBe(204);
    await post(ada, "To nobody");
    expect([pushes(), await devicesOf(bob)]).toEqual([1, {}]);
    const back = await system.signIn(bob.email);
    await register(back, "phone", phone);
    await post(ada, "Welcome back");
    expect(pushes()).toBe(2);
    const revocation = { scope: "user", id: bob.id };
    expect((await system.operator.post("/v1/operator/revocations", revocation)).status).toBeLessThan(300);
    await post(ada, "Thrown out");
    expect([pushes(), await devicesOf(bob)]).toEqual([2, {}]);
  });

  test("needs a plain id and a token, and a person", async () => {
    const put = async (id: string, body: object) => (await bob.api.put(`${devices}/${id}`, body)).status;
    expect(await put("x", {})).toBe(400);
    expect(await put("x", { pushToken: "" })).toBe(400);
    expect(await put("x", { pushToken: "two words" })).toBe(400);
    expect(await put("x", { pushToken: "t".repeat(4097) })).toBe(400);
    expect(await put("x", { pushToken: "t", platform: "fridge" })).toBe(400);
    expect(await put("x", { pushToken: "t", userId: ada.id })).toBe(400);
    expect(await put("a.b", { pushToken: "t" })).toBe(404);
    expect((await system.client().put(`${devices}/x`, { pushToken: "t" })).status).toBe(401);
    const { body } = await system.operator.post("/v1/apps/demo/tokens");
    const server = system.client({ authorization: `Bearer ${body.token}` });
    expect((await server.put(`${devices}/x`, { pushToken: "t" })).status).toBe(403);
  });

  test("costs what it says", async () => {
    const added = await system.meterRequest(() =>
      bob.api.put(`${devices}/watch`, { pushToken: `${phone}-watch` }),
    );
    expect(added.billed).toEqual({ reads: 2, writes: 2, deletes: 0 });
    const moved = await system.meterRequest(() => ada.api.put(`${devices}/x`, { pushToken: phone }));
    expect(moved.billed).toEqual({ reads: 3, writes: 3, deletes: 0 });
    const removed = await system.meterRequest(() => bob.api.delete(`${devices}/watch`));
    expect(removed.billed).toEqual({ reads: 1, writes: 1, deletes: 1 });
  });
});

describe("quiet", () => {
  const hoursAround = (nowMs: number, timeZone: string) => {
    const time = (ms: number) =>
      new Intl.DateTimeFormat("en-GB", { timeZone, timeStyle: "short" }).format(ms);
    return { from: time(nowMs - 3_600_000), to: time(nowMs + 3_600_000) };
  };
  const stored = async (): Promise<number> =>
    (await bob.api.get("/v1/apps/demo/notifications")).body.data.length;

  test("hours of the person's own clock are kept; the notification is there", async () => {
    const timeZone = "Asia/Tokyo";
    const quietHours = hoursAround(system.deps.clock.now(), timeZone);
    const patched = await bob.api.patch("/v1/apps/demo/me", { timeZone, quietHours });
    expect([patched.status, patched.body.quietHours]).toEqual([200, quietHours]);
    await post(ada, "Late");
    expect([pushes(), await stored()]).toEqual([0, 1]);
    await bob.api.patch("/v1/apps/demo/me", { timeZone: "Etc/UTC" });
    await post(ada, "Nine hours away");
    expect([pushes(), await stored()]).toEqual([1, 2]);
  });

  test("hours are shown to the person alone, and can be taken back", async () => {
    expect((await bob.api.get("/v1/apps/demo/me")).body.quietHours).toBeNull();
    const quietHours = { from: "22:00", to: "07:00" };
    await bob.api.patch("/v1/apps/demo/me", { quietHours });
    expect((await bob.api.get("/v1/apps/demo/me")).body.quietHours).toEqual(quietHours);
    expect((await ada.api.get(`/v1/apps/demo/users/${bob.id}`)).body).not.toHaveProperty("quietHours");
    await bob.api.patch("/v1/apps/demo/me", { quietHours: null });
    expect((await bob.api.get("/v1/apps/demo/me")).body.quietHours).toBeNull();
    for (const wrong of [
      { from: "24:00", to: "07:00" },
      { from: "07:00", to: "07:00" },
      { from: "7", to: "8" },
    ]) {
      expect((await bob.api.patch("/v1/apps/demo/me", { quietHours: wrong })).status).toBe(400);
    }
  });

  test("is a muted chat, until then or until it is taken back", async () => {
    const mute = async (until: string | null) =>
      (await bob.api.put(`${chats}/${chat}/mute`, { until })).status;
    const in10Minutes = new Date(system.deps.clock.now() + 600_000).toISOString();
    expect(await mute(in10Minutes)).toBe(204);
    expect(await mute(in10Minutes)).toBe(204);
    await post(ada, "Unheard");
    expect([pushes(), await stored()]).toEqual([0, 1]);
    system.suite.kernel.clock.advance(600_000);
    await post(ada, "Heard");
    expect(pushes()).toBe(1);
    expect(await mute(null)).toBe(204);
    await post(ada, "Unheard again");
    expect(pushes()).toBe(1);
    for (let times = 0; times < 2; times += 1) {
      expect((await bob.api.delete(`${chats}/${chat}/mute`)).status).toBe(204);
    }
    await post(ada, "Heard again");
    expect(pushes()).toBe(2);
  });

  test("shows in the person's own view of the chat, at no extra read", async () => {
    const seen = async (by: Person) => [
      (await by.api.get(`${chats}/${chat}`)).body.mute,
      (await by.api.get(chats)).body.data.find(({ number }: { number: number }) => number === chat).mute,
    ];
    expect(await seen(bob)).toEqual([undefined, undefined]);
    const until = new Date(system.deps.clock.now() + 600_000).toISOString();
    for (const mute of [{ until }, { until: null }]) {
      await bob.api.put(`${chats}/${chat}/mute`, mute);
      expect(await seen(bob)).toEqual([mute, mute]);
    }
    expect(await seen(ada)).toEqual([undefined, undefined]);
    expect((await bob.api.patch(`${chats}/${chat}`, { title: "Muted" })).body.mute).toEqual({ until: null });
    await bob.api.delete(`${chats}/${chat}/mute`);
    expect(await seen(bob)).toEqual([undefined, undefined]);
  });

  test("is for one's own chats, and a time to come", async () => {
    const put = async (by: Person, body: object) => (await by.api.put(`${chats}/${chat}/mute`, body)).status;
    for (const body of [{}, { until: "soon" }, { until: "2020-01-01T00:00:00Z" }, { until: null, chat: 1 }]) {
      expect(await put(bob, body)).toBe(400);
    }
    const eve = await system.signIn(`eve-${rounds}@example.test`);
    expect(await put(eve, { until: null })).toBe(404);
    expect((await eve.api.delete(`${chats}/${chat}/mute`)).status).toBe(404);
  });
});
