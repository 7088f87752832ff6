import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ABSENT_MS } from "../../../shared/identity/absences.ts";
import { parseConfig } from "../../../shared/platform/config.ts";
import { stayAtOneInstance } from "../../../shared/testing/use-system.ts";
import { startCells } from "../../../shared/testing/start-cells.ts";
import type { Person, System } from "../../../shared/testing/start-system.ts";

let west: System;
let east: System;
let ada: Person;
beforeAll(async () => {
  [west, east] = (await startCells("west", "east")) as [System, System];
  ada = await west.signIn("ada@cells.test");
});
afterAll(async () => {
  await west[Symbol.asyncDispose]();
  await east[Symbol.asyncDispose]();
});

const app = "/v1/apps/demo";
const PAGE = "https://page.example";
/** A cell remembers for a while that an app is not there. */
const later = (): void => west.suite.kernel.clock.advance(ABSENT_MS + 1_000);

describe("an app that lives in another cell", () => {
  test.each([
    ["GET", "/auth/options"],
    ["GET", "/chats"],
    ["POST", "/chats"],
    ["POST", "/auth/codes"],
    ["GET", "/events"],
    ["DELETE", "/chats/1"],
  ])("is named to whoever asks %s %s, whatever they bring", async (method, path) => {
    for (const authorization of ["", `Bearer ${ada.session.accessToken}`, "Bearer st_none_secret"]) {
      const response = await fetch(`${east.url}${app}${path}`, {
        method,
        headers: authorization === "" ? {} : { authorization },
      });
      expect(response.status).toBe(421);
      expect(await response.json()).toMatchObject({
        code: "moved",
        cell: { name: "west", url: west.url },
      });
    }
  });

  test("is named to pages of any origin, which may read that and nothing else", async () => {
    const preflight = await fetch(`${east.url}${app}/chats`, {
      method: "OPTIONS",
      headers: { origin: PAGE, "access-control-request-method": "POST" },
    });
    expect([preflight.status, preflight.headers.get("access-control-allow-origin")]).toEqual([204, PAGE]);
    const asked = await fetch(`${east.url}${app}/chats`, { method: "POST", headers: { origin: PAGE } });
    expect([asked.status, asked.headers.get("access-control-allow-origin")]).toEqual([421, PAGE]);
    const home = await fetch(`${west.url}${app}/chats`, { headers: { origin: PAGE } });
    expect(home.headers.get("access-control-allow-origin")).toBeNull();
  });

  test("costs a read of it and one of the directory, and none for a while", async () => {
    stayAtOneInstance(east);
    later();
    const first = await east.meter(() => east.client().get(`${app}/auth/options`));
    expect(first.billed.reads).toBe(1);
    const directory = await west.meter(() => east.client().get(`${app}/auth/options`));
    expect(directory.billed.reads).toBe(0);
  });

  test("gives its id to no other", async () => {
    const taken = await east.operator.post("/v1/apps", { name: "Mine", id: "demo" });
    expect([taken.status, taken.body.code]).toEqual([409, "conflict"]);
    const made = await east.operator.post("/v1/apps", { name: "Mine", id: "mine" });
    expect(made.status).toBe(201);
    expect((await west.operator.post("/v1/apps", { name: "Mine", id: "mine" })).status).toBe(409);
    expect((await west.client().get("/v1/apps/mine/auth/options")).body.cell.name).toBe("east");
  });
});

test("an app that is nowhere is not found in any cell", async () => {
  for (const cell of [west, east]) {
    expect((await cell.client().get("/v1/apps/nowhere/auth/options")).status).toBe(404);
  }
});

test("an app is created again under its key after a crash between directory and app", async () => {
  west.fault({ service: "firestore", method: "Commit", kind: "before", code: "PERMISSION_DENIED", skip: 1 });
  const draft = { name: "Twice", id: "twice" };
  expect((await west.operator.post("/v1/apps", draft, { "idempotency-key": "twice" })).status).toBe(500);
  west.clearFaults();
  expect((await west.operator.post("/v1/apps", draft, { "idempotency-key": "twice" })).status).toBe(201);
});

describe("a move", () => {
  test("to a cell that is not there, or of an app that is not here, is refused", async () => {
    const move = (body: object) => west.operator.post("/v1/operator/moves", body);
    expect((await move({ app: "demo", cell: "north" })).status).toBe(404);
    expect((await move({ app: "mine", cell: "east" })).status).toBe(404);
    expect((await move({ app: "demo" })).status).toBe(400);
    expect((await ada.api.post("/v1/operator/moves", { app: "demo", cell: "east" })).status).toBe(401);
  });

  test("is called off by moving the app to where it is", async () => {
    const begun = await west.operator.post("/v1/operator/moves", { app: "demo", cell: "east" });
    const standing = async () => (await west.deps.firestore.doc("apps/demo").get()).get("status");
    await expect.poll(standing).toBe("moving");
    await west.settle();
    expect((await west.operator.post(`${app}/chats`, { kind: "group" })).status).toBe(503);
    await west.operator.post("/v1/operator/moves", { app: "demo", cell: "west" });
    await expect.poll(standing).toBe("open");
    await expect
      .poll(async () => (await west.operator.post(`${app}/chats`, { kind: "group" })).status)
      .toBe(201);
    west.suite.kernel.clock.advance(3_600_000);
    await expect
      .poll(async () => (await west.operator.get(`/v1/operator/jobs/${begun.body.id}`)).body)
      .toMatchObject({ state: "failed", error: { code: "conflict" } });
    expect((await east.client().get(`${app}/auth/options`)).status).toBe(421);
  });
});

test.each([
  ["a list without this cell", "north", [{ name: "west" }]],
  ["two cells of one name", "west", [{ name: "west" }, { name: "west" }]],
  ["a cell without a name", "west", [{ name: "" }]],
  ["no list", "west", []],
])("%s does not start", (_, own, cells) => {
  const whole = cells.map((cell) => ({ url: "https://a.example", project: "p", bucket: "b-files", ...cell }));
  expect(() => parseConfig({ ...west.env, CELL: own, CELLS: JSON.stringify(whole) })).toThrow(/CELL/);
});
