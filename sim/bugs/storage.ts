/** Planted bugs of the log, the disk and the engine. */
import type { PlantedBug } from './planted-bug.ts';

const WRITER = 'src/storage/log/log-writer.ts';
const RECOVERY = 'src/storage/log/log-recovery.ts';

export const STORAGE_BUGS: readonly PlantedBug[] = [
  {
    name: 'ack-before-sync',
    what: 'an append counts as durable when it is in the page cache',
    consequence: 'acknowledged writes are lost when the power fails',
    edits: [
      {
        file: WRITER,
        find: 'file.append(bytes, group.durable, this.#onWritten);',
        replace: 'file.append(bytes, false, this.#onWritten);',
      },
    ],
  },
  {
    name: 'failed-sync-ignored',
    what: 'the log goes on after a failed sync as if nothing had happened',
    consequence: 'acknowledged writes are lost when the power fails next',
    about: ['failedSync'],
    edits: [
      {
        file: WRITER,
        find: 'if (error !== null || this.#failure !== null) {',
        replace: `if (error !== null && error.code !== 'io') {`,
      },
      { file: WRITER, find: 'if (failure !== null) {', replace: 'if (failure === undefined) {' },
    ],
  },
  {
    name: 'synced-again-in-vain',
    what: 'a start syncs what it found unproved in the log, in the file whose sync may have failed before',
    consequence:
      'the system calls lost pages clean: acknowledged writes are lost when the power fails next',
    about: ['failedSync'],
    edits: [
      {
        file: RECOVERY,
        find: 'if (isUnproved && (await this.#rewrite(path, bytes.subarray(0, end)))) return;',
        replace: 'if (isUnproved && path.length < 0) return;',
      },
    ],
  },
  {
    name: 'log-freed-early',
    what: 'a segment is removed as soon as the next one is begun',
    consequence: 'acknowledged writes are lost in restarts',
    edits: [
      {
        file: 'src/storage/log/log-index.ts',
        find: 'if (partition.floor() < Math.min(decree, partition.lastDecree)) return null;',
        replace: 'if (partition.floor() < -1) return null;',
      },
    ],
  },
  {
    name: 'log-held-by-applied',
    what: 'the log is freed up to what is applied instead of what is durable',
    consequence: 'acknowledged writes are lost in restarts',
    edits: [
      {
        file: 'src/replica',
        find: 'this.requests.pipeline.onApplied(mutation);',
        replace: `this.host.log.hold(this.gpid, LOG_HOLDER, mutation.decree);
          this.requests.pipeline.onApplied(mutation);`,
      },
    ],
  },
  {
    name: 'corrupt-middle-truncated',
    what: 'damage in the middle of the log is taken for a torn end',
    consequence: 'acknowledged writes are lost by a single rotten sector',
    about: ['rotInLog'],
    edits: [
      {
        file: RECOVERY,
        find: 'if (!block.intact && !isDurable) return end;',
        replace: 'if (!block.intact) return end;',
      },
      {
        file: RECOVERY,
        find: 'this.#checkMissing(lastSegment, end, this.#provedDurable + 1);',
        replace: '',
      },
      {
        file: RECOVERY,
        find: 'if (sequence > this.#expected && this.#expected > this.#provedDurable) return end;',
        replace: 'if (sequence > this.#expected) return end;',
      },
    ],
  },
  {
    name: 'log-checksum-ignored',
    what: 'nobody looks at the checksums of the log',
    consequence: 'rotten data is served and replicas differ',
    about: ['rotInLog', 'misdirectedWrite'],
    edits: [
      {
        file: 'src/storage/log/log-scan.ts',
        find: 'const intact = isPayloadIntact(bytes, at, header);',
        replace: 'const intact = header !== null;',
      },
      {
        file: 'src/consensus/replica-core.ts',
        find: 'if (mutation.decree <= list.lastCommitted || !isIntact(mutation)) return;',
        replace: 'if (mutation.decree <= list.lastCommitted) return;',
      },
    ],
  },
  {
    name: 'log-damage-unheeded',
    what: 'a replica whose part of the log is damaged is opened as if it were whole',
    consequence: 'a replica without acknowledged writes takes part',
    about: ['rotInLog', 'misdirectedWrite'],
    edits: [
      {
        file: RECOVERY,
        find: 'this.#suspects.isSuspect(gpid, appliedDecree)',
        replace: '(gpid === null || appliedDecree < 0)',
      },
    ],
  },
  {
    name: 'checkpoint-checksum-ignored',
    what: 'an engine file is opened without looking at its checksum',
    consequence: 'rotten data is served',
    about: ['rotInEngine', 'misdirectedWrite'],
    edits: [
      {
        file: 'src/adapters/memory/engine-file.ts',
        find: 'if (view.getUint32(end, true) !== crc32c(bytes, 0, end)) return null;',
        replace: '',
      },
    ],
  },
  {
    name: 'torn-decree',
    what: 'a mutation is applied as two engine batches, the second after the first of the next mutation',
    consequence: 'half of a mutation after a crash, or before a reader',
    edits: [
      {
        file: 'src/replica/apply-queue.ts',
        find: 'const status = this.engine.write(mutation.body);',
        replace: `
          const { body } = mutation;
          const records = [];
          let at = 12;
          const skip = () => {
            let length = 0;
            for (let shift = 0; ; shift += 7) {
              const byte = body[at++];
              length += (byte & 0x7f) * 2 ** shift;
              if (byte < 0x80) break;
            }
            at += length;
          };
          while (at < body.length) {
            const from = at;
            const tag = body[at++];
            skip();
            if (tag === 1) skip();
            records.push(body.slice(from, at));
          }
          const batchOf = (some) => {
            const bytes = new Uint8Array(12 + some.reduce((sum, one) => sum + one.length, 0));
            bytes.set(body.subarray(0, 8));
            bytes[8] = some.length & 0xff;
            bytes[9] = some.length >> 8;
            let to = 12;
            for (const one of some) {
              bytes.set(one, to);
              to += one.length;
            }
            return bytes;
          };
          const half = records.length >> 1;
          const first = [...records.slice(0, half), records[records.length - 1]];
          const rest = batchOf(records.slice(half, -1));
          const status = this.engine.write(batchOf(first));
          this.torn = [...(this.torn ?? []), rest];
          if (this.torn.length > 1) this.engine.write(this.torn.shift());`,
      },
    ],
  },
  {
    name: 'missing-replica-served-empty',
    what: 'a replica that is missing on the disk is made anew, empty, for whatever the configuration, and may lead',
    consequence: 'acknowledged writes are lost with a folder',
    about: ['missingReplica', 'blackout'],
    edits: [
      {
        file: 'src/replica',
        find: 'if (config.ballot !== 1 || !isMember(config, this.self) || !this.isFree(config.gpid)) return;',
        replace: 'if (!isMember(config, this.self) || !this.isFree(config.gpid)) return;',
      },
      {
        file: 'src/cluster/seats.ts',
        find: 'return holding?.present === true && !holding.failed ? holding : undefined;',
        replace: 'return holding?.failed === true ? undefined : holding;',
      },
      {
        file: 'src/cluster/log-head.ts',
        find: 'if (holding.lastPreparedDecree < partition.committedDecree) {',
        replace: 'if (holding === null) {',
      },
    ],
  },
  {
    name: 'segment-folder-not-synced',
    what: 'a new segment of the log is written to before its entry in the folder is durable; the manifest tells of it with its next change',
    consequence: 'a whole segment of acknowledged writes is lost when the power fails',
    edits: [
      {
        file: 'src/storage/log/log-segments.ts',
        find: `await disk.syncDirectory(this.#directory); await this.#change((manifest) => ({
          ...manifest, lastSegment: segment, lastSequence: firstSequence, isClosed: false, }));`,
        replace: `
          this.#manifest = {
            ...this.#manifest,
            lastSegment: segment,
            lastSequence: firstSequence,
            isClosed: false,
          };`,
      },
    ],
  },
  {
    name: 'log-never-renewed',
    what: 'a server whose log has failed begins no new one',
    consequence: 'it is of no use until somebody restarts it',
    about: ['failedSync', 'diskError', 'readOnlyDisk'],
    edits: [
      {
        file: 'src/replica/log-keeper.ts',
        find: 'nowMs >= this.#renewFromMs && !this.#users.hasCopies',
        replace: 'nowMs < 0 && !this.#users.hasCopies',
      },
    ],
  },
];
