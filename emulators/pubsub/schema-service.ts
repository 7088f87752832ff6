import type { Kernel } from "../kernel/kernel.ts";
import type { Message, Unary } from "../kernel/rpc.ts";
import { protoTime } from "../kernel/proto-time.ts";
import { StatusError } from "../kernel/status-error.ts";
import type { PubSubCore } from "./core.ts";
import { SCHEMA_REVISIONS_MAX } from "./limits.ts";
import { parseName } from "./names.ts";
import { pageOf } from "./page.ts";
import {
  checkMessage,
  DELETED_SCHEMA,
  type Definition,
  newRevisionId,
  parseDefinition,
  type Revision,
} from "./schema.ts";
import type { Topic } from "./topic.ts";

/** google.pubsub.v1.SchemaView. */
const BASIC = 1;
const FULL = 2;

const invalid = (message: string): StatusError => new StatusError("INVALID_ARGUMENT", message);
const missing = (name: string): StatusError =>
  new StatusError("NOT_FOUND", `Resource not found (resource=${name}).`);

/** "…/schemas/a" or "…/schemas/a@revision". */
function parseRevisionName(given: unknown): { name: string; id: string | undefined } {
  const [, name, id] = /^([^@]*)(?:@([0-9a-f]{8}))?$/.exec(String(given)) ?? [];
  return { name: parseName("schema", name ?? given), id };
}

const view = ({ name, id, type, definition, createMs }: Revision, full: boolean): Message => ({
  name,
  type,
  definition: full ? definition : "",
  revisionId: id,
  revisionCreateTime: protoTime(createMs),
});

/** google.pubsub.v1.SchemaService. */
export function schemaCalls(kernel: Kernel, core: PubSubCore): Record<string, Unary> {
  return { ...wholeCalls(kernel, core), ...revisionCalls(kernel, core), ...validationCalls(core) };
}

/** The revision that a name with or without an id means. */
function accessRevision({ schemas }: PubSubCore, given: unknown): Revision {
  const { name, id } = parseRevisionName(given);
  const found = id === undefined ? schemas.revisions(name)[0] : schemas.revision(name, id);
  if (found === undefined) throw missing(String(given));
  return found;
}

function wholeCalls({ clock }: Kernel, core: PubSubCore): Record<string, Unary> {
  const { database, schemas, registry, policies } = core;
  return {
    CreateSchema({ parent, schema, schemaId }) {
      parseName("project", parent);
      const name = parseName("schema", `${parent}/schemas/${schemaId}`);
      parseDefinition(schema ?? {});
      return database.write(() => {
        if (schemas.revisions(name).length > 0)
          throw new StatusError("ALREADY_EXISTS", `Resource already exists (resource=${name}).`);
        return added(core, { ...schema, name }, clock.now());
      });
    },
    GetSchema: ({ name, view: shown }) => view(accessRevision(core, name), shown !== BASIC),
    ListSchemas({ parent, view: shown, pageSize, pageToken }) {
      const all = schemas.latest(parseName("project", parent).slice("projects/".length));
      const { page, nextPageToken } = pageOf(all, pageSize, pageToken);
      return { schemas: page.map((revision) => view(revision, shown === FULL)), nextPageToken };
    },
    async DeleteSchema({ name }) {
      await database.write(() => {
        const schema = accessRevision(core, parseName("schema", name));
        schemas.removeAll(schema.name);
        policies.forget(schema.name);
        for (const { message } of registry.topics(undefined)) {
          if (message.schemaSettings?.schema !== schema.name) continue;
          registry.putTopic({
            ...message,
            schemaSettings: { ...message.schemaSettings, schema: DELETED_SCHEMA },
          });
        }
      });
      return {};
    },
  };
}

/** Inside `database.write`. */
function added({ schemas }: PubSubCore, { name, type, definition }: Message, createMs: number): Message {
  const revision: Revision = { name, id: newRevisionId(), type, definition, createMs };
  schemas.add(revision);
  return view(revision, true);
}

function revisionCalls({ clock }: Kernel, core: PubSubCore): Record<string, Unary> {
  const { database, schemas } = core;
  const commit = (known: Revision, definition: string): Message => {
    if (schemas.revisions(known.name).length >= SCHEMA_REVISIONS_MAX)
      throw new StatusError("FAILED_PRECONDITION", `A schema has at most ${SCHEMA_REVISIONS_MAX} revisions.`);
    return added(core, { ...known, definition }, clock.now());
  };
  return {
    CommitSchema({ name, schema }) {
      parseDefinition(schema ?? {});
      return database.write(() => {
        const known = accessRevision(core, parseName("schema", name));
        if (schema.name && parseRevisionName(schema.name).name !== known.name)
          throw invalid("The schema's name is another than the request's.");
        if (schema.type !== known.type) throw invalid("A revision is of the same type as those before it.");
        return commit(known, schema.definition);
      });
    },
    RollbackSchema: ({ name, revisionId }) =>
      database.write(() => {
        const target = accessRevision(core, `${parseName("schema", name)}@${revisionId}`);
        return commit(target, target.definition);
      }),
    ListSchemaRevisions({ name, view: shown, pageSize, pageToken }) {
      accessRevision(core, parseName("schema", name));
      // Pages go by the names of what is listed; of revisions, in the order of their age.
      const all = schemas.revisions(name).map((revision, index) => ({
        name: String(index).padStart(4, "0"),
        revision,
      }));
      const { page, nextPageToken } = pageOf(all, pageSize, pageToken);
      return { schemas: page.map(({ revision }) => view(revision, shown === FULL)), nextPageToken };
    },
    DeleteSchemaRevision({ name, revisionId }) {
      const parsed = parseRevisionName(name);
      const id = parsed.id ?? revisionId;
      if (!id) throw invalid("The name must end with the revision: …/schemas/name@revision.");
      return database.write(() => {
        const revision = accessRevision(core, `${parsed.name}@${id}`);
        const [latest, before] = schemas.revisions(parsed.name);
        if (latest === undefined || before === undefined)
          throw invalid("A schema's only revision can't be deleted; delete the schema.");
        schemas.remove(parsed.name, revision.id);
        return view(latest.id === revision.id ? before : latest, true);
      });
    },
  };
}

function validationCalls(core: PubSubCore): Record<string, Unary> {
  return {
    ValidateSchema({ parent, schema }) {
      parseName("project", parent);
      parseDefinition(schema ?? {});
      return {};
    },
    ValidateMessage({ parent, name, schema, message, encoding }) {
      parseName("project", parent);
      const definition = parseDefinition(name ? accessRevision(core, name) : (schema ?? {}));
      checkMessage(definition, message ?? Buffer.alloc(0), encoding);
      return {};
    },
  };
}

/** Finds for each message the newest of a topic's revisions that it is of; remembers parsed definitions. */
export interface TopicSchemas {
  /** Throws where the schema is gone or the message is of none of the revisions. */
  match(topic: Topic, data: Uint8Array): Revision;
}

export function createTopicSchemas({ schemas }: Pick<PubSubCore, "schemas">): TopicSchemas {
  const parsed = new WeakMap<Topic, Map<string, Definition>>();
  const definitionOf = (topic: Topic, revision: Revision): Definition => {
    const known = parsed.get(topic) ?? new Map<string, Definition>();
    parsed.set(topic, known);
    const definition = known.get(revision.id) ?? parseDefinition(revision);
    known.set(revision.id, definition);
    return definition;
  };
  return {
    match(topic, data) {
      const { schema, encoding, firstRevisionId, lastRevisionId } = topic.message.schemaSettings;
      const all = schemas.revisions(schema);
      const from = lastRevisionId ? all.findIndex(({ id }) => id === lastRevisionId) : 0;
      const to = firstRevisionId ? all.findIndex(({ id }) => id === firstRevisionId) : all.length - 1;
      let refusal: unknown = invalid(`The topic's schema is gone (schema=${schema}).`);
      for (const revision of from < 0 ? [] : all.slice(from, to + 1)) {
        try {
          checkMessage(definitionOf(topic, revision), data, encoding);
          return revision;
        } catch (cause) {
          if (!(cause instanceof StatusError)) throw cause;
          refusal = cause;
        }
      }
      throw refusal;
    },
  };
}
