import { existsSync, readdirSync, readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { parseCron } from "../emulators/scheduler/cron.ts";
import manifest from "../functions/manifest.json" with { type: "json" };
import { killFilter } from "../scripts/platform-metrics.ts";
import { PROBES } from "../scripts/smoke-test.ts";
import { readConfiguration, readVariables } from "./checks/configuration.ts";
import { parseLogFilter } from "./checks/log-filter.ts";
import { type Instance, type Plan, planOf } from "./checks/plan.ts";
import { providerSchema } from "./checks/schema.ts";

let plan: Plan;
let policies: readonly Instance[];
beforeAll(async () => {
  const variables = await readVariables("terraform/environments/production.tfvars");
  plan = await planOf(await readConfiguration("terraform"), variables, providerSchema);
  policies = plan.of("google_monitoring_alert_policy");
});

interface Documentation {
  readonly content: string;
  readonly links: readonly { readonly url: string }[];
}
const runbookOf = ({ values }: Instance): string => {
  const [documentation] = values.documentation as [Documentation];
  const [link] = documentation.links;
  expect(documentation.content).toContain(link?.url ?? "no link");
  return /\/docs\/runbooks\/([\w-]+\.md)$/.exec(link?.url ?? "")?.[1] ?? "";
};

/** Whatever in the plan names a metric made from logs: alerts, objectives, the dashboard. */
const metricsNamed = (text: string): string[] => [
  ...[...text.matchAll(/logging\.googleapis\.com\/user\/(\w+)/g)].map(([, name = ""]) => name),
  ...[...text.matchAll(/logging_googleapis_com:user_(\w+)/g)].map(([, name = ""]) => name),
];

describe("alerts", () => {
  test("each leads to a page that exists", () => {
    for (const policy of policies) {
      const runbook = runbookOf(policy);
      expect(existsSync(`docs/runbooks/${runbook}`), `${policy.address}: ${runbook}`).toBe(true);
    }
  });

  test("each goes to mail and to Slack", () => {
    for (const { values } of policies) {
      expect(values.notification_channels).toEqual([
        '<google_monitoring_notification_channel.email["on-call@example.com"].id>',
        '<data.google_monitoring_notification_channel.slack["0"].name>',
      ]);
    }
    const [budget] = plan.of("google_billing_budget");
    expect(budget?.values.all_updates_rule).toMatchObject([
      { monitoring_notification_channels: { length: 2 } },
    ]);
  });

  test.each([
    ["error rate", 'burn["error-rate-fast"]'],
    ["error rate, slowly", 'burn["error-rate-slow"]'],
    ["latency", 'burn["latency-fast"]'],
    ["latency, slowly", 'burn["latency-slow"]'],
    ["traffic spike", "traffic_spike"],
    ["queue age of events", 'above["queue-age"]'],
    ["queue age of tasks", 'above["task-age"]'],
    ["dead letters", 'above["dead-letters"]'],
    ["dead letters that Pub/Sub moved", 'above["dead-letters-moved"]'],
    ["breaker open", 'above["breaker-open"]'],
    ["budgets for models", 'above["model-budget"]'],
    ["reconciler findings", 'above["reconciler-findings"]'],
    ["failing attempts of tasks, by code", 'above["task-attempts"]'],
    ["growing queues", 'above["queue-depth"]'],
    ["5xx that no line tells of", 'above["service-failures"]'],
    ["429 for want of an instance", 'above["service-refusals"]'],
    ["requests that found no instance", 'platform_line["no-instance"]'],
    ["an export that did not begin", 'platform_line["export"]'],
    ["instances that were ended", 'platform_line["ended"]'],
    ["memory", 'above["memory"]'],
    ["searches that scan too much", 'above["search-scans"]'],
    ["the API as seen from outside", 'above["unreachable"]'],
    ["failed logins", 'above["failed-logins"]'],
  ])("there is one for %s", (_, name) => {
    expect(policies.map(({ address }) => address)).toContain(`google_monitoring_alert_policy.${name}`);
  });

  test("each schedule is missed when it is silent, after more than two of its intervals or a day", () => {
    const silent = plan.of("google_monitoring_alert_policy", "silence");
    expect(silent.map(({ key }) => key)).toEqual(Object.keys(manifest.schedules));
    for (const { key = "", values } of silent) {
      const schedule = manifest.schedules[key as keyof typeof manifest.schedules];
      const [{ condition_prometheus_query_language: conditions }] = values.conditions as [
        { condition_prometheus_query_language: [{ query: string }] },
      ];
      const [, name, seconds] = /,function="([\w-]+)"\}\[(\d+)s\]\)$/.exec(conditions[0].query) ?? [];
      expect([name, Number(seconds)]).toEqual([schedule.function, schedule.silenceSeconds]);
      const cron = parseCron(schedule.cron, schedule.timeZone);
      const first = cron.next(0) ?? NaN;
      const everySeconds = ((cron.next(first) ?? NaN) - first) / 1000;
      expect(schedule.silenceSeconds).toBeGreaterThan(Math.min(2 * everySeconds, everySeconds + 3600));
      expect(schedule.silenceSeconds).toBeLessThanOrEqual(Math.max(10 * everySeconds, 600));
    }
  });

  test("a rollout counts the same lines of ended instances that an alert tells of", () => {
    const { ended } = plan.locals.platform_lines as { ended: { filter: string } };
    expect(killFilter(0)).toContain(ended.filter);
  });

  test("availability is what the load balancer has answered", () => {
    const [slo] = plan.of("google_monitoring_slo", "availability");
    const text = JSON.stringify(slo?.values);
    expect(text).toContain("loadbalancing.googleapis.com/https/request_count");
    expect(metricsNamed(text)).toEqual([]);
  });

  test("the check from outside asks the domain for what a working API has, over TLS", async () => {
    const [{ values }] = plan.of("google_monitoring_uptime_check_config") as [Instance];
    const [{ path, ...http }] = values.http_check as [{ path: string }];
    expect(http).toMatchObject({ use_ssl: true, validate_ssl: true, port: 443 });
    expect(values.monitored_resource).toMatchObject([{ labels: { host: "chat.example.com" } }]);
    const [{ content }] = values.content_matchers as [{ content: string }];
    expect(PROBES.api?.find((probe) => probe.path === path)).toMatchObject({ status: 200, holds: content });
  });

  test("every metric that something names is made, and every one made is named", () => {
    const made = plan.of("google_logging_metric").map(({ values }) => String(values.name));
    const shown = plan.instances.filter(({ type }) => type !== "google_logging_metric");
    const named = metricsNamed(JSON.stringify(shown.map(({ values }) => values)));
    expect([...new Set(named)].sort()).toEqual(made.sort());
  });

  test("every label that an alert or a chart asks for is one of its metric's", () => {
    const labels = new Map(
      plan
        .of("google_logging_metric")
        .map(({ values }) => [values.name, Object.keys(values.label_extractors ?? {})]),
    );
    const charts = plan.locals.charts as { filter: string; by: string[] }[];
    for (const { filter, by } of charts) {
      const [metric] = metricsNamed(filter);
      if (metric === undefined) continue;
      const asked = by.map((label) => label.replace("metric.label.", ""));
      expect(labels.get(metric)).toEqual(expect.arrayContaining(asked));
    }
  });

  test("filters of metrics and sinks are in Cloud Logging's language", () => {
    for (const { values } of [
      ...plan.of("google_logging_metric"),
      ...plan.of("google_logging_project_sink"),
    ]) {
      expect(() => parseLogFilter(String(values.filter))).not.toThrow();
    }
  });
});

test("runbooks are linked from an alert or from one another", () => {
  const linked = new Set(policies.map(runbookOf));
  const pages = readdirSync("docs/runbooks");
  for (const page of pages) {
    const text = readFileSync(`docs/runbooks/${page}`, "utf8");
    for (const [, target = ""] of text.matchAll(/\]\(([\w-]+\.md)\)/g)) {
      expect(pages, `${page} links to ${target}`).toContain(target);
      linked.add(target);
    }
  }
  expect([...linked].sort()).toEqual(pages.sort());
});

describe("runbooks use what there is", () => {
  const texts = readdirSync("docs/runbooks").map(
    (page) => [page, readFileSync(`docs/runbooks/${page}`, "utf8")] as const,
  );

  test("filters that one pastes are in Cloud Logging's language", () => {
    const filters = texts.flatMap(([, text]) =>
      [...text.matchAll(/gcloud logging read '([^']+)'/g)].map(([, filter = ""]) => filter),
    );
    expect(filters.length).toBeGreaterThan(10);
    for (const filter of filters) expect(() => parseLogFilter(filter)).not.toThrow();
  });

  test.each(texts)("%s names what is in the manifest", (_, text) => {
    const named = {
      google_cloud_tasks_queue: /gcloud tasks queues (?:describe|pause|resume|update) ([a-z-]+)/g,
      google_cloud_scheduler_job: /gcloud scheduler jobs (?:run|resume) ([a-z-]+)/g,
      google_pubsub_subscription: /gcloud pubsub subscriptions pull ([a-z-]+)/g,
      google_pubsub_topic: /gcloud pubsub topics publish ([a-z-]+)/g,
      google_cloud_run_v2_service: /--service ([a-z-]+)/g,
    };
    for (const [type, pattern] of Object.entries(named)) {
      const there = plan.of(type).map(({ key }) => key);
      for (const [, name] of text.matchAll(pattern)) expect(there).toContain(name);
    }
  });
});
