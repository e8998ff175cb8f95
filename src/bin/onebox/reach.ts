/** Whether something listens on an address. */
import { createConnection } from 'node:net';
import { UserError } from '../../base/user-error.ts';
import { type HostPort, hostPortText } from '../../model/identity.ts';
import { pauseMs } from './processes.ts';

const POLL_MS = 20;

export async function waitUntilListening(address: HostPort, limitMs: number): Promise<void> {
  const untilMs = performance.now() + limitMs;
  while (!(await listens(address))) {
    if (performance.now() > untilMs) {
      throw new UserError(
        `Nothing listens on ${hostPortText(address)} yet.`,
        'The log of the server says what it is doing.',
      );
    }
    await pauseMs(POLL_MS);
  }
}

function listens(address: HostPort): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(address.port, address.host);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
