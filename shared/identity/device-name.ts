/** Each is looked for in this order: browsers name the ones they descend from as well. */
const PROGRAMS: readonly (readonly [name: string, pattern: RegExp])[] = [
  ["Edge", /\bEdg(?:e|A|iOS)?\//],
  ["Opera", /\bOPR\//],
  ["Samsung Internet", /\bSamsungBrowser\//],
  ["Firefox", /\b(?:Firefox|FxiOS)\//],
  ["Chrome", /\b(?:Chrome|CriOS)\//],
  ["Safari", /\bSafari\//],
];
const SYSTEMS: readonly (readonly [name: string, pattern: RegExp])[] = [
  ["iPhone", /\biPhone\b/],
  ["iPad", /\biPad\b/],
  ["Android", /\bAndroid\b/],
  ["ChromeOS", /\bCrOS\b/],
  ["Windows", /\bWindows\b/],
  ["macOS", /\bMac OS X\b|\bMacintosh\b/],
  ["Linux", /\bLinux\b/],
];
const NAME_CHARS_MAX = 60;

/** What a person recognises a device by: "Firefox on Windows", or how the program calls itself. */
export function deviceName(userAgent: string): string {
  const nameIn = (list: typeof PROGRAMS): string | undefined =>
    list.find(([, pattern]) => pattern.test(userAgent))?.[0];
  const program = nameIn(PROGRAMS);
  const system = nameIn(SYSTEMS);
  if (program !== undefined && system !== undefined) return `${program} on ${system}`;
  const first = userAgent.split(" ", 1)[0]?.slice(0, NAME_CHARS_MAX) ?? "";
  return program ?? system ?? (first === "" ? "Unknown device" : first);
}
