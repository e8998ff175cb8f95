/**
 * The segment files: opening the next one, removing the oldest ones. Changes of the manifest go through here, one at
 * a time.
 */
import { assert } from '../../base/assert.ts';
import { reached } from '../../base/marks.ts';
import { DiskError, type DiskFile } from '../../env/disk.ts';
import type { LogIndex } from './log-index.ts';
import { encodeManifest, type LogManifest, manifestPath, segmentPath } from './log-manifest.ts';
import type { LogEnvironment } from './log-types.ts';

export class LogSegments {
  readonly #environment: LogEnvironment;
  readonly #directory: string;
  readonly #index: LogIndex;
  #manifest: LogManifest;
  /** The last change of the manifest that was begun; never rejects. */
  #changing: Promise<void> = Promise.resolve();
  #trimming: Promise<void> | null = null;

  constructor(
    environment: LogEnvironment,
    directory: string,
    index: LogIndex,
    manifest: LogManifest,
  ) {
    this.#environment = environment;
    this.#directory = directory;
    this.#index = index;
    this.#manifest = manifest;
  }

  get manifest(): LogManifest {
    return this.#manifest;
  }

  /**
   * Creates the segment that begins with block `firstSequence`; everything before is durable. When it resolves the
   * segment is listed. After a failure it can be tried again.
   */
  async openNext(firstSequence: number): Promise<DiskFile> {
    const { disk } = this.#environment;
    const segment = this.#manifest.lastSegment + 1;
    const path = segmentPath(this.#directory, segment);
    // Only an attempt that failed before it was listed can have left one: it is empty.
    await disk.remove(path);
    const file = await disk.open(path, 'create');
    reached('log.roll.created');
    try {
      await disk.syncDirectory(this.#directory);
      await this.#change((manifest) => ({
        ...manifest,
        lastSegment: segment,
        lastSequence: firstSequence,
        isClosed: false,
      }));
    } catch (error) {
      await file.close();
      throw error;
    }
    reached('log.roll.listed');
    this.#index.addSegment(segment, firstSequence);
    return file;
  }

  /** Nothing follows block `sequence`, and all is durable. */
  async markClosed(sequence: number): Promise<void> {
    await this.#change((manifest) => ({
      ...manifest,
      durableSequence: sequence,
      isClosed: true,
    }));
  }

  /** Removes the oldest segments as long as nobody needs them. A failure is left to the next call. */
  async trim(): Promise<void> {
    if (this.#trimming === null) {
      this.#trimming = this.#trimAll().finally(() => {
        this.#trimming = null;
      });
    }
    await this.#trimming;
  }

  async #trimAll(): Promise<void> {
    const { disk, logger } = this.#environment;
    try {
      for (;;) {
        const oldest = this.#index.freeable();
        if (oldest === null) return;
        const next = this.#index.segments[1];
        assert(next !== undefined, 'the newest segment stays');
        await this.#change((manifest) => ({
          ...manifest,
          firstSegment: next.segment,
          firstSequence: next.firstSequence,
        }));
        reached('log.trim.unlisted');
        this.#index.removeOldest();
        await disk.remove(segmentPath(this.#directory, oldest.segment));
        reached('log.trim.removed');
      }
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      logger.warn('log.trim_failed', { directory: this.#directory, code: error.code });
    }
  }

  async #change(make: (manifest: LogManifest) => LogManifest): Promise<void> {
    const before = this.#changing;
    const change = (async (): Promise<void> => {
      await before;
      const manifest = make(this.#manifest);
      const path = manifestPath(this.#directory);
      await this.#environment.disk.replaceFile(path, encodeManifest(manifest));
      this.#manifest = manifest;
    })();
    this.#changing = change.catch(() => {});
    await change;
  }
}
