import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { expect, test } from "vitest";
import { selfSigned } from "./certificate.ts";

const keys = generateKeyPairSync("rsa", { modulusLength: 2048 });

test.each([
  ["0102", "0102"],
  ["7f00", "7F00"],
  ["80ff", "80FF"],
  ["0000ff", "FF"],
])(
  "a certificate with the serial number %s can be read and verifies with its own key",
  (serial, expected) => {
    const fromMs = Date.UTC(2020, 0, 1);
    const untilMs = Date.UTC(2120, 0, 1);
    const pem = selfSigned({ ...keys, name: "a.test", serial: Buffer.from(serial, "hex"), fromMs, untilMs });
    const certificate = new X509Certificate(pem);
    expect(certificate.verify(keys.publicKey)).toBe(true);
    expect([certificate.subject, certificate.serialNumber]).toEqual(["CN=a.test", expected]);
    expect([Date.parse(certificate.validFrom), Date.parse(certificate.validTo)]).toEqual([fromMs, untilMs]);
  },
);
