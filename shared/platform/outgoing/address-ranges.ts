import { BlockList, isIP, isIPv4, isIPv6 } from "node:net";

/**
 * Addresses that are no public host: the special-purpose registries of IANA (RFC 6890), as far as nothing
 * that somebody outside runs can stand there. 169.254.0.0/16 holds the metadata server of every cloud.
 */
const SPECIAL_V4: readonly string[] = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/4",
  "240.0.0.0/4",
  // Google's own names for its APIs inside a project's network (private and restricted access).
  "199.36.153.4/30",
  "199.36.153.8/30",
];

/** Of IPv6 only global unicast is public, and of that not what carries or stands for something else. */
const GLOBAL_V6 = "2000::/3";
const SPECIAL_V6: readonly string[] = ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"];

/** A set of ranges in CIDR notation. */
export interface Ranges {
  has(address: string): boolean;
}

/** @throws Error that names what is no range */
export function parseRanges(texts: readonly string[]): Ranges {
  const list = new BlockList();
  for (const text of texts) {
    const [address = "", bits = ""] = text.split("/");
    const width = isIPv4(address) ? 32 : 128;
    const isRange = isIP(address) !== 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= width;
    if (!isRange) throw new Error(`${text} is no range such as 10.0.0.0/8`);
    list.addSubnet(address, Number(bits), isIPv4(address) ? "ipv4" : "ipv6");
  }
  return {
    has: (address) => isIP(address) !== 0 && list.check(address, isIPv4(address) ? "ipv4" : "ipv6"),
  };
}

const specialV4 = parseRanges(SPECIAL_V4);
const globalV6 = parseRanges([GLOBAL_V6]);
const specialV6 = parseRanges(SPECIAL_V6);

/** `::ffff:a.b.c.d`, in whatever form it is written, is the IPv4 address within; others stay. */
export function plainAddress(address: string): string {
  if (!isIPv6(address)) return address;
  const [withoutZone = ""] = address.split("%");
  const mapped = /^\[::ffff:([\da-f]{1,4}):([\da-f]{1,4})\]$/.exec(
    new URL(`http://[${withoutZone}]`).hostname,
  );
  if (mapped === null) return withoutZone;
  const [high, low] = [mapped[1], mapped[2]].map((group) => Number.parseInt(group ?? "", 16));
  return [(high ?? 0) >> 8, (high ?? 0) & 255, (low ?? 0) >> 8, (low ?? 0) & 255].join(".");
}

/** Whether the address is one that anybody's server on the internet may have. */
export function isPublicAddress(address: string): boolean {
  const plain = plainAddress(address);
  if (isIPv4(plain)) return !specialV4.has(plain);
  return isIPv6(plain) && globalV6.has(plain) && !specialV6.has(plain);
}
