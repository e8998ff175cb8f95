/**
 * A replica server through its lives in one process: when the meta server knows that the present one has an incarnation
 * that was had before, because its data folder is an old copy, it is closed and another one is opened on that folder,
 * with a number that nobody has had. Its replicas then learn what they lack, like after any restart.
 */
import type { ReplicaServer } from './server.ts';

export class ServerLives {
  readonly #open: (onOutlived: () => void) => Promise<ReplicaServer>;
  #present: Promise<ReplicaServer>;
  #closed = false;

  private constructor(open: (onOutlived: () => void) => Promise<ReplicaServer>) {
    this.#open = open;
    this.#present = open(this.#onOutlived);
  }

  /** `open` opens the server anew each time. A life that cannot be opened ends the process. */
  static async begin(
    open: (onOutlived: () => void) => Promise<ReplicaServer>,
  ): Promise<ServerLives> {
    const lives = new ServerLives(open);
    await lives.#present;
    return lives;
  }

  /** Closes the present life; there is no other after it. */
  async close(): Promise<void> {
    this.#closed = true;
    await (await this.#present).close();
  }

  readonly #onOutlived = (): void => {
    if (!this.#closed) this.#present = this.#next(this.#present);
  };

  async #next(present: Promise<ReplicaServer>): Promise<ReplicaServer> {
    const outlived = await present;
    await outlived.close();
    return this.#closed ? outlived : await this.#open(this.#onOutlived);
  }
}
