import type { Desk } from "../../shared/client/connect.ts";
import { byId } from "./dom.ts";

/** A connection that is back within this time has not been missed. */
const GRACE_MS = 1500;

/** Says when there is no connection, and that nothing is lost by it. */
export function showConnection(desk: Desk) {
  const banner = byId("connection");
  const ending = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;

  const isAway = () => !navigator.onLine || desk.connection === "waiting";
  const show = () => {
    clearTimeout(timer);
    if (isAway() && banner.hidden)
      timer = setTimeout(() => (banner.hidden = !isAway()), navigator.onLine ? GRACE_MS : 0);
    else banner.hidden = !isAway();
  };
  const forget = desk.on("connection", show);
  addEventListener("online", show, { signal: ending.signal });
  addEventListener("offline", show, { signal: ending.signal });
  show();
  return () => {
    clearTimeout(timer);
    forget();
    ending.abort();
    banner.hidden = true;
  };
}
