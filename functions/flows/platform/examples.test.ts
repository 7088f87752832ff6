import { expect, test } from "vitest";
import { endpoints } from "../../http/endpoints.ts";
import { statusesOf } from "../../runtime/endpoint.ts";
import { startChat, useModelPace, usePeople, useSystem } from "../../../shared/testing/use-system.ts";

/** The examples of the API's reference, each sent as it stands. */
const system = useSystem();
useModelPace(system, { firstTokenMs: 0, tokensPerSecond: 10_000 });
const [ada] = usePeople(system, "ada@examples.test");

const examples = endpoints.filter(({ example }) => example !== undefined);
/** Who sends it, where that is not a person. */
const byOperator = new Set([
  "POST /v1/apps",
  "PATCH /v1/apps/{app}",
  "POST /v1/apps/{app}/tokens",
  "POST /v1/apps/{app}/users",
  "POST /v1/apps/{app}/invitations",
]);

test.each(examples.map((endpoint) => [`${endpoint.method} ${endpoint.path}`, endpoint] as const))(
  "%s",
  async (name, endpoint) => {
    const { number } = await startChat(ada.api, { texts: ["Noodles?"] });
    const values: Readonly<Record<string, string>> = {
      app: "demo",
      chat: String(number),
      message: "1",
      id: "phone",
    };
    const path = endpoint.path.replaceAll(/\{(\w+)\}/g, (_, part: string) => values[part] ?? part);
    const token = byOperator.has(name) ? system.env.OPERATOR_KEY : ada.session.accessToken;
    const reply = await fetch(system.url + path, {
      method: endpoint.method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify(endpoint.example),
    });
    await reply.text();
    expect(statusesOf(endpoint)).toContain(reply.status);
  },
);

test("what people begin with has an example", () => {
  expect(examples.length).toBeGreaterThan(15);
});
