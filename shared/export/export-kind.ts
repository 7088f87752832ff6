import { NewExport } from "../transfers/contract.ts";
import type { TransferKind } from "../transfers/run-transfer.ts";
import { EXPORT } from "./begin-export.ts";
import type { ExportDeps } from "./export-context.ts";
import { stepExport } from "./step-export.ts";

/** Exports, among the kinds of transfers: what is done of them is counted in messages. */
export const exportKind = (deps: ExportDeps): TransferKind => ({
  kind: EXPORT,
  async step({ app, id, by, input, cursor, createdAt, endMs }) {
    const { scope } = NewExport.parse(input);
    const { result, ...stepped } = await stepExport(
      deps,
      { app, id, by, scope, begunMs: createdAt.toMillis() },
      { cursor, endMs },
    );
    return { ...stepped, ...(result === undefined ? {} : { result }) };
  },
});
