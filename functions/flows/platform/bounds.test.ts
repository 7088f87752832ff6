import { describe, expect, test } from "vitest";
import { ERRORS_MAX } from "../../../shared/platform/field-errors.ts";
import type { ApiReply } from "../../../shared/testing/api-client.ts";
import { usePeople, useSystem } from "../../../shared/testing/use-system.ts";
import { JSON_VALUES_MAX } from "../../runtime/parse-json.ts";
import { REFUSAL_BYTES_MAX } from "../../runtime/problem.ts";

/**
 * What anybody may send and what of it comes back: refusals are small, and cost nothing that grows with them.
 */
const system = useSystem();
const [ada] = usePeople(system, "ada@bounds.test");

const app = "/v1/apps/demo";
const sizeOf = ({ body }: ApiReply): number => Buffer.byteLength(JSON.stringify(body));

function expectRefusal(reply: ApiReply, ...statuses: number[]): void {
  expect(statuses).toContain(reply.status);
  expect(reply.headers.get("content-type")).toBe("application/problem+json");
  expect(sizeOf(reply)).toBeLessThanOrEqual(REFUSAL_BYTES_MAX);
}

describe("a refusal is bounded", () => {
  const manyKeys = (count: number, name = "key"): string =>
    JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, at) => [`${name}${at}`, at])));

  test("a thousand unknown fields are counted, and twenty named", async () => {
    const reply = await system.client().post(`${app}/auth/codes`, manyKeys(1000));
    expectRefusal(reply, 400);
    expect(reply.body.errors).toHaveLength(ERRORS_MAX);
    // The missing address is one more.
    expect(reply.body.errorsCount).toBe(1001);
  });

  test("a megabyte of fields is refused before it is parsed", async () => {
    const text = manyKeys(60_000);
    expect(text.length).toBeGreaterThan(850_000);
    const reply = await system.client().post(`${app}/auth/codes`, text);
    expectRefusal(reply, 400);
    expect(reply.body.detail).toContain(String(JSON_VALUES_MAX));
  });

  test("long names of fields, and those of control characters, are cut", async () => {
    for (const name of ["x".repeat(40_000), "\u0001".repeat(20_000), "\u{1f600}".repeat(9_000), "\ud800"]) {
      expectRefusal(await system.client().post(`${app}/auth/codes`, manyKeys(20, name)), 400, 413);
    }
  });

  test("wrong values deep in a list are cut like others", async () => {
    const tags = Array.from({ length: 1_000 }, () => ({ ["k".repeat(100)]: "\u0007".repeat(50) }));
    expectRefusal(await ada.api.post(`${app}/chats`, { kind: "group", tags }), 400);
  });

  test("a query's names and an address without a route come back cut", async () => {
    const query = Array.from({ length: 400 }, (_, at) => `%01${"n".repeat(20)}${at}=1`).join("&");
    expectRefusal(await ada.api.get(`${app}/chats?${query}`), 400);
    expectRefusal(await ada.api.get(`/${"y".repeat(12_000)}`), 414);
    expectRefusal(await ada.api.get(`${app}/search?q=${"z".repeat(5_000)}`), 400);
  });
});

describe("what can't be is refused at once", () => {
  const RESERVED = [
    "%2e",
    "%2e%2e",
    "__x__",
    "____",
    "a%2fb",
    "%00",
    "constructor",
    "__proto__",
    "%ed%a0%80",
  ];

  test("reserved ids, and names that every object has", async () => {
    for (const id of RESERVED) {
      const cost = await system.meterRequest(async () => {
        expectRefusal(await ada.api.get(`${app}/users/${id}`), 404);
      });
      // Well-formed ids are looked up like others.
      expect(cost.billed.reads).toBeLessThanOrEqual(/^[a-z]+$/.test(id) ? 1 : 0);
      expectRefusal(await ada.api.get(`/v1/apps/${id}/chats`), 401, 404);
      expectRefusal(await ada.api.get(`${app}/chats/${id}/messages/${id}`), 404);
      expectRefusal(await ada.api.put(`${app}/chats/1/members/${id}`), 400, 404);
    }
  });

  test("a device may be called as every object's own properties are", async () => {
    for (const id of ["constructor", "toString", "hasOwnProperty"]) {
      expect((await ada.api.delete(`${app}/devices/${id}`)).status).toBe(204);
      const device = { pushToken: `token-${id}`, platform: "web" };
      expect((await ada.api.put(`${app}/devices/${id}`, device)).status).toBe(204);
      expect((await ada.api.put(`${app}/devices/${id}`, device)).status).toBe(204);
      expect((await ada.api.delete(`${app}/devices/${id}`)).status).toBe(204);
    }
  });

  test("times at both ends of the calendar", async () => {
    for (const time of [
      "0000-01-01T00:00:00Z",
      "0001-01-01T00:00:00+14:00",
      "1969-12-31T23:59:59Z",
      "9999-12-31T23:59:59-14:00",
    ]) {
      const at = encodeURIComponent(time);
      expectRefusal(await ada.api.get(`${app}/chats?from=${at}`), 400);
      expectRefusal(await ada.api.get(`${app}/search?q=x&to=${at}`), 400);
      expectRefusal(await ada.api.get(`${app}/notifications?since=${at}`), 400);
      expectRefusal(await ada.api.put(`${app}/chats/1/mute`, { until: time }), 400);
      expectRefusal(
        await system.operator.post("/v1/operator/revocations", { scope: "all", issuedBefore: time }),
        400,
      );
    }
    const last = encodeURIComponent("9999-12-31T23:59:59Z");
    expect((await ada.api.get(`${app}/chats?to=${last}`)).status).toBe(200);
    for (const day of ["0000-01-01", "0001-01-01", "1970-01-01"]) {
      expectRefusal(await ada.api.get(`${app}/me/usage?to=${day}`), 400);
    }
  });

  test("twenty thousand roles or tags", async () => {
    const roles = Object.fromEntries(Array.from({ length: 20_000 }, (_, at) => [`r${at}`, "member"]));
    expectRefusal(await system.operator.patch(app, { settings: { claims: { roles } } }), 400);
    const fewer = Object.fromEntries(Object.entries(roles).slice(0, 1_000));
    expectRefusal(await system.operator.patch(app, { settings: { claims: { roles: fewer } } }), 400);
    const tags = Object.keys(roles);
    expectRefusal(await ada.api.post(`${app}/chats`, { kind: "group", tags }), 400);
    expectRefusal(await ada.api.post(`${app}/chats`, { kind: "group", tags: tags.slice(0, 1_000) }), 400);
  });
});

test.each([
  ["GET", "/v2/apps", 404],
  ["GET", "/", 404],
  ["DELETE", "/", 404],
  ["OPTIONS", "/v2/apps", 404],
  ["OPTIONS", `${app}/chats`, 405],
  ["PROPFIND", `${app}/chats`, 405],
])("%s %s answers with a problem and a request id", async (method, path, status) => {
  const response = await fetch(`${system.url}${path}`, { method });
  const requestId = response.headers.get("x-request-id");
  expect(requestId).toMatch(/^[\w-]{8,64}$/);
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  expect(await response.json()).toMatchObject({ status, requestId });
});

test("HEAD answers with a request id and no body", async () => {
  for (const path of ["/v2/apps", "/healthz", `${app}/chats`]) {
    const response = await fetch(`${system.url}${path}`, { method: "HEAD" });
    expect(response.headers.get("x-request-id")).toMatch(/^[\w-]{8,64}$/);
    expect(await response.text()).toBe("");
  }
});
