import { describe, expect, test } from "vitest";
import { composeTurns, type Room } from "./compose-turns.ts";
import type { Turn } from "./contract.ts";
import { estimateTokens } from "./estimate-tokens.ts";

const ROOM: Room = { windowTokens: 8_192, outputTokens: 1_000, systemRole: true, images: true };
const turn = (role: Turn["role"], content: string): Turn => ({ role, content });
const words = (count: number): string => "word ".repeat(count).trim();

describe("strict templates are satisfied:", () => {
  test("one system message comes first", () => {
    const { turns } = composeTurns({ system: ["Be kind.", "Earlier: …"], turns: [turn("user", "Hi")] }, ROOM);
    expect(turns).toEqual([turn("system", "Be kind.\n\nEarlier: …"), turn("user", "Hi")]);
  });

  test("neighbours of one role are joined", () => {
    const { turns } = composeTurns(
      {
        system: [],
        turns: [
          turn("user", "One"),
          turn("user", "Two"),
          turn("assistant", "A"),
          turn("assistant", "B"),
          turn("user", "?"),
        ],
      },
      ROOM,
    );
    expect(turns).toEqual([turn("user", "One\n\nTwo"), turn("assistant", "A\n\nB"), turn("user", "?")]);
  });

  test("an answer whose question is gone is left out", () => {
    const conversation = { system: [], turns: [turn("assistant", "A"), turn("user", "And then?")] };
    expect(composeTurns(conversation, ROOM).turns).toEqual([turn("user", "And then?")]);
  });

  test("without a role for instructions they stand before the first question", () => {
    const conversation = { system: ["Be kind."], turns: [turn("user", "Hi")] };
    expect(composeTurns(conversation, { ...ROOM, systemRole: false }).turns).toEqual([
      turn("user", "Be kind.\n\nHi"),
    ]);
  });
});

describe("the window holds", () => {
  const conversation = {
    system: ["Be kind."],
    turns: [
      turn("user", words(3_000)),
      turn("assistant", words(3_000)),
      turn("user", words(3_000)),
      turn("assistant", words(2_000)),
      turn("user", "What did I paste?"),
    ],
  };

  test("the newest turns whole, and says how many it left", () => {
    const { turns, left, inputTokens } = composeTurns(conversation, ROOM);
    expect(left).toBe(2);
    expect(turns.map(({ content }) => content)).toEqual([
      "Be kind.",
      ...conversation.turns.slice(2).map(({ content }) => content),
    ]);
    expect(inputTokens).toBeLessThanOrEqual(ROOM.windowTokens - ROOM.outputTokens);
  });

  test("all of it where it fits", () => {
    const { turns, left } = composeTurns(conversation, { ...ROOM, windowTokens: 128_000 });
    expect(left).toBe(0);
    expect(turns).toHaveLength(6);
  });

  test("a question longer than the window with its beginning and its end", () => {
    const question = `FIRST ${words(20_000)} LAST`;
    const { turns, inputTokens } = composeTurns({ system: [], turns: [turn("user", question)] }, ROOM);
    expect(turns[0]?.content).toMatch(/^FIRST .* LAST$/s);
    expect(inputTokens).toBeLessThanOrEqual(ROOM.windowTokens - ROOM.outputTokens);
    expect(estimateTokens(turns[0]?.content ?? "")).toBeGreaterThan(5_000);
  });

  test("where the answer takes all of the window, the question is there", () => {
    const { turns } = composeTurns(
      { system: [], turns: [turn("user", "Hello")] },
      { ...ROOM, windowTokens: 8 },
    );
    expect(turns).toHaveLength(1);
    expect(turns[0]?.role).toBe("user");
  });

  test("in the smallest window the question is there", () => {
    const { turns } = composeTurns(conversation, { ...ROOM, windowTokens: 512, outputTokens: 256 });
    expect(turns.at(-1)).toEqual(turn("user", "What did I paste?"));
  });

  test("a shortened text is well-formed", () => {
    const { turns } = composeTurns({ system: [], turns: [turn("user", "😀".repeat(20_000))] }, ROOM);
    expect(turns[0]?.content.isWellFormed()).toBe(true);
  });
});
