import { expect, test } from "vitest";
import { observePlatform } from "./platform-metrics.ts";

const series = (revision: string, point: object, labels = {}) => ({
  metric: { labels },
  resource: { labels: { revision_name: revision } },
  points: [{ value: point }, { value: point }],
});

/** Monitoring as it answers for each metric, page by page. */
const PAGES: Readonly<Record<string, readonly object[][]>> = {
  request_count: [
    [series("api-2", { int64Value: "3" }, { response_code_class: "5xx" })],
    [series("api-2", { int64Value: "7" }, { response_code_class: "2xx" })],
  ],
  "container/memory/utilizations": [[series("api-2", { doubleValue: 0.7 })]],
  "container/startup_latencies": [[series("mail-1", { distributionValue: { count: "4" } })]],
};

function monitoring(asked: URL[] = []): typeof fetch {
  return async (input) => {
    const url = new URL(input instanceof Request ? input.url : input);
    asked.push(url);
    const [, type = ""] = /run\.googleapis\.com\/([\w/]+)"/.exec(url.searchParams.get("filter") ?? "") ?? [];
    const page = Number(url.searchParams.get("pageToken") ?? "0");
    const pages = PAGES[type] ?? [];
    const nextPageToken = page + 1 < pages.length ? String(page + 1) : "";
    return Response.json({ timeSeries: pages[page], nextPageToken });
  };
}

const gcloud = async (args: readonly string[]): Promise<string> =>
  args[0] === "auth" ? "token\n" : JSON.stringify([series("mail-1", {}), series("mail-1", {})]);
const window = { sinceMs: 0, untilMs: 60_000 };

test("Cloud Run's metrics and its own lines are put together by revision, over all pages", async () => {
  const asked: URL[] = [];
  const observed = await observePlatform({ project: "p", gcloud, fetch: monitoring(asked) }, window);
  expect(observed).toEqual(
    new Map([
      ["api-2", { requests: 20, failed: 6, memoryShare: 0.7, starts: 0, kills: 0 }],
      ["mail-1", { requests: 0, failed: 0, memoryShare: 0, starts: 8, kills: 2 }],
    ]),
  );
  for (const url of asked) {
    expect(url.pathname).toBe("/v3/projects/p/timeSeries");
    expect(url.searchParams.get("interval.endTime")).toBe("1970-01-01T00:01:00.000Z");
  }
});

test("a refusal is no sign of health", async () => {
  const refusing: typeof fetch = async () => new Response("no", { status: 403 });
  await expect(observePlatform({ project: "p", gcloud, fetch: refusing }, window)).rejects.toThrow(
    "Monitoring answers 403",
  );
});
