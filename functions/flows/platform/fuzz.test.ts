import { afterAll, beforeAll, expect, test } from "vitest";
import { seededRandom } from "../../../shared/testing/seeded-random.ts";
import { endpoints } from "../../http/endpoints.ts";
import { type Fuzz, openFuzz } from "./fuzz-api.ts";

/** A sample of what fuzz.full.test.ts asks whole. */
const SEED = 14;
const SAMPLE = 600;
const AT_ONCE = 8;

let fuzz: Fuzz;
beforeAll(async () => {
  fuzz = await openFuzz();
});
afterAll(() => fuzz[Symbol.asyncDispose]());

test("nothing that may be asked ends as 5xx, or in a refusal that is large or dear", async () => {
  const random = seededRandom(SEED);
  const sample = Array.from(
    { length: SAMPLE },
    () => fuzz.requests[Math.floor(random() * fuzz.requests.length)],
  ).filter((request) => request !== undefined);
  const problems: string[] = [];
  for (let from = 0; from < sample.length; from += AT_ONCE) {
    const found = await Promise.all(sample.slice(from, from + AT_ONCE).map(fuzz.problemsOf));
    problems.push(...found.flat());
  }
  expect(problems).toEqual([]);
});

test("every route with a parameter, a query or a body is asked", () => {
  const asked = new Set(fuzz.requests.map(({ endpoint }) => endpoint));
  expect(endpoints.filter((endpoint) => !asked.has(endpoint)).map(({ path }) => path)).toEqual([
    "/v1/apps/{app}",
    "/v1/operator/apps/{app}/search/rebuilds",
    "/v1/operator/keys/rotations",
  ]);
});
