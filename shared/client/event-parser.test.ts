import { expect, test } from "vitest";
import { createEventParser } from "./event-parser.ts";

/** What a parser makes of a text that comes in pieces. */
function parse(...pieces: string[]): { events: string[]; id: string | undefined; retry: number | undefined } {
  const events: string[] = [];
  const parser = createEventParser(({ event, data }) =>
    events.push(`${parser.lastEventId ?? "-"} ${event} ${data}`),
  );
  for (const piece of pieces) parser.push(piece);
  return { events, id: parser.lastEventId, retry: parser.retryMs };
}

test("an event has its name, its data and the id before it", () => {
  expect(parse("id: 7\nevent: read\ndata: {}\n\ndata: plain\n\n").events).toEqual([
    "7 read {}",
    "7 message plain",
  ]);
});

test("a block without data is no event, but its id is where to resume", () => {
  expect(parse("id: 3\nevent: typing\n\n")).toEqual({ events: [], id: "3", retry: undefined });
  expect(parse("id: 3\n\nid\n\n").id).toBe("");
});

test("an id counts once its block is whole, and never with a NUL in it", () => {
  expect(parse("id: 3\n\nid: 4\ndata: cut").id).toBe("3");
  expect(parse("id: 3\n\nid: 4\0\ndata: x\n\n").id).toBe("3");
});

test("lines end with LF, CR or both, wherever the pieces are cut", () => {
  const text = "\uFEFF: hello\r\nid:1\rdata: a\ndata:b\r\n\r\nretry: 250\r\rdata: c\n\n";
  const whole = parse(text);
  expect(whole).toEqual({ events: ["1 message a\nb", "1 message c"], id: "1", retry: 250 });
  expect(parse(...text.split(""))).toEqual(whole);
  for (let at = 1; at < text.length; at += 1) expect(parse(text.slice(0, at), text.slice(at))).toEqual(whole);
});

test("comments, unknown fields and a retry that is no number say nothing", () => {
  expect(parse(": still here\n\nfoo: bar\nretry: soon\ndata\ndata:  x\n\n")).toEqual({
    events: ["- message \n x"],
    id: undefined,
    retry: undefined,
  });
});
