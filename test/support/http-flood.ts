import { once } from 'node:events';
import { Agent, request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';

/** A request to send unchanged, whatever is wrong with it. */
export interface Hostile {
  path: string;
  method?: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
}

/** The reply: the status with the code of its problem, or `closed` if the connection ended without an answer. */
export type Reply = `${number}` | `${number} ${string}` | 'closed';

/** Counts of each reply. */
export type Replies = Partial<Record<Reply, number>>;

const agent = new Agent({ keepAlive: true, maxSockets: 32 });

/** Makes `count` requests, `atOnce` of them at a time. @returns the counts of each reply */
export async function flood(count: number, atOnce: number, make: (n: number) => Promise<Reply>): Promise<Replies> {
  const replies: Replies = {};
  let next = 0;
  const work = async () => {
    while (next < count) {
      const reply = await make(next++);
      replies[reply] = (replies[reply] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return replies;
}

/** Sends one request over a kept connection. */
export function hit(url: string, hostile: Hostile): Promise<Reply> {
  const { path, method = 'POST', headers = {}, body = '' } = hostile;
  return new Promise((resolve) => {
    const request = httpRequest(new URL(path, url), {
      agent,
      method,
      headers: { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)), ...headers },
    });
    request.on('error', ({ code }: NodeJS.ErrnoException) => {
      // The server may close an idle connection the moment it is used again.
      const wasIdle = request.reusedSocket && code === 'ECONNRESET' && Buffer.byteLength(body) < 10_000;
      resolve(wasIdle ? hit(url, hostile) : 'closed');
    });
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      response
        .on('data', (chunk: Buffer) => chunks.push(chunk))
        .on('error', () => resolve('closed'))
        .on('end', () => resolve(replyOf(response.statusCode!, Buffer.concat(chunks).toString())));
    });
    request.end(body);
  });
}

/** Sends bytes that no client would send, over a separate connection. */
export async function hitRaw(url: string, bytes: string): Promise<Reply> {
  const socket = await open(url, bytes);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    socket.end();
  });
  await once(socket, 'close');
  const status = /^HTTP\/1\.1 (\d{3})/.exec(Buffer.concat(chunks).toString())?.[1];
  return status ? (status as Reply) : 'closed';
}

/** Begins a request and stops: the connection stays open until it is destroyed. */
export async function open(url: string, bytes: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname).on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(bytes);
  return socket;
}

function replyOf(status: number, text: string): Reply {
  try {
    const { code } = JSON.parse(text) as { code?: unknown };
    return typeof code === 'string' ? `${status} ${code}` : `${status}`;
  } catch {
    return `${status}`;
  }
}
