import { beforeAll, describe, expect, test } from "vitest";
import { readConfiguration, readVariables } from "./checks/configuration.ts";
import { type Plan, planOf } from "./checks/plan.ts";
import { providerSchema } from "./checks/schema.ts";

/** https://cloud.google.com/armor/docs/rules-language-reference */
const SUBEXPRESSIONS_MAX = 5;
const DOCUMENTED = /\b(?:has|matches|lower|upper|contains|startsWith|endsWith|inIpRange)\(/g;

interface Rule {
  readonly priority: number;
  readonly action: string;
  readonly match: readonly [{ readonly expr?: readonly [{ readonly expression: string }] }];
}

let plan: Plan;
let rules: readonly Rule[];
beforeAll(async () => {
  const variables = await readVariables("terraform/environments/production.tfvars");
  plan = await planOf(await readConfiguration("terraform"), variables, providerSchema);
  const [policy] = plan.of("google_compute_security_policy");
  rules = policy?.values.rule as readonly Rule[];
});

test("every backend service stands behind the policy", () => {
  const policies = plan.of("google_compute_backend_service").map(({ values }) => values.security_policy);
  expect(policies).toHaveLength(4);
  expect(new Set(policies).size).toBe(1);
  expect(String(policies[0])).toContain("google_compute_security_policy.api");
});

test("each rule has a priority of its own, and the last one takes everything", () => {
  const priorities = rules.map(({ priority }) => priority);
  expect(new Set(priorities).size).toBe(priorities.length);
  expect(Math.max(...priorities)).toBe(2_147_483_647);
});

const expressionOf = (action: string): string => {
  const found = rules.find((rule) => rule.action === action)?.match[0].expr?.[0].expression;
  if (found === undefined) throw new Error(`No rule has the action ${action}.`);
  return found;
};
/** The pattern of a rule, as RE2 and JavaScript both read it. */
const patternOf = (action: string): RegExp =>
  new RegExp(/\.matches\('(.*)'\)$/.exec(expressionOf(action))?.[1]?.replaceAll("\\\\", "\\") ?? "$^");

describe("expressions", () => {
  test("use what is documented, in at most five subexpressions", () => {
    const expressions = rules.flatMap(({ match }) => match[0].expr?.[0].expression ?? []);
    expect(expressions).toHaveLength(4);
    for (const expression of expressions) {
      const outside = expression.replaceAll(/'(?:[^'\\]|\\.)*'/g, "''");
      expect(outside.split(/&&|\|\|/).length).toBeLessThanOrEqual(SUBEXPRESSIONS_MAX);
      expect(outside.replaceAll(DOCUMENTED, "")).not.toMatch(/\w+\(/);
    }
  });

  test.each<[string, string, boolean]>([
    ["deny(413)", "1048576", false],
    ["deny(413)", "1999999", false],
    ["deny(413)", "2000000", true],
    ["deny(413)", "33000000", true],
    ["deny(403)", "sqlmap/1.8 (https://sqlmap.org)", true],
    ["deny(403)", "mozilla/5.0 (x11; linux x86_64) chrome/140.0", false],
    ["deny(404)", "/wp-login.php", true],
    ["deny(404)", "/v1/apps/demo/chats", false],
    ["throttle", "/v1/apps/demo/auth/codes", true],
    ["throttle", "/v1/apps/demo/chats", false],
  ])("%s of %s: %s", (action, text, isMet) => {
    expect(patternOf(action).test(text)).toBe(isMet);
  });
});
