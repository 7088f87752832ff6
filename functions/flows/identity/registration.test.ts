import { beforeEach, describe, expect, test } from "vitest";
import { type Person, readCode } from "../../../shared/testing/start-system.ts";
import { useRole, useSystem } from "../../../shared/testing/use-system.ts";

/** Who may join: anyone, the invited, those of listed domains, guests. */

const auth = "/v1/apps/demo/auth";
const invitations = "/v1/apps/demo/invitations";
const DAY_MS = 24 * 3600 * 1000;

const system = useSystem();
const owner = useRole(system, "owner");
const admin = useRole(system, "admin");

const register = (registration: object) =>
  system.operator.patch("/v1/apps/demo", {
    settings: { registration: { mode: "open", domains: [], guests: false, ...registration } },
  });
beforeEach(() => register({}));

const mailsTo = (to: string) => system.suite.mail.list({ to, limit: 10 });

/** Asks for a code and signs in with it, if one arrives. */
async function join(email: string, invitation?: string) {
  const anyone = system.client();
  const before = mailsTo(email).length;
  const extra = invitation === undefined ? {} : { invitation };
  const { status, body: sent } = await anyone.post(`${auth}/codes`, { email, ...extra });
  expect(status).toBe(202);
  await system.settle();
  if (mailsTo(email).length === before) return { isMailed: false, status: 0, body: undefined };
  const credentials = { challenge: sent.challenge, code: readCode(system, email) };
  const session = await anyone.post(`${auth}/sessions`, credentials);
  return { isMailed: true, status: session.status, body: session.body };
}

const roleOf = async (id: string): Promise<string> =>
  (await system.operator.get(`/v1/apps/demo/users/${id}`)).body.role;

describe("the mode", () => {
  test("open lets anybody in", async () => {
    expect((await join("anyone@example.com")).status).toBe(201);
  });

  test("invited lets in who is here already and no one else, and the answer tells nobody which", async () => {
    await join("here@example.com");
    await register({ mode: "invited" });
    const shape = async (email: string) => {
      const { status, body } = await system.client().post(`${auth}/codes`, { email });
      return [status, Object.keys(body).sort()];
    };
    expect(await shape("here@example.com")).toEqual(await shape("stranger@example.com"));
    await system.settle();
    expect((await join("here@example.com")).status).toBe(201);
    expect(await join("stranger@example.com")).toMatchObject({ isMailed: false });
    expect(mailsTo("stranger@example.com")).toHaveLength(0);
  });

  test("domains lets in the listed domains in any spelling, and none below or beside them", async () => {
    await register({ mode: "domains", domains: ["Example.com"] });
    for (const email of ["a@example.com", "b@EXAMPLE.com"]) {
      expect([email, (await join(email)).status]).toEqual([email, 201]);
    }
    for (const email of [
      "a@sub.example.com",
      "a@example.com.evil.test",
      "a@notexample.com",
      "example.com@evil.test",
    ]) {
      expect(await join(email)).toMatchObject({ isMailed: false });
    }
  });

  test("that changes between code and sign-in counts at the sign-in", async () => {
    const { body: sent } = await system.client().post(`${auth}/codes`, { email: "late@example.com" });
    await system.settle();
    await register({ mode: "invited" });
    const code = readCode(system, "late@example.com");
    const { status, body } = await system
      .client()
      .post(`${auth}/sessions`, { challenge: sent.challenge, code });
    expect([status, body.code]).toEqual([403, "not_admitted"]);
    const { body: list } = await system.operator.get("/v1/apps/demo/users?limit=100");
    expect(list.data.some(({ email }: { email: string }) => email === "late@example.com")).toBe(false);
  });

  test("costs the sign-in nothing where it is open", async () => {
    await join("cost@example.com");
    const cost = await system.meterRequest(async () => {
      const email = "cost2@example.com";
      expect((await system.client().post(`${auth}/codes`, { email })).status).toBe(202);
    });
    expect(cost.billed).toEqual({ reads: 0, writes: 1, deletes: 0 });
  });

  test.each([
    { mode: "closed" },
    { mode: "domains", domains: ["*"] },
    { mode: "domains", domains: ["*.example.com"] },
    { mode: "domains", domains: ["https://example.com"] },
    { mode: "domains", domains: ["a@example.com"] },
    { mode: "domains", domains: ["localhost"] },
    { mode: "domains", domains: ["exa mple.com"] },
    { guests: "yes" },
  ])("refuses %j", async (registration) => {
    const { status } = await owner.api.patch("/v1/apps/demo", { settings: { registration } });
    expect(status).toBe(400);
  });
});

describe("an invitation", () => {
  const invite = async (by: Person, draft: object = {}) => {
    const { status, body } = await by.api.post(invitations, draft);
    expect(status).toBe(201);
    return body;
  };

  test("to an address is mailed without anybody's words, and lets that address in with its role", async () => {
    await register({ mode: "invited" });
    const email = "invited@example.com";
    const made = await invite(admin, { email, role: "viewer" });
    await system.settle();
    const [mail] = mailsTo(email);
    expect(mail?.subject).toBe("You have been invited to a chat");
    expect(mail?.text).toContain(made.code);
    const joined = await join(email);
    expect([joined.status, joined.body.user.role]).toEqual([201, "viewer"]);
    expect((await admin.api.get(invitations)).body.data).toEqual([]);
    const stored = await system.deps.firestore.collection("apps/demo/invitations").get();
    expect(JSON.stringify(stored.docs.map((document) => document.data()))).not.toMatch(/invited@|inv_/);
  });

  test("by link lets in whoever brings the code, once", async () => {
    await register({ mode: "invited" });
    const { code } = await invite(owner, { role: "admin" });
    const joined = await join("link@example.com", code);
    expect([joined.status, joined.body.user.role]).toEqual([201, "admin"]);
    expect(await join("second@example.com", code)).toMatchObject({ isMailed: false });
  });

  test("by link lets in as many as it says, also when all come at once", async () => {
    await register({ mode: "invited" });
    const { code } = await invite(owner, { uses: 2 });
    const emails = ["m1@example.com", "m2@example.com", "m3@example.com"];
    const sent = await Promise.all(
      emails.map((email) => system.client().post(`${auth}/codes`, { email, invitation: code })),
    );
    await system.settle();
    const joined = await Promise.all(
      emails.map((email, index) =>
        system.client().post(`${auth}/sessions`, {
          challenge: sent[index]?.body.challenge,
          code: readCode(system, email),
        }),
      ),
    );
    expect(joined.map(({ status }) => status).sort((a, b) => a - b)).toEqual([201, 201, 403]);
  });

  test("to one address is good for no other", async () => {
    await register({ mode: "invited" });
    const { code } = await invite(owner, { email: "mine@example.com" });
    expect(await join("yours@example.com", code)).toMatchObject({ isMailed: false });
  });

  test("that is expired, taken back, changed, of another app, or of a maker who is gone, is none", async () => {
    const maker = await system.signInAs("owner", "gone@example.test");
    await register({ mode: "invited" });
    const soon = new Date(system.suite.kernel.clock.now() + 60_000).toISOString();
    const expired = await invite(owner, { expiresAt: soon });
    const back = await invite(owner);
    expect((await owner.api.delete(`${invitations}/${back.id}`)).status).toBe(204);
    expect((await owner.api.delete(`${invitations}/${back.id}`)).status).toBe(404);
    const orphaned = await invite(maker, { role: "admin" });
    await system.operator.patch(`/v1/apps/demo/users/${maker.id}`, { role: "member" });
    const other = await system.createApp("Other");
    const { body: foreign } = await system.operator.post(`/v1/apps/${other.id}/invitations`, {});
    system.suite.kernel.clock.advance(60_001);
    for (const code of [
      expired.code,
      back.code,
      orphaned.code,
      foreign.code,
      `${back.code.slice(0, -1)}_`,
      `inv_${back.id}_${"A".repeat(43)}`,
      "inv_",
      "constructor",
    ]) {
      expect(await join("nobody@example.com", code)).toMatchObject({ isMailed: false });
    }
  });

  test("never stands above who made it, nor beyond its time", async () => {
    expect((await admin.api.post(invitations, { role: "owner" })).status).toBe(403);
    expect((await admin.api.post(invitations, { role: "service" })).status).toBe(400);
    const now = system.suite.kernel.clock.now();
    for (const draft of [
      { expiresAt: new Date(now - 1).toISOString() },
      { expiresAt: new Date(now + 91 * DAY_MS).toISOString() },
      { uses: 0 },
      { uses: 101 },
      { uses: 2, email: "a@example.com" },
      { email: "no address" },
    ]) {
      expect((await owner.api.post(invitations, draft)).status).toBe(400);
    }
  });

  test("is the same one for a repeated request, and another's key is another one", async () => {
    const headers = { "idempotency-key": "invite" };
    const first = await owner.api.post(invitations, {}, headers);
    const again = await owner.api.post(invitations, {}, headers);
    expect([again.body.code, again.headers.get("idempotency-replayed")]).toEqual([first.body.code, "true"]);
    expect((await owner.api.post(invitations, { role: "viewer" }, headers)).status).toBe(422);
    expect((await system.operator.post(invitations, {}, headers)).body.code).not.toBe(first.body.code);
  });

  test("gives who is here already its role, never a lower one, and accepting it again changes nothing", async () => {
    const ada = await system.signIn("ada@example.com");
    const { code } = await invite(owner, { role: "admin" });
    const accept = (person: Person, which: string) => person.api.post(`${invitations}/${which}/accept`);
    const accepted = await accept(ada, code);
    expect([accepted.status, accepted.body.role]).toEqual([200, "admin"]);
    await expect.poll(async () => (await ada.api.get("/v1/apps/demo/me")).status, { interval: 5 }).toBe(401);
    const fresh = await system.signIn("ada@example.com");
    expect((await accept(fresh, code)).status).toBe(200);
    const bob = await system.signIn("bob@example.com");
    expect((await accept(bob, code)).status).toBe(404);
    const { code: lower } = await invite(owner, { role: "viewer" });
    expect((await accept(fresh, lower)).body.role).toBe("admin");
    expect((await accept(bob, "inv_nonsense")).status).toBe(404);
  });

  test("lets somebody back in who was removed, with its role", async () => {
    const eve = await system.signIn("eve@example.com");
    await admin.api.delete(`/v1/apps/demo/users/${eve.id}`);
    expect((await join("eve@example.com")).status).toBe(403);
    await invite(owner, { email: "eve@example.com", role: "viewer" });
    await system.settle();
    const joined = await join("eve@example.com");
    expect([joined.status, joined.body.user.id]).toEqual([201, eve.id]);
    expect(await roleOf(eve.id)).toBe("viewer");
    const api = system.client({ authorization: `Bearer ${joined.body.accessToken}` });
    await expect.poll(async () => (await api.get("/v1/apps/demo/me")).status, { interval: 5 }).toBe(200);
  });

  test("lets nobody in who is disabled", async () => {
    const off = await system.signIn("off@example.com");
    await admin.api.put(`/v1/apps/demo/users/${off.id}/disabled`);
    const { code } = await invite(owner);
    expect((await join("off@example.com", code)).status).toBe(403);
  });
});

describe("guests", () => {
  test("come in only where the app lets them, have no address, and write as members", async () => {
    const post = (body: object = {}) => system.client().post(`${auth}/guests`, body);
    expect([(await post()).status, (await post()).body.code]).toEqual([403, "not_admitted"]);
    await register({ mode: "invited", guests: true });
    const { status, body } = await post({ name: "Visitor" });
    expect(status).toBe(201);
    expect(body.user).toMatchObject({ name: "Visitor", role: "member" });
    expect(body.user.email).toBeUndefined();
    const api = system.client({ authorization: `Bearer ${body.accessToken}` });
    expect((await api.post("/v1/apps/demo/chats", { kind: "group" })).status).toBe(201);
    const { body: fresh } = await system
      .client()
      .post(`${auth}/refresh`, { refreshToken: body.refreshToken });
    expect(fresh.user.id).toBe(body.user.id);
    expect((await post({ role: "owner" })).status).toBe(400);
  });

  test("are different people, whatever key they send", async () => {
    await register({ guests: true });
    const headers = { "idempotency-key": "guest" };
    const [first, second] = await Promise.all(
      [1, 2].map(() => system.client().post(`${auth}/guests`, {}, headers)),
    );
    expect(first?.body.user.id).not.toBe(second?.body.user.id);
  });

  test("are counted under the limit of sign-ins of their address", async () => {
    await register({ guests: true });
    await system.operator.patch("/v1/apps/demo", { settings: { limits: { signInPerMinute: 2 } } });
    const statuses = [];
    for (let times = 0; times < 3; times += 1) {
      statuses.push((await system.client().post(`${auth}/guests`, {})).status);
    }
    await system.operator.patch("/v1/apps/demo", { settings: { limits: { signInPerMinute: null } } });
    expect(statuses).toEqual([201, 201, 429]);
  });
});

test("whoever has not signed in learns how people come in, and nothing else of the app", async () => {
  const { id } = await system.createApp("Told");
  const options = () => system.client().get(`/v1/apps/${id}/auth/options`);
  expect((await options()).body).toEqual({ mode: "open", guests: false });
  const registration = { mode: "domains", domains: ["secret.example"], guests: true };
  await system.operator.patch(`/v1/apps/${id}`, { settings: { registration } });
  expect((await options()).body).toEqual({ mode: "domains", guests: true });
  expect((await system.client().get("/v1/apps/not-there/auth/options")).status).toBe(404);
});
