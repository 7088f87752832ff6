import { isIP } from "node:net";

/** Where a request came from, as far as it can be known. */
export interface Caller {
  /** The client's address as the nearest trusted proxy saw it. */
  readonly ip: string;
  readonly userAgent: string;
}

const USER_AGENT_CHARS_MAX = 300;

/**
 * The caller behind `trustedProxies` proxies of ours. Each proxy appends the address that it saw to
 * X-Forwarded-For, so only as many entries from the end can be believed as there are proxies of ours;
 * what stands before them was written by the client and is not read.
 */
export function callerOf(
  request: {
    readonly forwardedFor: string | undefined;
    readonly remoteAddress: string | undefined;
    readonly userAgent: string | undefined;
  },
  trustedProxies: number,
): Caller {
  const chain = [
    ...(request.forwardedFor ?? "").split(",").map((text) => text.trim()),
    request.remoteAddress ?? "",
  ];
  const seen = chain.at(-1 - Math.min(trustedProxies, chain.length - 1)) ?? "";
  return {
    ip: plainAddress(isIP(seen) === 0 ? (request.remoteAddress ?? "") : seen),
    userAgent: (request.userAgent ?? "").slice(0, USER_AGENT_CHARS_MAX),
  };
}

/** ::ffff:192.0.2.1 is 192.0.2.1. */
const plainAddress = (address: string): string => address.toLowerCase().replace(/^::ffff:(?=[\d.]+$)/, "");

const GROUPS = 8;

/** The first `count` groups of an IPv6 address, `::` written out. */
function leadingGroups(address: string, count: number): string[] {
  const [head = "", tail = ""] = address.split("%", 1)[0]?.split("::", 2) ?? [];
  const left = head.split(":").filter((group) => group !== "");
  const right = tail.split(":").filter((group) => group !== "");
  const zeros = Array<string>(Math.max(0, GROUPS - left.length - right.length)).fill("0");
  const groups = address.includes("::") ? [...left, ...zeros, ...right] : left;
  return groups.slice(0, count).map((group) => group.replace(/^0+(?=.)/, ""));
}

/** What limits count as one caller: one IPv4 address, or the /64 that a subscriber is given of IPv6. */
export const limitedAddress = (ip: string): string =>
  isIP(ip) === 6 ? `${leadingGroups(ip, 4).join(":")}::/64` : ip;

/** Enough to recognise a provider or a country, too little to name a household: /24 and /48. */
export function networkOf(ip: string): string | null {
  if (isIP(ip) === 4) return `${ip.split(".").slice(0, 3).join(".")}.0/24`;
  return isIP(ip) === 6 ? `${leadingGroups(ip, 3).join(":")}::/48` : null;
}
