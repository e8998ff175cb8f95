/** A progress bar on standard error, redrawn a few times a second; silent when nobody looks. */
const REDRAW_MS = 200;
const BAR_WIDTH = 24;

export class Progress {
  readonly #label: string;
  readonly #total: number;
  readonly #isShown: boolean;
  readonly #beganMs: number = performance.now();
  #drawnMs = 0;

  constructor(label: string, total: number) {
    this.#label = label;
    this.#total = total;
    this.#isShown = process.stderr.isTTY === true;
  }

  update(done: number, records: number, note = ''): void {
    const nowMs = performance.now();
    if (!this.#isShown || nowMs - this.#drawnMs < REDRAW_MS) return;
    this.#drawnMs = nowMs;
    this.#draw(done, records, note);
  }

  end(done: number, records: number): void {
    if (!this.#isShown) return;
    this.#draw(done, records, '');
    process.stderr.write('\n');
  }

  #draw(done: number, records: number, note: string): void {
    const share = this.#total === 0 ? 1 : Math.min(done / this.#total, 1);
    const filled = Math.round(share * BAR_WIDTH);
    const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled);
    const seconds = Math.max((performance.now() - this.#beganMs) / 1000, 0.001);
    const rate = Math.round(records / seconds).toLocaleString('en-US');
    const percent = String(Math.floor(share * 100)).padStart(3);
    const counts = `${done.toLocaleString('en-US')} packages, ${records.toLocaleString('en-US')} records`;
    process.stderr.write(`\r\x1b[K${this.#label} ${bar} ${percent}%  ${counts}, ${rate}/s ${note}`);
  }
}
