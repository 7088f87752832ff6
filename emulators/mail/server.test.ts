import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTransport, type Transporter } from "nodemailer";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createKernel, type Kernel } from "../kernel/kernel.ts";
import { type Mail, type MailServer, openMail } from "./server.ts";
import { openMailbox } from "./state.ts";

let kernel: Kernel;
let mail: MailServer;
let transport: Transporter;

beforeEach(async () => {
  kernel = createKernel();
  mail = openMail(kernel, { path: undefined });
  transport = createTransport({ host: "127.0.0.1", port: await mail.listen(0), secure: false });
});
afterEach(async () => {
  transport.close();
  await mail.close();
  kernel.clock.stop();
});

const letter = {
  from: "Example <no-reply@example.test>",
  to: "ada@example.com",
  subject: "Grüße 👋",
  text: "Your code is 123456.",
  html: "<p>Your code is <b>123456</b>.</p>",
};

test("a mail stands in the mailbox of each of its recipients", async () => {
  await transport.sendMail({ ...letter, bcc: "grace@example.com" });
  const [copy] = mail.list({ to: "ADA@example.com" });
  expect(copy).toMatchObject({ ...letter, from: "no-reply@example.test" });
  expect(Math.abs(Date.parse(copy?.at ?? "") - kernel.clock.now())).toBeLessThan(60_000);
  expect(mail.list({ to: "grace@example.com" })).toHaveLength(1);
  expect(mail.list()).toHaveLength(2);
  expect(mail.list({ to: "linus@example.com" })).toEqual([]);
});

test("the newest mail comes first, as many as asked for", async () => {
  for (const subject of ["one", "two", "three"]) await transport.sendMail({ ...letter, subject });
  expect(mail.list({ limit: 2 }).map(({ subject }) => subject)).toEqual(["three", "two"]);
});

test("listeners hear of a mail until they end", async () => {
  const heard: Mail[] = [];
  const end = mail.onMail((each) => heard.push(each));
  await transport.sendMail(letter);
  end();
  await transport.sendMail(letter);
  expect(heard).toHaveLength(1);
  expect(heard[0]).toEqual(mail.list()[1]);
});

test("a mail that fails before it is stored answers 451 and is not there", async () => {
  kernel.faults.add({ service: "mail", method: "Send", match: "ada@", kind: "before" });
  await expect(transport.sendMail(letter)).rejects.toMatchObject({ responseCode: 451 });
  expect(mail.list()).toEqual([]);
  await transport.sendMail(letter);
  expect(mail.list()).toHaveLength(1);
});

test("a mail that fails after it is stored answers 451 and is there", async () => {
  kernel.faults.add({ service: "mail", method: "Send", kind: "after" });
  await expect(transport.sendMail(letter)).rejects.toMatchObject({ responseCode: 451 });
  expect(mail.list()).toHaveLength(1);
});

test("a dropped connection stores nothing, and a doubled mail is there twice", async () => {
  kernel.faults.add({ service: "mail", method: "Send", kind: "drop" });
  await expect(transport.sendMail(letter)).rejects.toMatchObject({ code: "ECONNECTION" });
  expect(mail.list()).toEqual([]);
  kernel.faults.add({ service: "mail", method: "Send", kind: "twice" });
  await transport.sendMail(letter);
  expect(mail.list()).toHaveLength(2);
});

test("a slow mail is answered once its time has come", async () => {
  kernel.faults.add({ service: "mail", method: "Send", kind: "slow", ms: 3_600_000 });
  const taken = Promise.withResolvers<void>();
  const { take } = kernel.faults;
  kernel.faults.take = (...args) => {
    taken.resolve();
    return take(...args);
  };
  const sending = transport.sendMail(letter);
  await taken.promise;
  expect(mail.list()).toEqual([]);
  kernel.clock.advance(3_600_000);
  await sending;
  expect(mail.list()).toHaveLength(1);
});

test("a mail beyond 25 MB is refused for good", async () => {
  const text = "x".repeat(1000).concat("\n").repeat(26_000);
  await expect(transport.sendMail({ ...letter, html: "", text })).rejects.toMatchObject({
    responseCode: 552,
  });
});

test("an accepted mail is there after the server was closed and opened again", async () => {
  const folder = mkdtempSync(join(tmpdir(), "mail-"));
  const path = join(folder, "mail.sqlite");
  for (const count of [1, 2]) {
    const server = openMail(kernel, { path });
    const sender = createTransport({ host: "127.0.0.1", port: await server.listen(0) });
    await sender.sendMail(letter);
    sender.close();
    expect(server.list()).toHaveLength(count);
    await server.close();
  }
  rmSync(folder, { recursive: true });
});

test("only the newest thousand mails are kept", async () => {
  const mailbox = openMailbox(undefined);
  const { from, subject, text, html, to } = letter;
  const many = Array.from({ length: 1001 }, (_, index) => ({
    from,
    subject,
    text,
    html,
    to,
    at: String(index),
  }));
  await mailbox.add(many);
  const kept = mailbox.list({ limit: 5000 });
  expect(kept).toHaveLength(1000);
  expect(kept.at(-1)?.at).toBe("1");
  mailbox.close();
});
