/** What one replica has done since its server started; all of it only grows. */
import { ReadMeter } from '../storage/read-meter.ts';
import { RequestCounters } from './request-counters.ts';

export class ReplicaActivity {
  readonly counters: RequestCounters = new RequestCounters();
  readonly meter: ReadMeter = new ReadMeter();
}
