/**
 * What escapes a program, for the person in front of it: a sentence and a remedy where it is something that a person
 * can mend, null where it is a bug.
 */
import { UserError } from '../base/user-error.ts';
import { PegasusError, type PegasusErrorCode } from '../client/errors.ts';
import { DiskError, type DiskErrorCode } from '../env/disk.ts';
import { EngineError } from '../env/engine.ts';
import { ListenError } from '../env/transport.ts';
import { hostPortText } from '../model/identity.ts';

export function explain(error: unknown): UserError | null {
  if (error instanceof UserError) return error;
  if (error instanceof ListenError) return explainListen(error);
  if (error instanceof DiskError) return explainDisk(error);
  // The adapter has put path and remedy into the message.
  if (error instanceof EngineError) return new UserError(error.message, '');
  if (error instanceof PegasusError) {
    if (error.serverCode === 'ERR_HANDLER_NOT_FOUND') return new UserError(error.message, NOT_META);
    return new UserError(error.message, CLIENT_REMEDY[error.code]);
  }
  return null;
}

function explainListen(error: ListenError): UserError {
  const address = hostPortText(error.address);
  switch (error.code) {
    case 'inUse':
      return new UserError(
        `The address ${address} is in use by another process.`,
        `See which one with: ss -ltnp 'sport = :${error.address.port}'. Stop it, or listen on another port.`,
      );
    case 'permission':
      return new UserError(
        `This user may not listen on ${address}.`,
        'Ports below 1024 are for root: choose a larger one.',
      );
    case 'badAddress':
      return new UserError(
        `The address ${address} is none of this machine.`,
        'Listen on an address that `ip addr` shows, on 127.0.0.1, or on 0.0.0.0 for all.',
      );
  }
}

const DISK: Readonly<Record<DiskErrorCode, readonly [what: string, remedy: string]>> = {
  notFound: ['does not exist', 'Check the path in the configuration.'],
  exists: ['exists already', 'Move it away, or choose another folder.'],
  full: [
    'cannot be written: the disk is full',
    'Free some space there and start again; nothing is damaged.',
  ],
  io: ['cannot be read or written', 'Look at the disk (dmesg) before you start again.'],
  permission: [
    'may not be read or written by this user',
    'Give the folder to this user (chown -R).',
  ],
  notEmpty: ['is a folder that is not empty', 'Choose an empty or a new folder.'],
  locked: [
    'is in use by another server',
    'Two servers cannot share a folder: stop the other one, or choose another folder.',
  ],
  closed: ['was closed already', 'Start again.'],
};

function explainDisk(error: DiskError): UserError {
  const [what, remedy] = DISK[error.code];
  // The system's own words help only where ours are vague.
  const detail = error.code === 'io' || error.code === 'locked' ? ` (${error.message})` : '';
  return new UserError(`${error.path} ${what}${detail}.`, remedy);
}

const NOT_META = 'Is the address after --meta that of a meta server, and not of a replica server?';

const CLIENT_REMEDY: Readonly<Record<PegasusErrorCode, string>> = {
  timeout: 'Is the cluster healthy? See: ./pegasus shell nodes',
  inDoubt: 'The write may have happened: read the row before you write it again.',
  aborted: '',
  closed: '',
  unavailable:
    'Check the addresses after --meta, and that the servers run: ./pegasus onebox status',
  tableNotFound: 'See which tables there are: ./pegasus shell ls',
  invalidArgument: '',
  overloaded: 'Send less at a time.',
  rejected: '',
  badReply: 'Is that a Pegasus server?',
  badValue: '',
  batch: '',
};
