import { expect, test } from "vitest";
import { callerOf, limitedAddress, networkOf } from "./caller.ts";

const ipOf = (forwardedFor: string | undefined, trustedProxies: number, remoteAddress = "10.0.0.1"): string =>
  callerOf({ forwardedFor, remoteAddress, userAgent: undefined }, trustedProxies).ip;

test("only what proxies of ours have appended is believed", () => {
  expect(ipOf("203.0.113.9", 0)).toBe("10.0.0.1");
  expect(ipOf("198.51.100.7", 1)).toBe("198.51.100.7");
  expect(ipOf("203.0.113.9, 198.51.100.7", 1)).toBe("198.51.100.7");
  expect(ipOf("203.0.113.9, 198.51.100.7, 192.0.2.1", 2)).toBe("198.51.100.7");
});

test("without the header, or with nonsense in it, the connection's address counts", () => {
  expect(ipOf(undefined, 1)).toBe("10.0.0.1");
  expect(ipOf("", 1)).toBe("10.0.0.1");
  expect(ipOf("unknown", 1)).toBe("10.0.0.1");
  expect(ipOf("203.0.113.9, <script>", 1)).toBe("10.0.0.1");
  expect(ipOf("::ffff:192.0.2.9", 1)).toBe("192.0.2.9");
});

test.each([
  ["192.0.2.9", "192.0.2.9", "192.0.2.0/24"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", "2001:db8:1::/48"],
  ["2001:0db8:0001:0002::1", "2001:db8:1:2::/64", "2001:db8:1::/48"],
  ["2001:db8::1", "2001:db8:0:0::/64", "2001:db8:0::/48"],
  ["::1", "0:0:0:0::/64", "0:0:0::/48"],
  ["fe80::1%eth0", "fe80:0:0:0::/64", "fe80:0:0::/48"],
])("%s counts as %s and is recorded as %s", (ip, limited, network) => {
  expect([limitedAddress(ip), networkOf(ip)]).toEqual([limited, network]);
});
