/** Those who want to know: plain callbacks by the name of what happens. */
export interface Emitter<Events> {
  /** Answers with what ends the subscription. */
  on<Name extends keyof Events>(name: Name, listener: (value: Events[Name]) => void): () => void;
}

export interface OwnEmitter<Events> extends Emitter<Events> {
  emit<Name extends keyof Events>(name: Name, value: Events[Name]): void;
}

export function createEmitter<Events>(): OwnEmitter<Events> {
  const listeners = new Map<keyof Events, Set<(value: never) => void>>();
  return {
    on(name, listener) {
      const those = listeners.get(name) ?? new Set();
      listeners.set(name, those);
      those.add(listener);
      return () => those.delete(listener);
    },
    emit(name, value) {
      for (const listener of listeners.get(name) ?? []) (listener as (of: typeof value) => void)(value);
    },
  };
}

/** Calls `tell` once for all changes of one turn: a page of a hundred events is drawn once. */
export function coalesce(tell: () => void): () => void {
  let isPlanned = false;
  return () => {
    if (isPlanned) return;
    isPlanned = true;
    queueMicrotask(() => {
      isPlanned = false;
      tell();
    });
  };
}
