/**
 * etcd's own JSON gateway: each call of its gRPC interface as a POST of one JSON document, with bytes in base64 and
 * 64-bit integers in decimal.
 *
 * One call is one request to one member: only one that refuses the connection is passed over at once. A call that
 * fails, with `CoordinationError`, leaves the next one to the next member. Answers are bounded in time and in bytes.
 */
import { Agent, type IncomingMessage, request } from 'node:http';
import { assert } from '../../base/assert.ts';
import { CoordinationError } from '../../env/coordination.ts';
import type { HostPort } from '../../model/identity.ts';
import { hostPortText } from '../../model/identity.ts';

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

export interface JsonObject {
  readonly [field: string]: Json | undefined;
}

const ANSWER_BYTES_MAX = 64 * 1024 * 1024;
/** Of an answer that is no JSON, in an error. */
const ANSWER_SHOWN_MAX = 200;
/** One is enough for a store; the election has its own. */
const SOCKETS_MAX = 4;

interface Answer {
  readonly status: number;
  readonly text: string;
}

export class EtcdGateway {
  readonly #members: readonly HostPort[];
  readonly #agent = new Agent({ keepAlive: true, maxSockets: SOCKETS_MAX });
  /** The member that is asked. */
  #current = 0;

  constructor(members: readonly HostPort[]) {
    assert(members.length > 0, 'there is a member to ask');
    this.#members = members;
  }

  /** `path` is what follows `/v3/`. Rejects with `CoordinationError`. */
  async call(path: string, body: JsonObject, timeoutMs: number): Promise<JsonObject> {
    const text = JSON.stringify(body);
    for (let left = this.#members.length; ; left--) {
      const asked = this.#current;
      const member = this.#members[asked]!;
      try {
        return readAnswer(await this.#post(member, path, text, timeoutMs));
      } catch (error) {
        // Two calls that fail at the same member move on by one.
        if (this.#current === asked) this.#current = (asked + 1) % this.#members.length;
        if (left > 1 && isRefusal(error)) continue;
        const reason = error instanceof Error ? error.message : String(error);
        throw new CoordinationError(`etcd at ${hostPortText(member)}: ${reason}`);
      }
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  #post(member: HostPort, path: string, body: string, timeoutMs: number): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const outgoing = request(
        {
          host: member.host,
          port: member.port,
          path: `/v3/${path}`,
          method: 'POST',
          agent: this.#agent,
          headers: {
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(body),
          },
        },
        (incoming) => {
          readText(incoming)
            .then((text) => resolve({ status: incoming.statusCode ?? 0, text }), reject)
            .finally(() => clearTimeout(limit));
        },
      );
      const limit = setTimeout(() => {
        outgoing.destroy(new Error(`nothing within ${timeoutMs} ms`));
      }, timeoutMs);
      outgoing.on('error', (error) => {
        clearTimeout(limit);
        reject(error);
      });
      outgoing.end(body);
    });
  }
}

/** Nobody listens there, so nothing was asked and the next member can be. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED';
}

function readAnswer({ status, text }: Answer): JsonObject {
  const answer = parseObject(text);
  if (status === 200 && answer !== null && answer['error'] === undefined) return answer;
  const detail = answer === null ? text.slice(0, ANSWER_SHOWN_MAX) : errorText(answer);
  throw new Error(`answers ${status}: ${detail}`);
}

async function readText(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) throw new Error(`its answer is larger than ${ANSWER_BYTES_MAX}`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function parseObject(text: string): JsonObject | null {
  try {
    const parsed = JSON.parse(text) as Json;
    const isObject = typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed);
    return isObject ? (parsed as JsonObject) : null;
  } catch {
    return null;
  }
}

/** Streaming calls wrap it once more. */
function errorText(answer: JsonObject): string {
  const { error } = answer;
  if (typeof error === 'object' && error !== null) return JSON.stringify(error);
  return String(answer['message'] ?? error ?? 'nothing that can be read');
}
