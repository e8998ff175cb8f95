/**
 * When a process was started, so that a process id that was given out again is not taken for the
 * old process.
 */
import { readFileSync } from 'node:fs';

/**
 * Opaque text: boot and start time as the system tells it; empty where it does not, or if there is
 * no such process. One that has ended counts as gone even while its parent has not asked how it
 * went.
 */
export function processStart(pid: number): string {
  if (process.platform !== 'linux') return '';
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in parentheses and may hold anything; the state
    // follows it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // The first thread can be a zombie while others still hold files and sockets open.
    const hasEnded = fields[0] === 'Z' && Number(fields[THREADS_AT]) <= 1;
    return hasEnded ? '' : `${boot}/${fields[STARTED_AT]}`;
  } catch {
    return '';
  }
}

/**
 * Fields 20 and 22 of the line, counted from the third. The start is in ticks since boot, so the
 * boot belongs to it.
 */
const THREADS_AT = 17;
const STARTED_AT = 19;
