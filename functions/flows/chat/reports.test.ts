import { beforeEach, describe, expect, test } from "vitest";
import type { Person } from "../../../shared/testing/start-system.ts";
import { useRole, useSystem } from "../../../shared/testing/use-system.ts";

/** Eve writes to Ada in a chat that no moderator is in. */

const chats = "/v1/apps/demo/chats";
const reports = "/v1/apps/demo/reports";

let ada: Person;
let eve: Person;
let chat: string;
let rounds = 0;

const system = useSystem();
const admin = useRole(system, "admin");
beforeEach(async () => {
  rounds += 1;
  ada = await system.signIn(`ada-${rounds}@example.test`);
  eve = await system.signIn(`eve-${rounds}@example.test`);
  const { body } = await ada.api.post(chats, { kind: "direct", members: [eve.id] });
  chat = `${chats}/${body.number}`;
  for (const text of ["One", "Two", "Three", "Four", "Venomous", "Six"]) {
    await eve.api.post(`${chat}/messages`, { text });
  }
});

const number = (): number => Number(chat.slice(chat.lastIndexOf("/") + 1));
const offence = () => ({ chat: number(), message: 5 });
async function report(by = ada, target: object = { message: offence() }): Promise<string> {
  const { status, body } = await by.api.post(reports, { reason: "Threatens me", ...target });
  expect(status).toBe(201);
  return body.id;
}
const decide = (id: string, decision: string, by = admin) => by.api.patch(`${reports}/${id}`, { decision });
const textOf = async (by = ada): Promise<string> => (await by.api.get(`${chat}/messages/5`)).body.text;
const events = async (kind: string): Promise<{ subject: string; actor: string; details: object }[]> =>
  (await system.operator.get(`/v1/apps/demo/security-events?kind=${kind}&limit=100`)).body.data;

describe("a report", () => {
  test("waits for the moderators, once for each person and message", async () => {
    const id = await report();
    const again = await ada.api.post(reports, { message: offence(), reason: "Again" });
    expect([again.body.id, again.headers.get("idempotency-replayed")]).toEqual([id, "true"]);
    const { body } = await admin.api.get(`${reports}?status=open`);
    expect(body.data[0]).toMatchObject({
      id,
      reporter: ada.id,
      message: offence(),
      user: eve.id,
      reason: "Threatens me",
      status: "open",
    });
    expect((await events("report-created"))[0]).toMatchObject({ actor: ada.id, subject: `report_${id}` });
    expect(await report(ada, { user: eve.id })).not.toBe(id);
  });

  test("is made of nothing that one can't see, and of one thing", async () => {
    const outsider = await system.signIn("outsider@example.test");
    const post = (by: Person, body: object) => by.api.post(reports, { reason: "x", ...body });
    const unseen = await post(outsider, { message: offence() });
    const absent = await post(outsider, { message: { chat: 999_999, message: 1 } });
    expect([unseen.status, unseen.body.detail]).toEqual([404, absent.body.detail]);
    expect((await post(ada, { message: { chat: number(), message: 99 } })).status).toBe(404);
    expect((await post(ada, { user: "nobody" })).status).toBe(404);
    for (const body of [{}, { user: eve.id, message: offence() }, { user: eve.id, reason: "" }]) {
      expect((await post(ada, body)).status).toBe(400);
    }
    const { body } = await system.operator.post("/v1/apps/demo/tokens", { scopes: ["*"] });
    const token = system.client({ authorization: `Bearer ${body.token}` });
    expect((await token.post(reports, { user: eve.id, reason: "x" })).status).toBe(403);
  });

  test("is read and decided by moderators only", async () => {
    const id = await report();
    for (const { api } of [ada, eve]) {
      expect((await api.get(reports)).status).toBe(403);
      expect((await api.get(`${reports}/${id}/messages`)).status).toBe(403);
      expect((await api.patch(`${reports}/${id}`, { decision: "delete" })).status).toBe(403);
    }
    expect((await admin.api.get(chat)).status).toBe(404);
  });
});

describe("a moderator", () => {
  test("reads the message with three on either side, and that is written down before", async () => {
    const id = await report();
    const { body } = await admin.api.get(`${reports}/${id}/messages`);
    expect(body.data.map(({ text }: { text: string }) => text)).toEqual([
      "Two",
      "Three",
      "Four",
      "Venomous",
      "Six",
    ]);
    expect((await events("report-read"))[0]).toMatchObject({ actor: admin.id, subject: `report_${id}` });
    expect((await admin.api.get(`${reports}/${await report(ada, { user: eve.id })}/messages`)).status).toBe(
      404,
    );
  });

  test("hides a message from everybody, everywhere, and dismissing it later shows it again", async () => {
    await eve.api.patch(`${chat}/messages/5`, { text: "Venomous snakes" });
    await ada.api.post(`${chat}/messages`, { text: "What?", replyTo: 5 });
    await system.settle();
    const id = await report();
    expect((await decide(id, "hide")).body).toMatchObject({ status: "decided", decision: "hide" });
    await system.settle();
    for (const person of [ada, eve]) {
      const { body } = await person.api.get(`${chat}/messages/5`);
      expect(body).toMatchObject({ text: "", parts: [], hidden: true, status: "complete" });
      expect((await person.api.get(`${chat}/messages/5/edits`)).body.data).toEqual([]);
      const { body: list } = await person.api.get(`${chat}/messages`);
      expect(JSON.stringify(list)).not.toContain("Venomous");
      const found = await person.api.get("/v1/apps/demo/search?q=venomous");
      expect(found.body.data).toEqual([]);
    }
    expect((await eve.api.patch(`${chat}/messages/5`, { text: "Back" })).status).toBe(409);
    const forward = await ada.api.post(`${chat}/messages`, { forwardOf: offence() });
    expect(forward.status).toBe(400);
    const { body: seen } = await admin.api.get(`${reports}/${id}/messages`);
    expect(seen.data.find((message: { number: number }) => message.number === 5).text).toBe(
      "Venomous snakes",
    );
    expect((await decide(id, "hide")).status).toBe(200);
    expect((await decide(id, "dismiss")).status).toBe(200);
    await system.settle();
    expect(await textOf()).toBe("Venomous snakes");
    const stored = await system.deps.firestore.doc(`apps/demo/reports/${id}`).get();
    expect(stored.get("withheld")).toBeUndefined();
  });

  test("deletes a message in a chat that they are not in, and nothing else there", async () => {
    const id = await report();
    expect((await decide(id, "delete")).status).toBe(200);
    const { body } = await ada.api.get(`${chat}/messages/5`);
    expect([body.status, body.text]).toEqual(["deleted", ""]);
    expect((await decide(id, "dismiss")).status).toBe(409);
    expect((await admin.api.delete(`${chat}/messages/6`)).status).toBe(404);
  });

  test("warns a person, who sees it, and nobody else does", async () => {
    const id = await report(ada, { user: eve.id });
    expect((await decide(id, "hide")).status).toBe(400);
    expect((await decide(id, "warn")).status).toBe(200);
    expect((await eve.api.get("/v1/apps/demo/me")).body.warnedAt).toMatch(/Z$/);
    expect((await ada.api.get(`/v1/apps/demo/users/${eve.id}`)).body.warnedAt).toBeUndefined();
    expect((await admin.api.get(`/v1/apps/demo/users/${eve.id}`)).body.warnedAt).toMatch(/Z$/);
  });

  test("dismisses, and every decision is in the security log once", async () => {
    const id = await report();
    await decide(id, "dismiss");
    await decide(id, "dismiss");
    const decided = (await events("report-decided")).filter(({ subject }) => subject === `report_${id}`);
    expect(decided).toMatchObject([{ actor: admin.id, details: { decision: "dismiss" } }]);
    expect(await textOf()).toBe("Venomous");
    expect((await decide(id, "ban")).status).toBe(400);
    expect((await decide("a".repeat(26), "dismiss")).status).toBe(404);
  });
});
