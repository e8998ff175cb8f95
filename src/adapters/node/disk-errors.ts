/** Errors of the operating system as `DiskError`s. */
import { DiskError, type DiskErrorCode } from '../../env/disk.ts';

const CODE_OF_ERROR: ReadonlyMap<string, DiskErrorCode> = new Map<string, DiskErrorCode>([
  ['ENOENT', 'notFound'],
  ['ENOTDIR', 'notFound'],
  ['EEXIST', 'exists'],
  ['ENOSPC', 'full'],
  ['EDQUOT', 'full'],
  ['EFBIG', 'full'],
  ['EACCES', 'permission'],
  ['EPERM', 'permission'],
  ['EROFS', 'permission'],
  ['ENOTEMPTY', 'notEmpty'],
  ['EBADF', 'closed'],
]);

/** Everything unknown is `io`: the caller must then assume the worst of the file. */
export function diskError(error: unknown, path: string): DiskError {
  if (error instanceof DiskError) return error;
  const code = error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? '') : '';
  const message = error instanceof Error ? error.message : String(error);
  return new DiskError(CODE_OF_ERROR.get(code) ?? 'io', path, message);
}

/** Runs `operation` and turns what it throws into a `DiskError` for `path`. */
export async function withDiskErrors<T>(path: string, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    throw diskError(error, path);
  }
}
