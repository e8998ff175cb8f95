/** `host:port`, as people write it. An address says where to connect, not who answers. */
export interface HostPort {
  /** Name or IPv4 address, not empty. */
  readonly host: string;
  /** 1 … 65535; 0 only in "pick a free port" listen requests. */
  readonly port: number;
}

export function hostPortText(address: HostPort): string {
  return `${address.host}:${address.port}`;
}

/** Returns null when `text` is no `host:port` with a port in 0 … 65535. */
export function parseHostPort(text: string): HostPort | null {
  const colon = text.lastIndexOf(':');
  if (colon <= 0) return null;
  const portText = text.slice(colon + 1);
  if (!/^\d{1,5}$/.test(portText)) return null;
  const port = Number(portText);
  if (port > 65535) return null;
  return { host: text.slice(0, colon), port };
}
