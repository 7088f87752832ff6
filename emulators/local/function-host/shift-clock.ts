import type { ClockMessage, HostMessage } from "./messages.ts";

/**
 * Preloaded into a function host (`--import`), before any code of the functions: makes `Date` tell
 * the suite's time, so the functions need no switch of their own. Timers are left alone, a wait of
 * ten seconds stays one of ten seconds.
 */
const machineNow = Date.now.bind(Date);
const MachineDate = Date;
let offsetMs = Number(process.env.CLOCK_OFFSET_MS ?? 0);

const now = (): number => machineNow() + offsetMs;

/** A proxy and not a subclass, because `Date()` without `new` is a call that must go on working. */
const SuiteDate = new Proxy(MachineDate, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget) as Date,
  apply: () => new MachineDate(now()).toString(),
});

MachineDate.now = now;
MachineDate.prototype.constructor = SuiteDate;
globalThis.Date = SuiteDate;

process.on("message", (message: ClockMessage) => {
  if (message.type !== "clock") return;
  offsetMs = message.offsetMs;
  process.send?.({ type: "clock", offsetMs } satisfies HostMessage);
});
