/**
 * The way from one process to a coordination service that lives outside of it: answers arrive as events of the process,
 * so they wait while it is paused and are lost when it is dead; and the way can be cut.
 */
import { CoordinationError, type CoordinationService } from '../../src/env/coordination.ts';

export interface ServiceLink {
  /** Calls back when the process runs, or never. */
  run(callback: () => void): void;
  readonly isCut: boolean;
}

export function serviceThrough(
  client: CoordinationService,
  link: ServiceLink,
): CoordinationService {
  const through = <T>(call: () => Promise<T>): Promise<T> => {
    const answer = link.isCut
      ? Promise.reject<T>(new CoordinationError('it cannot be reached from here'))
      : call();
    return new Promise((resolve, reject) => {
      answer.then(
        (value) => link.run(() => resolve(value)),
        (error: unknown) => link.run(() => reject(error as Error)),
      );
    });
  };
  return {
    limits: client.limits,
    leadTimeoutMs: client.leadTimeoutMs,
    readHead: () => through(() => client.readHead()),
    readAll: () => through(() => client.readAll()),
    write: (request) => through(() => client.write(request)),
    attend: (candidate) => through(() => client.attend(candidate)),
    resign: () => through(() => client.resign()),
    close: () => client.close(),
  };
}
