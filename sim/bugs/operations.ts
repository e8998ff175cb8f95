/** Planted bugs of client operations: atomicity, times to live, retries. */
import type { PlantedBug } from './planted-bug.ts';

export const OPERATION_BUGS: readonly PlantedBug[] = [
  {
    name: 'atomic-ignores-in-flight',
    what: 'incr and check_and_set look at the engine only, not at the writes under way',
    consequence: 'lost updates',
    edits: [
      {
        file: 'src/storage/latest-value.ts',
        find: 'for (const body of this.source.unapplied()) {',
        replace: 'for (const body of []) {',
      },
    ],
  },
  {
    name: 'incr-executed-twice',
    what: 'the client repeats a write that was sent and not answered, also one that may not be',
    consequence: 'counters grow twice',
    edits: [
      {
        file: 'src/client/operation.ts',
        find: `return retry === 'read' || (retry === 'idempotent' && this.engine.repeatsWrites);`,
        replace: 'return retry !== null;',
      },
      {
        file: 'src/client/operation.ts',
        find: `if (this.#kind?.retry !== 'read') this.#doubt = reason;`,
        replace: '',
      },
    ],
  },
  {
    name: 'multi-put-in-two',
    what: 'the second half of a multi_put goes into the next mutation',
    consequence: 'readers see half of it, or it is lost',
    edits: [
      {
        file: 'src/storage/write-service.ts',
        find: 'for (const { key, value } of kvs) { builder.put(hashKey, key, value, this.stamp);',
        replace: `
          for (const one of this.rest ?? []) builder.put(one.hashKey, one.key, one.value, this.stamp);
          const half = (kvs.length + 1) >> 1;
          this.rest = kvs.slice(half).map(({ key, value }) => ({
            hashKey: hashKey.slice(),
            key: key.slice(),
            value: value.slice(),
          }));
          for (const { key, value } of kvs.slice(0, half)) {
            builder.put(hashKey, key, value, this.stamp);`,
      },
    ],
  },
  {
    name: 'expired-rows-served',
    what: 'rows are served after their time to live',
    consequence: 'data that should be gone',
    edits: [
      {
        file: 'src/model/ttl.ts',
        find: 'return expireSeconds !== 0 && expireSeconds <= nowSeconds;',
        replace: 'return expireSeconds > nowSeconds + 0xffffffff;',
      },
    ],
  },
  {
    name: 'ttl-resurrected',
    what: 'the time to live counts from when the server took the row up, not from when it was written',
    consequence: 'expired rows come back after a failover',
    edits: [
      {
        file: 'src/storage/point-read.ts',
        find: 'const nowSeconds = expireSeconds === 0 ? 0 : ttlNow(clock.wallMs());',
        replace: `
          scope.seen ??= new Map();
          if (!scope.seen.has(expireSeconds)) scope.seen.set(expireSeconds, ttlNow(clock.wallMs()));
          const nowSeconds = scope.seen.get(expireSeconds);`,
      },
    ],
  },
];
