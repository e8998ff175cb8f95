/**
 * The network of the cluster as the proxies see it: for each ordered pair of names (`meta1`,
 * `replica3`, `client`) whether bytes get through, and how late.
 *
 * A cut link loses nothing that TCP would not deliver after all: what is under way is held until
 * the heal, and so is the news that a connection has ended. It never refuses, because a refusal
 * says that a process is gone (src/meta/life-watch.ts), and a network does not know that.
 */
export class Link {
  delayMs: number = 0;
  #isCut: boolean = false;
  #waiters: (() => void)[] = [];

  get isCut(): boolean {
    return this.#isCut;
  }

  cut(): void {
    this.#isCut = true;
  }

  heal(): void {
    this.delayMs = 0;
    this.#isCut = false;
    for (const waiter of this.#waiters.splice(0)) waiter();
  }

  /** Now, or as late as the link is slow, or when it is healed. */
  pass(callback: () => void): void {
    if (this.#isCut) this.#waiters.push(() => this.pass(callback));
    else if (this.delayMs > 0) setTimeout(callback, this.delayMs);
    else callback();
  }
}

export class Links {
  readonly #links: Map<string, Link> = new Map();

  between(from: string, to: string): Link {
    const key = `${from}>${to}`;
    let link = this.#links.get(key);
    if (link === undefined) {
      link = new Link();
      this.#links.set(key, link);
    }
    return link;
  }

  cutBoth(one: string, other: string): void {
    this.between(one, other).cut();
    this.between(other, one).cut();
  }

  healAll(): void {
    for (const link of this.#links.values()) link.heal();
  }
}
