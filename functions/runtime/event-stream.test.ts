import { EventEmitter } from "node:events";
import type { ServerResponse } from "node:http";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  HEARTBEAT_MS,
  INLINE_STREAM_MS_MAX,
  STREAM_MS_MAX,
  STREAM_MS_MIN,
} from "../../shared/live/contract.ts";
import manifest from "../manifest.json" with { type: "json" };
import { eventStream, type StreamOpener } from "./event-stream.ts";
import type { StreamOptions } from "./open-streams.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const opener = {
  deps: { openStreams: { open: () => Promise.resolve(() => undefined), count: () => 0 } },
} as unknown as StreamOpener;

/** A reader who takes everything at once. */
function reader(): { response: ServerResponse; isEnded(): boolean; text(): string } {
  let text = "";
  let isEnded = false;
  const response = Object.assign(new EventEmitter(), {
    destroyed: false,
    writableLength: 0,
    write: (piece: string) => (text += piece) !== "",
    end() {
      isEnded = true;
      response.emit("close");
    },
  });
  return { response: response as unknown as ServerResponse, isEnded: () => isEnded, text: () => text };
}

/** How long a stream with these options lasts, and what its reader has read by then. */
async function lasting(options: StreamOptions): Promise<{ ms: number; text: string }> {
  const { response, isEnded, text } = reader();
  const reply = await eventStream(opener, () => Promise.resolve(() => undefined), options);
  const beganMs = Date.now();
  reply.stream?.(response);
  while (!isEnded()) vi.advanceTimersByTime(1_000);
  return { ms: Date.now() - beganMs, text: text() };
}

describe("a stream", () => {
  test("lasts for a time of its own, and is shown to live until then", async () => {
    const lasted = await Promise.all(Array.from({ length: 20 }, () => lasting({})));
    for (const { ms, text } of lasted) {
      expect(ms).toBeGreaterThanOrEqual(STREAM_MS_MIN);
      expect(ms).toBeLessThanOrEqual(STREAM_MS_MAX + 1_000);
      expect(text.split(": still here").length - 1).toBe(Math.floor((ms - 1) / HEARTBEAT_MS));
      expect(text).toMatch(/^retry: [12]\d{3}\n\n/);
      expect(text).toMatch(/event: reconnect\ndata: \{\}\n\n$/);
    }
    // Those that were opened together do not come back together.
    expect(new Set(lasted.map(({ ms }) => ms)).size).toBeGreaterThan(10);
  });

  test("that tells what is made here ends before the request that opened it would", async () => {
    expect((await lasting({ isOfThisInstance: true })).ms).toBe(INLINE_STREAM_MS_MAX);
  });

  test("ends before the function's requests are cut", () => {
    const { api, live } = manifest.functions;
    expect(INLINE_STREAM_MS_MAX).toBeLessThan(api.timeoutSeconds * 1000);
    expect(STREAM_MS_MAX).toBeLessThan(live.timeoutSeconds * 1000);
  });
});
