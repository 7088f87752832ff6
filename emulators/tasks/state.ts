import type { Type } from "protobufjs";
import { type Database, openDatabase } from "../kernel/database.ts";
import type { Queue, QueueSettings } from "./queue.ts";
import type { Progress, Task } from "./task.ts";

/**
 * Queues and tasks on disk. Reads see what has been written in this turn; a write is acknowledged
 * once the promise of `database.write` around it resolves.
 */
export interface TaskState {
  readonly database: Database;
  putQueue(queue: Queue): void;
  queue(name: string): Queue | undefined;
  /** Queues whose full name is after the cursor, in the order of names. */
  listQueues(parent: string, afterName: string, limit: number): Queue[];
  queuesOf(project: string | undefined): Queue[];
  /** Deletes the queue with its tasks and taken names. */
  deleteQueue(name: string): void;
  addTask(task: Task): void;
  task(name: string): Task | undefined;
  listTasks(queue: string, afterName: string, limit: number): Task[];
  /** True while a task of this name exists, or did until recently. */
  isTaken(name: string, nowMs: number): "present" | "recent" | false;
  /** Tasks that are due and not running, the longest due first. */
  dueTasks(queue: string, nowMs: number, limit: number): Task[];
  nextScheduleMs(queue: string): number | undefined;
  startAttempt(name: string, progress: Progress): void;
  endAttempt(name: string, progress: Progress, scheduleMs: number): void;
  /** Ends a task; a name that its caller gave stays taken until then. */
  removeTask(task: Pick<Task, "name" | "named">, takenUntilMs: number): void;
  purge(queue: string, takenUntilMs: number): void;
  depth(queue: string, nowMs: number): QueueDepth;
}

export interface QueueDepth {
  readonly tasks: number;
  readonly running: number;
  readonly due: number;
  readonly oldestScheduleMs: number | undefined;
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS queues (
    name TEXT PRIMARY KEY, project TEXT NOT NULL, paused INTEGER NOT NULL, purgedMs REAL, settings TEXT NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS tasks (
    name TEXT PRIMARY KEY, queue TEXT NOT NULL, named INTEGER NOT NULL, createMs REAL NOT NULL,
    scheduleMs REAL NOT NULL, deadlineMs REAL NOT NULL, running INTEGER NOT NULL DEFAULT 0,
    progress TEXT NOT NULL, request BLOB NOT NULL
  );
  CREATE INDEX IF NOT EXISTS tasksBySchedule ON tasks (queue, running, scheduleMs);
  CREATE INDEX IF NOT EXISTS tasksByName ON tasks (queue, name);
  CREATE TABLE IF NOT EXISTS takenNames (
    name TEXT PRIMARY KEY, queue TEXT NOT NULL, untilMs REAL NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS takenNamesByEnd ON takenNames (untilMs);
  CREATE INDEX IF NOT EXISTS takenNamesByQueue ON takenNames (queue);
  -- Attempts that were under way when the process ended are made again.
  UPDATE tasks SET running = 0 WHERE running <> 0;
`;

type Row = Record<string, unknown>;

const queueOf = (row: Row): Queue => ({
  name: row.name as string,
  project: row.project as string,
  paused: row.paused === 1,
  purgedMs: (row.purgedMs as number | null) ?? undefined,
  settings: JSON.parse(row.settings as string) as QueueSettings,
});

export const queueOfTask = (name: string): string => name.slice(0, name.lastIndexOf("/tasks/"));

export function openTaskState(path: string | undefined, httpRequest: Type): TaskState {
  const database = openDatabase(path);
  const { sql } = database;
  sql.exec(SCHEMA);
  return { database, ...queueStatements(database), ...taskStatements(database, httpRequest) };
}

function queueStatements({ sql }: Database) {
  const put = sql.prepare("INSERT OR REPLACE INTO queues VALUES (?, ?, ?, ?, ?)");
  const get = sql.prepare("SELECT * FROM queues WHERE name = ?");
  const list = sql.prepare("SELECT * FROM queues WHERE name > ? AND name < ? ORDER BY name LIMIT ?");
  const all = sql.prepare("SELECT * FROM queues WHERE ?1 IS NULL OR project = ?1 ORDER BY name");
  const remove = sql.prepare("DELETE FROM queues WHERE name = ?");
  const removeTasks = sql.prepare("DELETE FROM tasks WHERE queue = ?");
  const removeNames = sql.prepare("DELETE FROM takenNames WHERE queue = ?");
  const keepNames = sql.prepare(
    "INSERT OR REPLACE INTO takenNames SELECT name, queue, ? FROM tasks WHERE queue = ? AND named = 1",
  );
  const depth = sql.prepare(`
    SELECT count(*) AS tasks, count(nullif(running, 0)) AS running, min(scheduleMs) AS oldestScheduleMs,
      count(CASE WHEN running = 0 AND scheduleMs <= ? THEN 1 END) AS due
    FROM tasks WHERE queue = ?`);

  return {
    putQueue({ name, project, paused, purgedMs, settings }: Queue) {
      put.run(name, project, paused ? 1 : 0, purgedMs ?? null, JSON.stringify(settings));
    },
    queue(name: string) {
      const row = get.get(name);
      return row && queueOf(row);
    },
    listQueues(parent: string, afterName: string, limit: number) {
      const prefix = `${parent}/queues/`;
      // "0" is the character after "/": the range holds the names below the prefix and no others.
      const end = `${parent}/queues0`;
      return list.all(afterName === "" ? prefix : afterName, end, limit).map(queueOf);
    },
    queuesOf: (project: string | undefined) => all.all(project ?? null).map(queueOf),
    deleteQueue(name: string) {
      removeTasks.run(name);
      removeNames.run(name);
      remove.run(name);
    },
    purge(queue: string, takenUntilMs: number) {
      keepNames.run(takenUntilMs, queue);
      removeTasks.run(queue);
    },
    depth(queue: string, nowMs: number) {
      const row = depth.get(nowMs, queue) as Row;
      return {
        tasks: row.tasks as number,
        running: row.running as number,
        due: row.due as number,
        oldestScheduleMs: (row.oldestScheduleMs as number | null) ?? undefined,
      };
    },
  };
}

function taskStatements({ sql }: Database, httpRequest: Type) {
  const add = sql.prepare(`
    INSERT INTO tasks (name, queue, named, createMs, scheduleMs, deadlineMs, progress, request)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)`);
  const get = sql.prepare("SELECT * FROM tasks WHERE name = ?");
  const exists = sql.prepare("SELECT 1 FROM tasks WHERE name = ?");
  const taken = sql.prepare("SELECT 1 FROM takenNames WHERE name = ? AND untilMs > ?");
  const list = sql.prepare("SELECT * FROM tasks WHERE queue = ? AND name > ? ORDER BY name LIMIT ?");
  const due = sql.prepare(`
    SELECT * FROM tasks WHERE queue = ? AND running = 0 AND scheduleMs <= ? ORDER BY scheduleMs LIMIT ?`);
  const next = sql.prepare("SELECT min(scheduleMs) AS ms FROM tasks WHERE queue = ? AND running = 0");
  const start = sql.prepare("UPDATE tasks SET running = running + 1, progress = ? WHERE name = ?");
  const end = sql.prepare(
    "UPDATE tasks SET running = running - 1, progress = ?, scheduleMs = ? WHERE name = ?",
  );
  const remove = sql.prepare("DELETE FROM tasks WHERE name = ?");
  const take = sql.prepare("INSERT OR REPLACE INTO takenNames VALUES (?, ?, ?)");
  const forget = sql.prepare("DELETE FROM takenNames WHERE untilMs <= ?");

  const taskOf = (row: Row): Task => ({
    name: row.name as string,
    queue: row.queue as string,
    named: row.named === 1,
    createMs: row.createMs as number,
    scheduleMs: row.scheduleMs as number,
    deadlineMs: row.deadlineMs as number,
    progress: JSON.parse(row.progress as string) as Progress,
    request: httpRequest.decode(row.request as Uint8Array),
  });

  return {
    addTask(task: Task) {
      const { name, queue, named, createMs, scheduleMs, deadlineMs, progress, request } = task;
      const bytes = httpRequest.encode(request).finish();
      add.run(name, queue, named ? 1 : 0, createMs, scheduleMs, deadlineMs, JSON.stringify(progress), bytes);
    },
    task(name: string) {
      const row = get.get(name);
      return row && taskOf(row);
    },
    listTasks: (queue: string, afterName: string, limit: number) =>
      list.all(queue, afterName, limit).map(taskOf),
    isTaken(name: string, nowMs: number): "present" | "recent" | false {
      forget.run(nowMs);
      if (exists.get(name) !== undefined) return "present";
      return taken.get(name, nowMs) === undefined ? false : "recent";
    },
    dueTasks: (queue: string, nowMs: number, limit: number) => due.all(queue, nowMs, limit).map(taskOf),
    nextScheduleMs: (queue: string) => (next.get(queue)?.ms as number | null) ?? undefined,
    startAttempt(name: string, progress: Progress) {
      start.run(JSON.stringify(progress), name);
    },
    endAttempt(name: string, progress: Progress, scheduleMs: number) {
      end.run(JSON.stringify(progress), scheduleMs, name);
    },
    removeTask({ name, named }: Pick<Task, "name" | "named">, takenUntilMs: number) {
      remove.run(name);
      if (named) take.run(name, queueOfTask(name), takenUntilMs);
    },
  };
}
