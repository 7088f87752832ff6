import type { Desk } from "../../shared/client/connect.ts";
import { byId } from "./dom.ts";

/** A loss of the connection that is shorter than this is not shown. */
const GRACE_MS = 1500;

/** Shows a banner while there is no connection. */
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
