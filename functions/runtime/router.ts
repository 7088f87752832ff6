import { AppError } from "../../shared/platform/errors.ts";
import type { Endpoint, Method } from "./endpoint.ts";

/** What an endpoint is found by. */
type Address = Pick<Endpoint, "method" | "path">;

export interface Route<E> {
  readonly endpoint: E;
  readonly params: Readonly<Record<string, string>>;
}

interface Node<E> {
  readonly fixed: Map<string, Node<E>>;
  parameter: Node<E> | undefined;
  readonly endpoints: Map<Method, { endpoint: E; names: readonly string[] }>;
}

export const PATH_CHARS_MAX = 2_000;

const emptyNode = <E>(): Node<E> => ({ fixed: new Map(), parameter: undefined, endpoints: new Map() });

/** Finds endpoints by method and path. @throws AppError `not_found`, `method_not_allowed`, `uri_too_long` */
export function createRouter<E extends Address>(
  endpoints: readonly E[],
): (method: string, path: string) => Route<E> {
  const root = emptyNode<E>();
  for (const endpoint of endpoints) add(root, endpoint);
  return (method, path) => {
    if (path.length > PATH_CHARS_MAX) throw new AppError("uri_too_long", "The address is too long.");
    const values: string[] = [];
    const node = find(root, path.split("/").slice(1), values);
    if (node === undefined || node.endpoints.size === 0)
      throw new AppError("not_found", "There is no such route.");
    const wanted = method === "HEAD" ? "GET" : method;
    const match = node.endpoints.get(wanted as Method);
    if (match === undefined) {
      throw new AppError("method_not_allowed", "This address has other methods; see Allow.", {
        allow: [...node.endpoints.keys()],
      });
    }
    return {
      endpoint: match.endpoint,
      params: Object.fromEntries(match.names.map((name, index) => [name, values[index] ?? ""])),
    };
  };
}

function add<E extends Address>(root: Node<E>, endpoint: E): void {
  let node = root;
  const names: string[] = [];
  for (const segment of endpoint.path.split("/").slice(1)) {
    const name = /^\{(\w+)\}$/.exec(segment)?.[1];
    let next = name === undefined ? node.fixed.get(segment) : node.parameter;
    if (next === undefined) {
      next = emptyNode();
      if (name === undefined) node.fixed.set(segment, next);
      else node.parameter = next;
    }
    if (name !== undefined) names.push(name);
    node = next;
  }
  if (node.endpoints.has(endpoint.method))
    throw new Error(`${endpoint.method} ${endpoint.path} stands twice.`);
  node.endpoints.set(endpoint.method, { endpoint, names });
}

/** Fixed segments win over parameters: /sessions/current is not a session named "current". */
function find<E>(node: Node<E>, segments: readonly string[], values: string[]): Node<E> | undefined {
  const [segment, ...rest] = segments;
  if (segment === undefined) return node;
  const fixed = node.fixed.get(segment);
  if (fixed !== undefined) {
    const found = find(fixed, rest, values);
    if (found !== undefined && found.endpoints.size > 0) return found;
  }
  if (node.parameter === undefined || segment === "") return undefined;
  values.push(decodeURIComponent(segment));
  const found = find(node.parameter, rest, values);
  if (found === undefined) values.pop();
  return found;
}
