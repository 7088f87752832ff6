import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";

/** What one run of a number of requests showed. */
export interface Measured {
  readonly latencies: readonly number[];
  readonly wallMs: number;
  /** Processor time of the measured process, user and system; NaN where the system does not tell. */
  readonly cpuMs: number;
}

const quantile = (sorted: readonly number[], q: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;

export interface Row {
  readonly requests: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly perSecond: number;
  /** Microseconds of processor time for each request. */
  readonly cpuMicros: number;
}

export function rowOf({ latencies, wallMs, cpuMs }: Measured): Row {
  const sorted = [...latencies].sort((a, b) => a - b);
  return {
    requests: sorted.length,
    p50: quantile(sorted, 0.5),
    p95: quantile(sorted, 0.95),
    p99: quantile(sorted, 0.99),
    perSecond: (sorted.length / wallMs) * 1000,
    cpuMicros: (cpuMs / sorted.length) * 1000,
  };
}

/** The middle of several runs, figure by figure: one noisy run does not show. */
export function medianRow(rows: readonly Row[]): Row {
  const median = (pick: (row: Row) => number): number =>
    quantile(
      rows.map(pick).sort((a, b) => a - b),
      0.5,
    );
  return {
    requests: median((row) => row.requests),
    p50: median((row) => row.p50),
    p95: median((row) => row.p95),
    p99: median((row) => row.p99),
    perSecond: median((row) => row.perSecond),
    cpuMicros: median((row) => row.cpuMicros),
  };
}

/**
 * A closed loop: `concurrency` requests are always under way. For capacity and cost, not for waiting times.
 */
export async function closedLoop(
  concurrency: number,
  total: number,
  pid: number,
  work: (index: number) => Promise<void>,
): Promise<Measured> {
  const latencies: number[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < total) {
      const index = next;
      next += 1;
      const startedMs = performance.now();
      await work(index);
      latencies.push(performance.now() - startedMs);
    }
  };
  const cpuBefore = cpuOf(pid);
  const startedMs = performance.now();
  await Promise.all(Array.from({ length: concurrency }, worker));
  return { latencies, wallMs: performance.now() - startedMs, cpuMs: cpuOf(pid) - cpuBefore };
}

/**
 * An open loop: requests are due at seeded Poisson times whether or not earlier ones are answered, and are
 * timed from when they were due. For waiting times.
 */
export async function openLoop(
  perSecond: number,
  total: number,
  pid: number,
  random: () => number,
  work: (index: number) => Promise<void>,
): Promise<Measured> {
  const latencies: number[] = [];
  const cpuBefore = cpuOf(pid);
  const startedMs = performance.now();
  let dueMs = startedMs;
  const underWay: Promise<void>[] = [];
  for (let index = 0; index < total; index += 1) {
    dueMs += (-Math.log(1 - random()) / perSecond) * 1000;
    const waitMs = dueMs - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    const wasDueMs = dueMs;
    underWay.push(work(index).then(() => void latencies.push(performance.now() - wasDueMs)));
  }
  await Promise.all(underWay);
  return { latencies, wallMs: performance.now() - startedMs, cpuMs: cpuOf(pid) - cpuBefore };
}

const TICKS_PER_SECOND = 100;

/** Processor time that a process has used so far, in milliseconds, all its threads included. */
export function cpuOf(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND;
  } catch {
    return Number.NaN;
  }
}

/** Runs bench/bare.ts in a process of its own. */
export async function bare(
  env: NodeJS.ProcessEnv,
  operation: string,
  concurrency: number,
  count: number,
): Promise<Measured> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["bench/bare.ts", operation, String(concurrency), String(count)],
    { env: { ...process.env, ...env }, maxBuffer: 64 * 1024 * 1024 },
  );
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Measured;
}
