/**
 * What every `Disk` must do, as cases that a test runs against an implementation. Durability is not
 * here: only a disk that can crash on command can show it (memory/disk.test.ts).
 */
import assert from 'node:assert/strict';
import { type Disk, DiskError, type DiskErrorCode, type DiskFile } from '../env/disk.ts';

export interface DiskContractCase {
  readonly claim: string;
  /** `disk` is empty. */
  readonly run: (disk: Disk) => Promise<void>;
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function append(file: DiskFile, bytes: Uint8Array, sync: boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    file.append(bytes, sync, (error) => (error === null ? resolve() : reject(error)));
  });
}

async function write(disk: Disk, path: string, text: string): Promise<void> {
  const file = await disk.open(path, 'create');
  await append(file, bytesOf(text), true);
  await file.close();
}

async function rejectsWith(code: DiskErrorCode, promise: Promise<unknown>): Promise<void> {
  await assert.rejects(promise, (error) => error instanceof DiskError && error.code === code);
}

async function names(disk: Disk, path: string): Promise<string[]> {
  return (await disk.list(path)).map((entry) => entry.name);
}

const files: readonly DiskContractCase[] = [
  {
    claim: 'appends follow each other, synced or not, small or large',
    run: async (disk) => {
      const file = await disk.open('log', 'create');
      const large = new Uint8Array(300_000).fill(7);
      await append(file, bytesOf('one'), false);
      await append(file, bytesOf('two'), true);
      await append(file, large, false);
      await append(file, large, true);
      assert.equal(file.size, 600_006);
      const head = new Uint8Array(8);
      assert.equal(await file.read(0, head), 8);
      assert.equal(textOf(head), 'onetwo\u0007\u0007');
      await file.close();
      assert.equal((await disk.readFile('log')).length, 600_006);
    },
  },
  {
    claim: 'the completion of an append never fires inside the call',
    run: async (disk) => {
      const file = await disk.open('log', 'create');
      for (const sync of [false, true]) {
        let inside = true;
        await new Promise<void>((resolve) => {
          file.append(bytesOf('x'), sync, (error) => {
            assert.equal(error, null);
            assert.equal(inside, false);
            resolve();
          });
          inside = false;
        });
      }
      await file.close();
    },
  },
  {
    claim: 'the completion of an append may begin the next one',
    run: async (disk) => {
      const file = await disk.open('log', 'create');
      await new Promise<void>((resolve) => {
        let left = 5;
        const next = (error: DiskError | null): void => {
          assert.equal(error, null);
          left -= 1;
          if (left === 0) resolve();
          else file.append(bytesOf('x'), left % 2 === 0, next);
        };
        file.append(bytesOf('x'), false, next);
      });
      assert.equal(file.size, 5);
      await file.close();
    },
  },
  {
    claim: 'a second append while one is under way is a broken invariant',
    run: async (disk) => {
      const file = await disk.open('log', 'create');
      const first = append(file, bytesOf('x'), true);
      assert.throws(() => file.append(bytesOf('y'), true, () => {}), { name: 'InvariantError' });
      await first;
      await file.close();
    },
  },
  {
    claim: 'a read gives less than asked only at the end of the file',
    run: async (disk) => {
      await write(disk, 'file', 'abcdef');
      const file = await disk.open('file', 'read');
      const into = new Uint8Array(4);
      assert.equal(await file.read(0, into), 4);
      assert.equal(textOf(into), 'abcd');
      assert.equal(await file.read(4, into), 2);
      assert.equal(await file.read(6, into), 0);
      assert.equal(await file.read(100, into), 0);
      await file.close();
    },
  },
  {
    claim: 'what is appended after a truncation follows what was left',
    run: async (disk) => {
      const file = await disk.open('file', 'append');
      await append(file, bytesOf('abcdef'), true);
      await file.truncate(2);
      assert.equal(file.size, 2);
      await append(file, bytesOf('XY'), true);
      await file.sync();
      await file.close();
      assert.equal(textOf(await disk.readFile('file')), 'abXY');
    },
  },
  {
    claim: 'append creates or goes on, create refuses what exists, read what does not',
    run: async (disk) => {
      await write(disk, 'file', 'ab');
      const file = await disk.open('file', 'append');
      assert.equal(file.size, 2);
      await append(file, bytesOf('c'), false);
      await file.close();
      await file.close();
      await rejectsWith('closed', file.read(0, new Uint8Array(1)));
      assert.equal(textOf(await disk.readFile('file')), 'abc');
      await rejectsWith('exists', disk.open('file', 'create'));
      await rejectsWith('notFound', disk.open('other', 'read'));
      await rejectsWith('notFound', disk.readFile('other'));
      await rejectsWith('notFound', disk.open('no/such/folder', 'append'));
    },
  },
];

const folders: readonly DiskContractCase[] = [
  {
    claim: 'folders are made with their parents and listed by name',
    run: async (disk) => {
      await disk.makeDirectory('a/b/c');
      await disk.makeDirectory('a/b/c');
      await write(disk, 'a/z', '123');
      await write(disk, 'a/B', '');
      assert.deepEqual(await disk.list('a'), [
        { name: 'B', isDirectory: false, size: 0 },
        { name: 'b', isDirectory: true, size: 0 },
        { name: 'z', isDirectory: false, size: 3 },
      ]);
      assert.equal(await disk.exists('a/b'), true);
      assert.equal(await disk.exists('a/x'), false);
      await rejectsWith('notFound', disk.list('a/x'));
      await disk.syncDirectory('a');
    },
  },
  {
    claim: 'a replaced file has the new content and leaves nothing beside it',
    run: async (disk) => {
      await disk.makeDirectory('a');
      await disk.replaceFile('a/state', bytesOf('old and long'));
      await disk.replaceFile('a/state', bytesOf('new'));
      assert.equal(textOf(await disk.readFile('a/state')), 'new');
      assert.deepEqual(await names(disk, 'a'), ['state']);
    },
  },
  {
    claim: 'a rename moves files and folders and never overwrites',
    run: async (disk) => {
      await disk.makeDirectory('a/inner');
      await write(disk, 'a/inner/file', 'x');
      await write(disk, 'other', 'y');
      await disk.rename('a', 'moved');
      assert.equal(textOf(await disk.readFile('moved/inner/file')), 'x');
      await rejectsWith('exists', disk.rename('other', 'moved/inner/file'));
      await rejectsWith('exists', disk.rename('other', 'moved'));
      await rejectsWith('notFound', disk.rename('a', 'b'));
      await disk.rename('other', 'moved/other');
      assert.deepEqual(await names(disk, ''), ['moved']);
    },
  },
  {
    claim: 'a removal takes folders with their content and what is missing is fine',
    run: async (disk) => {
      await disk.makeDirectory('a/inner');
      await write(disk, 'a/inner/file', 'x');
      await disk.remove('a/inner/file');
      await write(disk, 'a/inner/again', 'x');
      await disk.remove('a');
      await disk.remove('a');
      assert.deepEqual(await names(disk, ''), []);
    },
  },
  {
    claim: 'a file that is removed while open can be used until it is closed',
    run: async (disk) => {
      const file = await disk.open('file', 'create');
      await append(file, bytesOf('ab'), true);
      await disk.remove('file');
      await append(file, bytesOf('c'), true);
      const into = new Uint8Array(3);
      assert.equal(await file.read(0, into), 3);
      assert.equal(textOf(into), 'abc');
      await file.close();
    },
  },
  {
    claim: 'space is finite and not negative',
    run: async (disk) => {
      const { freeBytes, totalBytes } = await disk.space('');
      assert.ok(freeBytes > 0 && freeBytes <= totalBytes);
    },
  },
  {
    claim: 'a lock is held once until it is released',
    run: async (disk) => {
      await disk.makeDirectory('a');
      const lock = await disk.lock('a/LOCK');
      await rejectsWith('locked', disk.lock('a/LOCK'));
      const other = await disk.lock('a/OTHER');
      await lock.release();
      await lock.release();
      await (await disk.lock('a/LOCK')).release();
      await other.release();
      await rejectsWith('notFound', disk.lock('missing/LOCK'));
    },
  },
];

export const diskContract: readonly DiskContractCase[] = [...files, ...folders];
