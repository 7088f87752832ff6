import { describe, expect, test } from "vitest";
import { canonicalAddress, verifiedAddress } from "../../../shared/identity/address.ts";
import { useSystem } from "../../../shared/testing/use-system.ts";

const auth = "/v1/apps/demo/auth";

const system = useSystem();

/** Signs in with an address as it is typed, and a code as it is typed. */
async function signIn(email: string, typed = (code: string) => code) {
  const sent = await system.client().post(`${auth}/codes`, { email });
  expect([email, sent.status]).toEqual([email, 202]);
  await system.settle();
  const [mail] = system.suite.mail.list({ limit: 1 });
  const code = /\b\d{6}\b/.exec(mail?.subject ?? "")?.[0] ?? "";
  const { challenge } = sent.body;
  const { status, body } = await system.client().post(`${auth}/sessions`, { challenge, code: typed(code) });
  return { status, id: body.user?.id, email: body.user?.email, to: mail?.to };
}

describe("an address", () => {
  test.each([
    ["user@münchen.example", "USER@MÜNCHEN.example", "user@xn--mnchen-3ya.example"],
    ["user@пример.рф", "user@xn--e1afmkfd.xn--p1ai", "User@xn--e1afmkfd.рф"],
    ["mike@kelvin.example", "mi\u212ae@kelvin.example", "ｍｉｋｅ@ｋｅｌｖｉｎ.example"],
    ["a@ideographic.example", "a@ideographic。example"],
    ["o'brien@names.example", "O'Brien@Names.Example"],
  ])("is one account, however it is written: %s", async (...spellings) => {
    const all = [];
    for (const spelling of spellings) all.push(await signIn(spelling));
    expect(all.map(({ status }) => status)).toEqual(spellings.map(() => 201));
    expect(new Set(all.map(({ id }) => id)).size).toBe(1);
    // Mail goes to the one form only, so nobody signs in who does not read that mailbox.
    expect(new Set(all.map(({ to }) => String(to))).size).toBe(1);
    expect(canonicalAddress(all[0]?.email ?? "")).toBe(all[0]?.email);
  });

  test.each(["a&b@atext.example", "o'@atext.example", "!#$%*+/=?^_`{|}~-@atext.example"])(
    "may hold every sign of RFC 5322: %s",
    async (email) => {
      expect((await signIn(email)).status).toBe(201);
    },
  );

  test.each([
    '"quoted"@example.test',
    "a..b@example.test",
    ".a@example.test",
    "a@b",
    "a@127.0.0.1",
    "a@0x7f.1",
    "a@[::1]",
    "a@b@example.test",
    "a@example..test",
    "a@-example.test",
    "é@example.test",
    "a@xn--.test",
    "a b@example.test",
    "a@example.test\r\nBcc: b@example.test",
    "a\u200b@example.test",
    `${"a".repeat(65)}@example.test`,
    `a@${"b".repeat(64)}.test`,
  ])("is refused: %j", async (email) => {
    const { status, body } = await system.client().post(`${auth}/codes`, { email });
    expect([status, body.errors?.[0]?.path]).toEqual([400, "email"]);
  });

  test("that somebody else has verified is the mailbox as it is written, and no other", () => {
    expect(verifiedAddress("Ada@MÜNCHEN.example")).toBe("ada@xn--mnchen-3ya.example");
    expect(verifiedAddress("mi\u212ae@example.test")).toBeUndefined();
    expect(verifiedAddress("ｍike@example.test")).toBeUndefined();
    expect(verifiedAddress("mike\uff20example.test")).toBeUndefined();
  });
});

describe("a code", () => {
  const digits = (zero: number) => (code: string) =>
    code.replaceAll(/\d/g, (digit) => String.fromCodePoint(zero + Number(digit)));
  test.each<[string, (code: string) => string]>([
    ["with a space", (code) => `${code.slice(0, 3)} ${code.slice(3)}`],
    ["with dashes and around it spaces", (code) => ` ${code.slice(0, 3)}–${code.slice(3)}\u00a0`],
    ["full-width", digits(0xff10)],
    ["in Arabic-Indic digits", digits(0x0660)],
    ["in Devanagari", digits(0x0966)],
    ["in bold digits, with marks of direction", (code) => `\u200f${digits(0x1d7ce)(code)}`],
  ])("is taken %s", async (name, typed) => {
    expect((await signIn(`typed-${name.length}@example.test`, typed)).status).toBe(201);
  });

  test.each(["12345", "1234567", "12345a", "①②③④⑤⑥", "", "      ", "1e5000"])("%j is none", async (code) => {
    const sent = await system.client().post(`${auth}/codes`, { email: "none@example.test" });
    const { challenge } = sent.body;
    expect((await system.client().post(`${auth}/sessions`, { challenge, code })).status).toBe(400);
  });
});
