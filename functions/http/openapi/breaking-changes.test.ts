import { expect, test } from "vitest";
import { z } from "zod";
import { breakingChanges } from "./breaking-changes.ts";
import { type ApiDescription, describeApi, type Described } from "./describe-api.ts";

const Thing = z.object({ id: z.string(), size: z.number().optional(), kind: z.enum(["a", "b"]) });
const endpoint: Described = {
  method: "POST",
  path: "/things/{thing}",
  summary: "Makes a thing.",
  access: "anyone",
  params: z.object({ thing: z.string() }),
  query: z.strictObject({ limit: z.coerce.number().max(100).optional() }),
  body: z.strictObject({ name: z.string().max(20), tags: z.array(z.string()).optional() }),
  reply: z.object({ data: z.array(Thing) }),
};
const before = describeApi([endpoint]);
const after = (change: Partial<Described>): ApiDescription => describeApi([{ ...endpoint, ...change }]);
const POST = "POST /things/{thing}";

test("nothing has changed, or only what old clients don't notice", () => {
  const unnoticed: Partial<Described>[] = [
    {},
    { summary: "Makes another thing." },
    { query: z.strictObject({ limit: z.coerce.number().max(200).optional(), more: z.string().optional() }) },
    {
      body: z.strictObject({
        name: z.string().max(50),
        tags: z.array(z.string().nullable()).optional(),
        more: z.string().optional(),
      }),
    },
    {
      body: z.strictObject({
        name: z.union([z.string(), z.number()]).optional(),
        tags: z.array(z.string()).optional(),
      }),
    },
    { reply: z.object({ data: z.array(Thing.extend({ more: z.string() })), next: z.string() }) },
    { reply: z.object({ data: z.array(Thing.extend({ size: z.number(), kind: z.literal("a") })) }) },
    { statuses: [200, 201] },
  ];
  for (const change of unnoticed) expect(breakingChanges(before, after(change))).toEqual([]);
  expect(breakingChanges(before, describeApi([endpoint, { ...endpoint, path: "/others" }]))).toEqual([]);
});

test.each<[string, { [Name in keyof Described]?: Described[Name] | undefined }]>([
  [`${POST} is gone`, { path: "/other/{thing}" }],
  ["query parameter limit is gone", { query: z.strictObject({}) }],
  ["query parameter limit is required", { query: z.strictObject({ limit: z.coerce.number().max(100) }) }],
  ["maximum 50, which was 100", { query: z.strictObject({ limit: z.coerce.number().max(50).optional() }) }],
  ["body.tags is gone", { body: z.strictObject({ name: z.string().max(20) }) }],
  [
    "body.more is new and required",
    {
      body: z.strictObject({
        name: z.string().max(20),
        tags: z.array(z.string()).optional(),
        more: z.string(),
      }),
    },
  ],
  [
    "body.tags is required",
    { body: z.strictObject({ name: z.string().max(20), tags: z.array(z.string()) }) },
  ],
  [
    "body.name has maxLength 10",
    { body: z.strictObject({ name: z.string().max(10), tags: z.array(z.string()).optional() }) },
  ],
  [
    "body.name is no string any more",
    { body: z.strictObject({ name: z.number(), tags: z.array(z.string()).optional() }) },
  ],
  ["no body is taken any more", { body: undefined }],
  [
    "reply 201.data.[].id is new and required",
    { reply: z.object({ data: z.array(Thing.omit({ id: true })) }) },
  ],
  ["reply 201.data.[].id is required", { reply: z.object({ data: z.array(Thing.partial({ id: true })) }) }],
  [
    "reply 201.data.[].size is no string",
    { reply: z.object({ data: z.array(Thing.extend({ size: z.string() })) }) },
  ],
  [
    'may not be ["c"]',
    { reply: z.object({ data: z.array(Thing.extend({ kind: z.enum(["a", "b", "c"]) })) }) },
  ],
  ["status 201 is gone", { statuses: [200] }],
  ["201 is not application/json any more", { reply: "html" }],
])("%s is told of", (told, change) => {
  const changed = describeApi([{ ...endpoint, ...change } as Described]);
  expect(breakingChanges(before, changed).join("\n")).toContain(told);
});
