import { describe, expect, test } from "vitest";
import type { ApiReply } from "../../../shared/testing/api-client.ts";
import { readCode } from "../../../shared/testing/start-system.ts";
import { sweep } from "../../../shared/testing/sweep.ts";
import { unsignedToken } from "../../../shared/testing/unsigned-token.ts";
import { useSystem } from "../../../shared/testing/use-system.ts";

/** Calls of Firestore that fail in every way while something is drawn: nothing twice, and nothing lost. */
const auth = "/v1/apps/demo/auth";

const system = useSystem();

async function idTokenOf(email: string): Promise<string> {
  const host = system.env.FIREBASE_AUTH_EMULATOR_HOST;
  const path = `identitytoolkit.googleapis.com/v1/projects/${system.project}/accounts`;
  const made = await fetch(`http://${host}/${path}`, {
    method: "POST",
    headers: { authorization: "Bearer owner", "content-type": "application/json" },
    body: JSON.stringify({ email, emailVerified: true }),
  });
  const { localId } = (await made.json()) as { localId: string };
  return unsignedToken(system, localId, { email });
}

const countOf = async (path: string): Promise<number> =>
  (await system.deps.firestore.collection(path).count().get()).data().count;

interface Case {
  readonly makes: string;
  prepare(): Promise<(headers: Record<string, string>) => Promise<ApiReply>>;
}
let made = 0;
const cases: Readonly<Record<string, Case>> = {
  "a request for a code": {
    makes: "apps/demo/challenges",
    async prepare() {
      const email = `faulty-${(made += 1)}@faults.test`;
      return (headers) => system.client().post(`${auth}/codes`, { email }, headers);
    },
  },
  "a sign-in": {
    makes: "apps/demo/sessions",
    async prepare() {
      const email = `faulty-${(made += 1)}@faults.test`;
      const { body } = await system.client().post(`${auth}/codes`, { email });
      await system.settle();
      const sent = { challenge: body.challenge, code: readCode(system, email) };
      return (headers) => system.client().post(`${auth}/sessions`, sent, headers);
    },
  },
  "an exchange": {
    makes: "apps/demo/sessions",
    async prepare() {
      const idToken = await idTokenOf(`faulty-${(made += 1)}@faults.test`);
      return (headers) => system.client().post(`${auth}/sessions/exchange`, { idToken }, headers);
    },
  },
  "an API token": {
    makes: "apps/demo/tokens",
    prepare: async () => (headers) => system.operator.post("/v1/apps/demo/tokens", undefined, headers),
  },
  "a rotation": {
    makes: "system/keys/ring",
    prepare: async () => (headers) =>
      system.operator.post("/v1/operator/keys/rotations", { graceSeconds: 60 }, headers),
  },
  "a revocation": {
    makes: "system/revocations/entries",
    prepare: async () => (headers) =>
      system.operator.post("/v1/operator/revocations", { scope: "token", id: "no-such-token" }, headers),
  },
};

const FAULTS = [
  ["before", "UNAVAILABLE"],
  ["after", "UNAVAILABLE"],
  ["after", "ABORTED"],
  ["drop", undefined],
] as const;

const all = Object.entries(cases).flatMap(([name, each]) =>
  FAULTS.map(([kind, code]) => [name, kind, code, each] as const),
);

describe.each(sweep(all))("%s, whose commit fails (%s, %s),", (_name, kind, code, { makes, prepare }) => {
  test("makes what it says it has made", async () => {
    const run = await prepare();
    await system.settle();
    const before = await countOf(makes);
    system.fault({ service: "firestore", method: "Commit", kind, ...(code && { code }) });
    const { status } = await run({});
    system.clearFaults();
    expect([201, 202, 503]).toContain(status);
    expect(await countOf(makes)).toBe(before + (status === 503 ? 0 : 1));
    await system.settle();
  });

  test("is made once by repeating it", async () => {
    const run = await prepare();
    await system.settle();
    const before = await countOf(makes);
    const key = { "idempotency-key": `fault-${(made += 1)}` };
    system.fault({ service: "firestore", method: "Commit", kind, ...(code && { code }) });
    await run(key);
    system.clearFaults();
    const again = await run(key);
    expect([201, 202]).toContain(again.status);
    expect((await run(key)).status).toBe(again.status);
    expect(await countOf(makes)).toBe(before + 1);
    await system.settle();
  });
});
