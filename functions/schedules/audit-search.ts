import { auditIndex } from "../../shared/search/audit-index.ts";
import { scheduleFunction } from "../runtime/background-function.ts";

export const auditSearch = scheduleFunction({
  name: "audit-search",
  open: (deps) => () => auditIndex(deps),
});
