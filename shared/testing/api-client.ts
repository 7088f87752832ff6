/** An HTTP client for tests: JSON in, status, headers and JSON out; nothing throws for a status. */
export interface ApiClient {
  get(path: string, headers?: HeaderList): Promise<ApiReply>;
  post(path: string, body?: unknown, headers?: HeaderList): Promise<ApiReply>;
  put(path: string, body?: unknown, headers?: HeaderList): Promise<ApiReply>;
  patch(path: string, body?: unknown, headers?: HeaderList): Promise<ApiReply>;
  delete(path: string, headers?: HeaderList): Promise<ApiReply>;
}

type HeaderList = Readonly<Record<string, string>>;

export interface ApiReply {
  readonly status: number;
  readonly headers: Headers;
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into replies of every shape
  readonly body: any;
}

export function createApiClient(url: string, base: HeaderList): ApiClient {
  const call = async (
    method: string,
    path: string,
    body: unknown,
    headers: HeaderList = {},
  ): Promise<ApiReply> => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...base, ...headers },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = /json/.test(response.headers.get("content-type") ?? "");
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
  };
  return {
    get: (path, headers) => call("GET", path, undefined, headers),
    post: (path, body, headers) => call("POST", path, body, headers),
    put: (path, body, headers) => call("PUT", path, body, headers),
    patch: (path, body, headers) => call("PATCH", path, body, headers),
    delete: (path, headers) => call("DELETE", path, undefined, headers),
  };
}
