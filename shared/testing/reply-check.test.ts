import { expect, test } from "vitest";
import { z } from "zod";
import { createReplyCheck } from "./reply-check.ts";

const reply = z.object({ id: z.string(), list: z.array(z.object({ count: z.number() })) });
const endpoint = { method: "GET", path: "/things", reply } as const;
const check = (of: Parameters<ReturnType<typeof createReplyCheck>["observe"]>) => {
  const replies = createReplyCheck();
  replies.observe(...of);
  return () => replies.demandFit();
};

test("a reply that fits its schema passes, and so does a refusal", () => {
  expect(check([endpoint, { status: 200, body: { id: "a", list: [{ count: 1 }] } }])).not.toThrow();
  expect(check([endpoint, { status: 404, body: { code: "not_found" } }])).not.toThrow();
  expect(check([{ ...endpoint, reply: "empty" }, { status: 204 }])).not.toThrow();
  expect(check([endpoint, { status: 200, json: '{"id":"a","list":[]}' }])).not.toThrow();
});

test("a wrong field, a field that the schema does not know, and a missing or unexpected body fail", () => {
  expect(check([endpoint, { status: 200, body: { id: 1, list: [] } }])).toThrow(/GET \/things \(200\) id: /);
  const more = { id: "a", list: [{ count: 1, more: 2 }] };
  expect(check([endpoint, { status: 200, body: more }])).toThrow(/\.list\.0\.more: is not in the schema/);
  expect(check([endpoint, { status: 200, json: '{"id":1,"list":[]}' }])).toThrow(/\(200\) id: /);
  expect(check([endpoint, { status: 200 }])).toThrow(/has no body/);
  expect(
    check([
      { ...endpoint, reply: "empty" },
      { status: 200, body: {} },
    ]),
  ).toThrow(/is to be empty/);
});

test("a status that the endpoint does not say fails", () => {
  expect(check([endpoint, { status: 202, body: { id: "a", list: [] } }])).toThrow(/\(202\) is not among/);
  expect(
    check([
      { ...endpoint, statuses: [202] },
      { status: 202, body: { id: "a", list: [] } },
    ]),
  ).not.toThrow();
});
