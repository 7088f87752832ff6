import createClient from "openapi-fetch";
import { expect, test } from "vitest";
import { useSystem } from "../../shared/testing/use-system.ts";
import type { components, paths } from "./generated/api.d.ts";

/**
 * A client whose types are made of the API's description by a published generator: the journey compiles
 * (`npm run test:full` generates, then checks types), and it gets what the types say.
 */
const system = useSystem();

type Message = components["schemas"]["Message"];

test("the main journey, from creating an app to searching and erring", async () => {
  const operator = createClient<paths>({
    baseUrl: system.url,
    headers: { authorization: `Bearer ${system.env.OPERATOR_KEY}` },
  });
  const { data: made } = await operator.POST("/v1/apps", { body: { name: "Typed" } });
  if (made === undefined) throw new Error("The app was not created.");
  const server = createClient<paths>({
    baseUrl: system.url,
    headers: { authorization: `Bearer ${made.token}` },
  });
  const app = made.app.id;
  const people = await Promise.all(
    ["ada@typed.test", "bob@typed.test"].map(async (email) => {
      const { data } = await server.POST("/v1/apps/{app}/users", {
        params: { path: { app } },
        body: { email },
      });
      return data?.id ?? "";
    }),
  );
  const [id = ""] = people;
  const { data: session } = await server.POST("/v1/apps/{app}/users/{id}/sessions", {
    params: { path: { app, id } },
  });
  const ada = createClient<paths>({
    baseUrl: system.url,
    headers: { authorization: `Bearer ${session?.accessToken}` },
  });
  const { data: chat, response } = await ada.POST("/v1/apps/{app}/chats", {
    params: { path: { app }, header: { "Idempotency-Key": '"once"' } },
    body: { kind: "group", title: "Typed", members: people.slice(1) },
  });
  expect([response.status, chat?.title, chat?.members.length]).toEqual([201, "Typed", 2]);
  const path = { app, chat: String(chat?.number) };
  for (const text of ["One capybara", "Two capybaras"]) {
    const { data } = await ada.POST("/v1/apps/{app}/chats/{chat}/messages", {
      params: { path },
      body: { text },
    });
    expect(data).toMatchObject({ text, status: "complete" });
  }
  const { data: page } = await ada.GET("/v1/apps/{app}/chats/{chat}/messages", {
    params: { path, query: { limit: 1 } },
  });
  const newest: Message | undefined = page?.data[0];
  expect([newest?.text, page?.hasMore]).toEqual(["Two capybaras", true]);
  await system.settle();
  const { data: found } = await ada.GET("/v1/apps/{app}/search", {
    params: { path: { app }, query: { q: "capyb" } },
  });
  expect(found?.data.map(({ message }) => message.number).sort()).toEqual([1, 2]);
  const { error } = await ada.GET("/v1/apps/{app}/chats/{chat}", { params: { path: { app, chat: "99" } } });
  expect([error?.code, error?.status]).toEqual(["not_found", 404]);
});
