/**
 * The paths that a server answers over HTTP. Rules of the original: parameters are given once,
 * what is unknown is 404, what cannot be understood is 400, and `/` lists the paths with their help.
 */
import { assert } from '../base/assert.ts';
import type { HostPort } from '../base/host-port.ts';

export type HttpMethod = 'GET' | 'POST';

export interface HttpRequest {
  readonly method: HttpMethod;
  /** Decoded, without the query. */
  readonly path: string;
  /** Decoded, in order. A flag without `=` has the value ''. */
  readonly query: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

export interface HttpReply {
  readonly status: 200 | 307 | 400 | 404 | 500 | 503;
  readonly body: string;
  /** With 307: who answers the same path and query. */
  readonly elsewhere?: HostPort;
}

export type HttpHandler = (request: HttpRequest) => HttpReply | Promise<HttpReply>;

export type HttpQuery = ReadonlyMap<string, string>;

export interface HttpRoute {
  readonly path: string;
  readonly method: HttpMethod;
  readonly help: string;
  /** Names of the query's parameters; others are 400. Null: any. */
  readonly parameters: readonly string[] | null;
  answer(query: HttpQuery, body: string): HttpReply | Promise<HttpReply>;
}

export function jsonReply(value: unknown): HttpReply {
  return { status: 200, body: `${JSON.stringify(value)}\n` };
}

export function textReply(status: HttpReply['status'], text: string): HttpReply {
  return { status, body: `${text}\n` };
}

/** What a path needs and was not given. */
export function missingParameter(name: string): HttpReply {
  return textReply(400, `the parameter ${name} is needed`);
}

export class HttpRoutes {
  readonly #routes = new Map<string, HttpRoute>();

  constructor(routes: readonly HttpRoute[]) {
    const index: HttpRoute = {
      path: '/',
      method: 'GET',
      help: 'lists the paths',
      parameters: null,
      answer: () => jsonReply(this.#helps()),
    };
    for (const route of [index, ...routes]) {
      assert(!this.#routes.has(route.path), 'a path is answered by one route');
      this.#routes.set(route.path, route);
    }
  }

  readonly handle: HttpHandler = (request) => {
    const route = this.#routes.get(request.path);
    if (route === undefined) {
      return textReply(404, `there is nothing at ${request.path}; / lists the paths`);
    }
    if (route.method !== request.method) {
      return textReply(400, `${route.path} is asked by ${route.method}`);
    }
    const query = queryOf(request, route);
    return typeof query === 'string' ? textReply(400, query) : route.answer(query, request.body);
  };

  #helps(): Record<string, string> {
    const sorted = [...this.#routes.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
    return Object.fromEntries(sorted.map(({ path, help }) => [path, help]));
  }
}

/** A text says what is wrong with it. */
function queryOf(request: HttpRequest, route: HttpRoute): HttpQuery | string {
  const query = new Map<string, string>();
  for (const [name, value] of request.query) {
    if (query.has(name)) return `the parameter ${name} is given twice`;
    if (route.parameters !== null && !route.parameters.includes(name)) {
      return `${route.path} has no parameter ${name}`;
    }
    query.set(name, value);
  }
  return query;
}
