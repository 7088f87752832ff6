import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { readHostingRules } from "../emulators/local/hosting/rewrites.ts";
import firebase from "../firebase.json" with { type: "json" };
import manifest from "../functions/manifest.json" with { type: "json" };
import { useSystem } from "../shared/testing/use-system.ts";
import { CANDIDATE_HEADERS, PROBES, smokeTest, smokeTestBackground } from "./smoke-test.ts";

const ONCE = { attempts: 1, pauseMs: 1 };
const { functionFor } = readHostingRules(firebase);
const system = useSystem();

test.each(["api", "live"])("%s passes when it works", async (name) => {
  await expect(smokeTest({ name, publicUrl: system.url }, ONCE)).resolves.toBeUndefined();
});

test("what answers something else does not, and the candidate is asked for", async () => {
  const seen: IncomingHttpHeaders[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers);
    response.end("It works!");
  }).listen(0);
  const { port } = server.address() as AddressInfo;
  await expect(smokeTest({ name: "api", publicUrl: `http://127.0.0.1:${port}` }, ONCE)).rejects.toThrow(
    "GET /.well-known/jwks.json",
  );
  expect(seen[0]).toMatchObject(CANDIDATE_HEADERS);
  server.close();
});

test("every public function has its own paths asked, and each is asked for by that function's name", async () => {
  const isPublic = ([, spec]: [string, object]): boolean => "public" in spec;
  expect(Object.keys(PROBES)).toEqual(
    Object.entries(manifest.functions)
      .filter(isPublic)
      .map(([name]) => name),
  );
  for (const [name, probes] of Object.entries(PROBES)) {
    for (const { path } of probes) expect([path, functionFor(path) ?? "api"]).toEqual([path, name]);
  }
  await expect(smokeTest({ name: "nobody", publicUrl: system.url })).rejects.toThrow("what nobody answers");
});

test("what does not answer is asked again, and fails at last", async () => {
  await expect(
    smokeTest({ name: "api", publicUrl: "http://127.0.0.1:1" }, { attempts: 2, pauseMs: 1 }),
  ).rejects.toThrow("GET /.well-known");
});

test("a background function is asked in the invoker's name, and refuses everybody else", async () => {
  const url = `${system.functionsUrl}/send-mail`;
  const tokenOf = (email: string) => system.suite.oidc.mintIdToken({ audience: url, email });
  const invokers = await tokenOf(system.env.INVOKER_EMAIL ?? "");
  await expect(smokeTestBackground({ url, token: invokers }, ONCE)).resolves.toBeUndefined();
  const others = await tokenOf("someone@example.test");
  await expect(smokeTestBackground({ url, token: others }, ONCE)).rejects.toThrow("401 in place of 204");
});
