/**
 * A small shop: articles as JSON, a stock that never falls below zero however many buyers there are, and a history in
 * the order of time. Shows codecs, conditional writes, batches and scans.
 *
 *   ./pegasus onebox start
 *   node --import tsx examples/stock-keeping.ts 127.0.0.1:34601 temp
 *
 * The exit code is 0 when exactly as much was sold as there was.
 */
import {
  type Client,
  type Codec,
  connect,
  decimal,
  integer,
  json,
  type Table,
  text,
} from '../src/bin/client.ts';
import { type Main, printLine, runProgram } from '../src/bin/program.ts';

interface Article {
  readonly title: string;
  readonly cents: number;
}

const ARTICLES: Readonly<Record<string, Article>> = {
  tea: { title: 'Earl Grey, 100 g', cents: 690 },
  cup: { title: 'Cup, blue', cents: 1250 },
};
const STOCK = 10n;
const BUYERS = 25;

const main: Main = async ([metas = '127.0.0.1:34601', name = 'temp']) => {
  await using client = await connect({ metas });
  await openShop(client, name);
  const bought = await Promise.all(
    Array.from({ length: BUYERS }, (_, buyer) => buy(client, name, 'tea', buyer)),
  );
  const sold = bought.filter((isBought) => isBought).length;
  const history = await sales(client, name, 'tea');
  printLine(`${sold} of ${BUYERS} buyers were served: ${history.join(', ')}`);
  return sold === Number(STOCK) && history.length === sold ? 0 : 1;
};

async function openShop(client: Client, name: string): Promise<void> {
  const articles = client.table(name, { value: json<Article>() });
  await articles.batchSet(
    Object.entries(ARTICLES).map(([hashKey, value]) => ({ hashKey, sortKey: 'article', value })),
  );
  const stock = client.table(name, { value: decimal() });
  for (const id of Object.keys(ARTICLES)) await stock.set(id, 'stock', STOCK);
  for (const id of Object.keys(ARTICLES))
    await history(client, name).delRange(`sales of ${id}`, {});
}

/** Takes one piece unless there is none; false then. */
async function buy(client: Client, name: string, id: string, buyer: number): Promise<boolean> {
  const stock = client.table(name, { value: decimal() });
  for (;;) {
    const left = (await stock.get(id, 'stock')) ?? 0n;
    if (left === 0n) return false;
    const { applied } = await stock.compareExchange(id, 'stock', left, left - 1n);
    if (!applied) continue;
    await history(client, name).set(`sales of ${id}`, Number(STOCK - left), `buyer ${buyer}`);
    return true;
  }
}

/** By article and number of the sale. */
function history(client: Client, name: string): History {
  return client.table(name, { hashKey: text(), sortKey: integer(), value: text() });
}

type History = Table<Codec<string>, Codec<number>, Codec<string>>;

async function sales(client: Client, name: string, id: string): Promise<string[]> {
  const buyers: string[] = [];
  const scan = history(client, name).scan({ hashKey: `sales of ${id}` });
  for await (const { value } of scan) buyers.push(value);
  return buyers;
}

await runProgram(main);
