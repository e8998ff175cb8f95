/** When a process was started, so that a process id that was given out again is not taken for the old process. */
import { readFileSync } from 'node:fs';

/** Opaque text: boot and start time as the system tells it; empty where it does not, or if there is no such process. */
export function processStart(pid: number): string {
  if (process.platform !== 'linux') return '';
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in parentheses and may hold anything. Field 22 counts ticks since boot, so
    // the boot's id belongs to it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return `${boot}/${fields[19]}`;
  } catch {
    return '';
  }
}
