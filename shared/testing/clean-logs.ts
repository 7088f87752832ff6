/** What must never stand in a log, wherever it came from. */
const FORBIDDEN: readonly (readonly [string, RegExp])[] = [
  ["a mail address", /[\w.+-]+@[\w-]+\.(?:test|example|com)\b/i],
  ["a JSON web token", /\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*/],
  ["a refresh token", /\bsbr_[a-z0-9]{26}/],
  ["a device token", /\bsbd_[a-z0-9]{26}/],
  ["an API token", /\bsbk_[a-z][a-z0-9-]*_[a-z0-9]{26}_/],
  ["a private key", /"d":\s*"|PRIVATE KEY/],
  ["a sign-in code", /sign-in code is|"code":"\d{6}"/],
];

/**
 * Throws when a log line of a system holds an address, a code, a token or a key. Each system asks at its end,
 * so the whole test run is looked through.
 */
export function demandCleanLogs(lines: readonly unknown[], secrets: readonly string[]): void {
  for (const line of lines) {
    const text = JSON.stringify(line);
    const [name] = FORBIDDEN.find(([, pattern]) => pattern.test(text)) ?? [];
    const holdsSecret = secrets.some((secret) => text.includes(secret));
    // The line itself stays out of the message, which is a log too.
    if (name !== undefined || holdsSecret) {
      const message = String((line as { message?: unknown }).message);
      throw new Error(
        `A log line holds ${name ?? "a secret"}: the one that begins "${message.slice(0, 60)}".`,
      );
    }
  }
}
