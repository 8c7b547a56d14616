export interface Message {
  id: number;
  to: string;
  text: string;
  sentAt: string;
}

export interface Exchange {
  id: number;
  provider: string;
  request: unknown;
  response: unknown;
  outcome: string;
  ms: number;
  at: string;
}

export interface Vendors {
  vendors: { id: string; title: string; example?: string; simulated: boolean }[];
  current: string;
  fault: string;
}

/** What the page shows beside the bank, newest first. */
export interface Seen {
  messages: Message[];
  exchanges: Exchange[];
  vendors: Vendors | undefined;
  connected: boolean;
}

export const seen: Seen = { messages: [], exchanges: [], vendors: undefined, connected: false };

type Part = 'phone' | 'wire' | 'vendors';

/** Follows the vendor's events and reports what is new: everything, after the bank was away. */
export function watch(changed: (part: Part, isNews: boolean) => void): void {
  const events = new EventSource('/demo/events');
  const on = <T>(type: string, take: (data: T) => void) =>
    events.addEventListener(type, ({ data }: MessageEvent<string>) => take(JSON.parse(data) as T));

  on<Message>('message', (message) => {
    seen.messages = newest(seen.messages, message);
    changed('phone', true);
  });
  on<Exchange>('exchange', (exchange) => {
    seen.exchanges = newest(seen.exchanges, exchange);
    changed('wire', true);
  });
  on<Vendors>('vendors', (vendors) => {
    seen.vendors = vendors;
    changed('vendors', true);
  });
  events.addEventListener('open', () => {
    seen.connected = true;
    void catchUp().then(() => (['phone', 'wire', 'vendors'] as const).forEach((part) => changed(part, false)));
  });
  events.addEventListener('error', () => {
    seen.connected = false;
    changed('wire', false);
  });
}

/** The bank may have restarted: its numbering then starts over. */
async function catchUp(): Promise<void> {
  const get = async <T>(path: string) => (await fetch(path)).json() as Promise<T>;
  try {
    const [{ messages }, { exchanges }, vendors] = await Promise.all([
      get<{ messages: Message[] }>('/demo/inbox'),
      get<{ exchanges: Exchange[] }>('/demo/wire'),
      get<Vendors>('/demo/vendors'),
    ]);
    Object.assign(seen, { messages, exchanges, vendors });
  } catch {
    // gone again: the next "open" retries
  }
}

function newest<T extends { id: number }>(list: readonly T[], entry: T): T[] {
  return [entry, ...list.filter(({ id }) => id !== entry.id)].slice(0, 200);
}
