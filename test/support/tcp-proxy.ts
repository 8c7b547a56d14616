import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A proxy between the application and PostgreSQL whose connections a test can break. */
export interface TcpProxy {
  /** `DATABASE_URL` through this proxy. */
  url: string;
  /** Ends every connection and refuses new ones. */
  cut(): void;
  /** Accepts new connections again. */
  mend(): void;
  /** Passes nothing in either direction, like a network that drops packets. */
  stall(): void;
  /** Passes what the application sends, and ends the connection instead of the server's next answer. */
  cutBeforeNextAnswer(): void;
  /** Makes the server end each new connection, as an operator does, the moment it becomes usable. */
  endEachAtOnce(): void;
  close(): Promise<void>;
}

type Mode = 'open' | 'cut' | 'stalled' | 'losing answers' | 'ending each';

/** ReadyForQuery, and the FATAL answer of `pg_terminate_backend`, in PostgreSQL's protocol. */
const READY = Buffer.from('Z\0\0\0\x05I');
const FATAL = 'SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0';
const TERMINATED = Buffer.concat([Buffer.from('E\0\0\0'), Buffer.from([FATAL.length + 4]), Buffer.from(FATAL)]);

export async function tcpProxy(databaseUrl = process.env.DATABASE_URL!): Promise<TcpProxy> {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let mode: Mode = 'open';

  const server = createServer((client) => {
    if (mode === 'cut') return void client.destroy();
    const upstream = connect(Number(target.port || 5432), target.hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket
        .on('error', () => undefined)
        .on('close', () => {
          sockets.delete(socket);
          client.destroy();
          upstream.destroy();
        });
    }
    client.on('data', (bytes) => void (mode !== 'stalled' && upstream.write(bytes)));
    upstream.on('data', (bytes) => {
      if (mode === 'losing answers') client.destroy();
      else if (mode === 'ending each' && bytes.indexOf(READY) >= 0) client.end(Buffer.concat([bytes, TERMINATED]));
      else if (mode !== 'stalled') client.write(bytes);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  const own = new URL(databaseUrl);
  own.hostname = '127.0.0.1';
  own.port = String((server.address() as AddressInfo).port);
  const cut = () => {
    mode = 'cut';
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: own.href,
    cut,
    mend: () => void (mode = 'open'),
    stall: () => void (mode = 'stalled'),
    cutBeforeNextAnswer: () => void (mode = 'losing answers'),
    endEachAtOnce: () => void (mode = 'ending each'),
    close: async () => {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
