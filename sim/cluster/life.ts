/**
 * One life of a process, and what it reaches the world through.
 *
 * A process may be killed from inside one of its own calls, at a mark (base/marks.ts). What its code
 * still does until that call and the promises that it set off come to rest must have no effect, as
 * if the instruction after the mark had never run: calls to the disk and to the network go nowhere
 * and never settle, timers never fire (kernel/process.ts), nothing is logged or observed, and what
 * it throws is nobody's failure (kernel/scheduler.ts). Nothing is thrown *into* it: production code
 * catches errors and would see a disk that fails where there is none any more.
 */
import type { DirectoryEntry, Disk, DiskError, DiskFile, DiskLock } from '../../src/env/disk.ts';
import type {
  Connection,
  ConnectionHandler,
  Listener,
  Transport,
} from '../../src/env/transport.ts';
import type { HostPort } from '../../src/model/identity.ts';
import type { Owner } from '../kernel/owner.ts';

export class Life {
  readonly #owner: Owner;
  readonly generation: number;

  /** The present one of `owner`. */
  constructor(owner: Owner) {
    this.#owner = owner;
    this.generation = owner.generation;
  }

  get isOver(): boolean {
    return this.#owner.generation !== this.generation;
  }

  /** What is asked of the world by the dead is never answered. */
  ask<T>(question: () => Promise<T>): Promise<T> {
    return this.isOver ? new Promise<T>(() => {}) : question();
  }
}

export class LifeDisk implements Disk {
  readonly #life: Life;
  readonly #disk: Disk;

  constructor(life: Life, disk: Disk) {
    this.#life = life;
    this.#disk = disk;
  }

  makeDirectory(path: string): Promise<void> {
    return this.#life.ask(() => this.#disk.makeDirectory(path));
  }

  list(path: string): Promise<DirectoryEntry[]> {
    return this.#life.ask(() => this.#disk.list(path));
  }

  exists(path: string): Promise<boolean> {
    return this.#life.ask(() => this.#disk.exists(path));
  }

  readFile(path: string): Promise<Uint8Array> {
    return this.#life.ask(() => this.#disk.readFile(path));
  }

  replaceFile(path: string, bytes: Uint8Array): Promise<void> {
    return this.#life.ask(() => this.#disk.replaceFile(path, bytes));
  }

  async open(path: string, mode: 'read' | 'append' | 'create'): Promise<DiskFile> {
    const file = await this.#life.ask(() => this.#disk.open(path, mode));
    return new LifeFile(this.#life, file);
  }

  rename(from: string, to: string): Promise<void> {
    return this.#life.ask(() => this.#disk.rename(from, to));
  }

  remove(path: string): Promise<void> {
    return this.#life.ask(() => this.#disk.remove(path));
  }

  syncDirectory(path: string): Promise<void> {
    return this.#life.ask(() => this.#disk.syncDirectory(path));
  }

  space(path: string): Promise<{ freeBytes: number; totalBytes: number }> {
    return this.#life.ask(() => this.#disk.space(path));
  }

  lock(path: string): Promise<DiskLock> {
    return this.#life.ask(() => this.#disk.lock(path));
  }
}

class LifeFile implements DiskFile {
  readonly #life: Life;
  readonly #file: DiskFile;

  constructor(life: Life, file: DiskFile) {
    this.#life = life;
    this.#file = file;
  }

  get path(): string {
    return this.#file.path;
  }

  get size(): number {
    return this.#file.size;
  }

  read(offset: number, into: Uint8Array): Promise<number> {
    return this.#life.ask(() => this.#file.read(offset, into));
  }

  append(bytes: Uint8Array, sync: boolean, done: (error: DiskError | null) => void): void {
    if (!this.#life.isOver) this.#file.append(bytes, sync, done);
  }

  sync(): Promise<void> {
    return this.#life.ask(() => this.#file.sync());
  }

  truncate(size: number): Promise<void> {
    return this.#life.ask(() => this.#file.truncate(size));
  }

  close(): Promise<void> {
    return this.#life.ask(() => this.#file.close());
  }
}

export class LifeTransport implements Transport {
  readonly #life: Life;
  readonly #transport: Transport;

  constructor(life: Life, transport: Transport) {
    this.#life = life;
    this.#transport = transport;
  }

  listen(
    address: HostPort,
    accept: (connection: Connection) => ConnectionHandler,
  ): Promise<Listener> {
    return this.#life.ask(() => this.#transport.listen(address, accept));
  }

  connect(address: HostPort, handler: ConnectionHandler): Connection {
    return this.#life.isOver ? NOWHERE : this.#transport.connect(address, handler);
  }
}

const NOWHERE: Connection = {
  remote: 'nowhere:0',
  bufferedBytes: 0,
  write: () => true,
  pause: () => {},
  resume: () => {},
  close: () => {},
  destroy: () => {},
};
