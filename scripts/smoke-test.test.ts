import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { useSystem } from "../shared/testing/use-system.ts";
import { CANDIDATE_HEADERS, smokeTest } from "./smoke-test.ts";

const ONCE = { attempts: 1, pauseMs: 1 };
const system = useSystem();

test("an API that works passes", async () => {
  await expect(smokeTest(system.url, ONCE)).resolves.toBeUndefined();
});

test("what answers something else does not, and the candidate is asked for", async () => {
  const seen: IncomingHttpHeaders[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers);
    response.end("It works!");
  }).listen(0);
  const { port } = server.address() as AddressInfo;
  await expect(smokeTest(`http://127.0.0.1:${port}`, ONCE)).rejects.toThrow("GET /.well-known/jwks.json");
  expect(seen[0]).toMatchObject(CANDIDATE_HEADERS);
  server.close();
});

test("what does not answer is asked again, and fails at last", async () => {
  await expect(smokeTest("http://127.0.0.1:1", { attempts: 2, pauseMs: 1 })).rejects.toThrow(
    "GET /.well-known",
  );
});
