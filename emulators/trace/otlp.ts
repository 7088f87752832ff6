import { z } from "zod";
import type { Span, SpanKind } from "./state.ts";

/** The response to an export, with the number of rejected spans. */
export function responseOf(rejected: number): object {
  return rejected === 0
    ? {}
    : { partialSuccess: { rejectedSpans: String(rejected), errorMessage: "The trace has too many spans." } };
}

type AnyValue = z.infer<typeof PlainValue> & {
  readonly arrayValue?: { readonly values?: readonly AnyValue[] | undefined } | undefined;
  readonly kvlistValue?: { readonly values?: readonly KeyValue[] | undefined } | undefined;
};
interface KeyValue {
  readonly key: string;
  readonly value?: AnyValue | undefined;
}

const Whole = z.union([z.number(), z.string().regex(/^-?\d+$/)]);
const PlainValue = z.object({
  stringValue: z.string().optional(),
  boolValue: z.boolean().optional(),
  intValue: Whole.optional(),
  doubleValue: z.number().optional(),
  bytesValue: z.string().optional(),
});
const AnyValue: z.ZodType<AnyValue> = PlainValue.extend({
  arrayValue: z.object({ values: z.array(z.lazy(() => AnyValue)).optional() }).optional(),
  kvlistValue: z.object({ values: z.array(z.lazy(() => KeyValue)).optional() }).optional(),
});
const KeyValue: z.ZodType<KeyValue> = z.object({ key: z.string(), value: AnyValue.optional() });
const Attributes = z.array(KeyValue).default([]);

const hexId = (bytes: number) =>
  z
    .string()
    .regex(new RegExp(`^[0-9a-fA-F]{${bytes * 2}}$`))
    .transform((text) => text.toLowerCase())
    .refine((text) => /[1-9a-f]/.test(text));
const KINDS: readonly SpanKind[] = ["unspecified", "internal", "server", "client", "producer", "consumer"];
const STATUS_ERROR = 2;

const OtlpSpan = z.object({
  traceId: hexId(16),
  spanId: hexId(8),
  parentSpanId: z.union([z.literal("").transform(() => undefined), hexId(8)]).optional(),
  name: z.string().min(1),
  kind: z
    .int()
    .min(0)
    .max(KINDS.length - 1)
    .default(0),
  startTimeUnixNano: Whole,
  endTimeUnixNano: Whole,
  attributes: Attributes,
  status: z.object({ code: z.int().default(0) }).default({ code: 0 }),
});

const Request = z.object({
  resourceSpans: z
    .array(
      z.object({
        resource: z.object({ attributes: Attributes }).default({ attributes: [] }),
        scopeSpans: z.array(z.object({ spans: z.array(OtlpSpan).default([]) })).default([]),
      }),
    )
    .default([]),
});

/** @throws ZodError for anything that is no export of traces */
export function parseExport(request: unknown): Span[] {
  return Request.parse(request).resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const about = plainAttributes(resource.attributes);
    const service = textOf(about["service.name"]) ?? "unknown_service";
    const project = textOf(about["gcp.project_id"]) ?? "";
    return scopeSpans.flatMap(({ spans }) =>
      spans.map(({ startTimeUnixNano, endTimeUnixNano, attributes, status, kind, ...span }) => ({
        ...span,
        parentSpanId: span.parentSpanId,
        kind: KINDS[kind] ?? "unspecified",
        service,
        project,
        startMs: msOf(startTimeUnixNano),
        endMs: msOf(endTimeUnixNano),
        attributes: plainAttributes(attributes),
        isFailed: status.code === STATUS_ERROR,
      })),
    );
  });
}

const textOf = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

/** To the microsecond: what a double still tells apart in times of this century. */
const msOf = (nanoseconds: string | number): number => Number(BigInt(nanoseconds) / 1000n) / 1000;

const plainAttributes = (attributes: readonly KeyValue[]): Record<string, unknown> =>
  Object.fromEntries(
    attributes.map(({ key, value }) => [key, value === undefined ? null : plainValue(value)]),
  );

function plainValue(value: AnyValue): unknown {
  if (value.intValue !== undefined) return Number(value.intValue);
  if (value.arrayValue !== undefined) return (value.arrayValue.values ?? []).map(plainValue);
  if (value.kvlistValue !== undefined) return plainAttributes(value.kvlistValue.values ?? []);
  return value.stringValue ?? value.boolValue ?? value.doubleValue ?? value.bytesValue ?? null;
}
