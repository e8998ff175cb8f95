/**
 * What a learner fetches of its primary: one checkpoint at a time, then its swap with the engine.
 *
 * A newer offer ends the fetch before it, which may still be at work on a piece: one attempt at a time writes to the
 * folder. From the swap on there is no way back, so a swap that has begun is told of whatever the learner has become
 * meanwhile, but for a replica that is closing, which waits for its end.
 */
import type { ReplicaEnvironment } from '../env/environment.ts';
import { type Gpid, gpidText, type NodeId } from '../model/identity.ts';
import type { AppliedState } from '../storage/batch-records.ts';
import type { FileChunk, FileRequest, LearnCheckpoint } from '../wire/generated/internal.ts';
import type { Bandwidth } from './bandwidth.ts';
import { CheckpointFetch, FetchAbandoned } from './checkpoint-fetch.ts';

export interface FetchParts {
  readonly environment: Pick<ReplicaEnvironment, 'clock' | 'disk' | 'logger'>;
  readonly gpid: Gpid;
  /** Where the files are put. */
  readonly path: string;
  readonly bandwidth: Bandwidth;
  readonly pieceBytesMax: number;
}

export interface FetchOwner {
  request(from: NodeId, request: FileRequest): void;
  /** The replica hears nothing until one of the next two. */
  swapEngine(): Promise<AppliedState>;
  onSwapped(learnId: number, applied: AppliedState): void;
  /** The old engine is closed and the new one could not be opened. */
  onSwapFailed(error: unknown): void;
  /** Nothing has changed. */
  onFetchFailed(learnId: number): void;
}

export class LearnFetches {
  readonly #parts: FetchParts;
  readonly #owner: FetchOwner;
  #current: CheckpointFetch | null = null;
  /** Nobody writes to the folder of fetched files any more. */
  #ended: Promise<void> = Promise.resolve();
  #swapping: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(parts: FetchParts, owner: FetchOwner) {
    this.#parts = parts;
    this.#owner = owner;
  }

  /** Null when nothing is fetched. */
  get fetchedBytes(): number | null {
    return this.#current?.fetchedBytes ?? null;
  }

  begin(from: NodeId, offer: LearnCheckpoint): void {
    const { environment, gpid, path, bandwidth, pieceBytesMax } = this.#parts;
    this.#current?.abandon();
    const send = (request: FileRequest): void => this.#owner.request(from, request);
    const fetch = new CheckpointFetch(environment, offer, path, bandwidth, pieceBytesMax, send);
    this.#current = fetch;
    const { decree, fileNames } = offer;
    const fields = { gpid: gpidText(gpid), from, decree, files: fileNames.length };
    environment.logger.info('replica.learn.checkpoint', fields);
    const ended = this.#ended.then(() => fetch.run());
    this.#ended = ended.catch(() => {});
    void ended.then(
      () => {
        if (this.#current === fetch) this.#swapping = this.#swap(fetch);
      },
      (error: unknown) => this.#onFailed(fetch, error),
    );
  }

  onFileChunk(chunk: FileChunk): void {
    if (this.#current?.learnId === chunk.learnId) this.#current.onFileChunk(chunk);
  }

  onTick(nowMs: number): void {
    this.#current?.onTick(nowMs);
  }

  abandon(exceptLearnId: number): void {
    if (this.#current === null || this.#current.learnId === exceptLearnId) return;
    this.#current.abandon();
    this.#current = null;
  }

  /** Resolves when nobody is at the engine or its folder any more. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#current?.abandon();
    this.#current = null;
    await this.#swapping;
  }

  async #swap(fetch: CheckpointFetch): Promise<void> {
    let applied: AppliedState;
    try {
      applied = await this.#owner.swapEngine();
    } catch (error) {
      this.#current = null;
      if (!this.#closed) this.#owner.onSwapFailed(error);
      return;
    }
    this.#current = null;
    if (!this.#closed) this.#owner.onSwapped(fetch.learnId, applied);
  }

  #onFailed(fetch: CheckpointFetch, error: unknown): void {
    if (this.#current !== fetch) return;
    this.#current = null;
    const { logger } = this.#parts.environment;
    if (!(error instanceof FetchAbandoned)) {
      const text = error instanceof Error ? error.message : String(error);
      logger.warn('replica.learn.failed', { gpid: gpidText(this.#parts.gpid), error: text });
    }
    this.#owner.onFetchFailed(fetch.learnId);
  }
}
