import { Worker } from "node:worker_threads";

/** Of a larger document no text is read. */
export const PDF_BYTES_MAX = 40 * 1024 * 1024;
export const PDF_PAGES_MAX = 200;
/** UTF-16 units; more than any model's window would be given. */
export const PDF_CHARS_MAX = 400_000;
export const PDF_MS_MAX = 15_000;
/** What the thread may hold: objects, and what it unpacks. */
const HEAP_MIB_MAX = 256;
export const PDF_MEMORY_BYTES_MAX = 320 * 1024 * 1024;
const MEMORY_LOOK_MS = 20;

export interface PdfTask {
  readonly bytes: Uint8Array;
  readonly pagesMax: number;
  readonly charsMax: number;
}

export interface PdfText {
  readonly text: string;
  /** The document goes on. */
  readonly isCut: boolean;
}

/**
 * The text of a document, as far as it has one; undefined for one that can't be read, is locked, or takes
 * more than PDF_MS_MAX or PDF_MEMORY_BYTES_MAX. It is read in a thread that is ended then, so nothing in it
 * ends the instance. `bytes` are given away.
 */
export async function readPdfText(bytes: Uint8Array<ArrayBuffer>): Promise<PdfText | undefined> {
  const task: PdfTask = { bytes, pagesMax: PDF_PAGES_MAX, charsMax: PDF_CHARS_MAX };
  const thread = new Worker(new URL("./pdf-thread.ts", import.meta.url), {
    workerData: task,
    transferList: [bytes.buffer],
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB_MAX, maxYoungGenerationSizeMb: 32 },
    // It needs nothing of what the function knows.
    env: {},
    stdout: true,
    stderr: true,
  });
  const { promise, resolve } = Promise.withResolvers<PdfText | undefined>();
  const end = (): void => resolve(undefined);
  thread.on("message", resolve);
  thread.on("error", end);
  thread.on("exit", end);
  const limit = setTimeout(end, PDF_MS_MAX);
  // Unpacked streams lie beside the heap, which the limits above do not see.
  const look = setInterval(() => {
    // It is refused before the thread runs, and once it has ended.
    thread.getHeapStatistics().then(
      ({ used_heap_size: used, external_memory: external }) => {
        if (used + external > PDF_MEMORY_BYTES_MAX) end();
      },
      () => undefined,
    );
  }, MEMORY_LOOK_MS);
  try {
    return await promise;
  } finally {
    clearTimeout(limit);
    clearInterval(look);
    await thread.terminate();
  }
}
