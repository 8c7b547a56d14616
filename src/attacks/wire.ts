import { randomInt } from 'node:crypto';
import { lookup as dnsLookup } from 'node:dns';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';

import ipaddr from 'ipaddr.js';

import { addressesOf, type AttackAnswer, type AttackRequest, type AttackTarget } from './target.js';
import { NotStaged } from './verdict.js';

const REQUEST_MS = 15_000;
const CASE_MS = 180_000;
const LARGEST_ANSWER = 1_048_576;
const OWN_NETWORKS = ['loopback', 'private', 'uniqueLocal', 'linkLocal'];

/** Where a client's requests come from. */
export interface Source {
  readonly localAddress?: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** The connections of one case. It limits the time of each request, the time of all together, and their number. */
export class Wire {
  requests = 0;
  readonly #began = Date.now();
  #waitedMs = 0;

  constructor(
    private readonly target: AttackTarget,
    private readonly most: number,
  ) {}

  /** Returns an address that no other client of this process has. */
  newSource(): Source {
    const addresses = addressesOf(this.target);
    const n = nextNumber();
    if (addresses === 'one') return { headers: {} };
    return addresses === 'loopback' ? { localAddress: loopbackAddress(n), headers: {} } : { headers: addresses(n) };
  }

  /** Runs a hook of the host without counting its time against the attack. */
  async outside<T>(work: () => Promise<T>): Promise<T> {
    const began = Date.now();
    try {
      return await work();
    } finally {
      this.#waitedMs += Date.now() - began;
    }
  }

  async send(baseUrl: string, request: AttackRequest, { localAddress, headers }: Source): Promise<AttackAnswer> {
    const { method = 'POST', path, body } = request;
    const url = new URL(path, baseUrl);
    const what = `${method} ${url.pathname}`;
    if (++this.requests > this.most) throw new NotStaged(`The attack was stopped after ${this.most} requests.`);
    if (Date.now() - this.#began - this.#waitedMs > CASE_MS) {
      throw new NotStaged(`The attack was stopped after ${CASE_MS / 1000} seconds.`);
    }
    if (!this.target.iOwnThisApplication) assertNearby(url.hostname);

    const payload = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
    const began = performance.now();
    return new Promise((resolve, reject) => {
      const fail = (error: Error) => reject(new NotStaged(`${what} got no answer: ${error.message}`));
      const outgoing = (url.protocol === 'https:' ? httpsRequest : httpRequest)(
        url,
        {
          method,
          agent: false, // one connection per request: the other end might close a kept one
          signal: AbortSignal.timeout(REQUEST_MS),
          ...(localAddress && { localAddress, family: 4 }),
          ...(!this.target.iOwnThisApplication && { lookup: nearbyOnly }),
          headers: {
            ...(payload !== undefined && {
              'Content-Type': 'application/json',
              'Content-Length': Buffer.byteLength(payload),
            }),
            ...headers,
            ...request.headers,
          },
        },
        (incoming) => {
          const chunks: Buffer[] = [];
          let size = 0;
          incoming.on('data', (chunk: Buffer) => {
            chunks.push(chunk);
            if ((size += chunk.length) > LARGEST_ANSWER) outgoing.destroy(new Error('the answer does not end'));
          });
          incoming.on('error', fail);
          incoming.on('end', () => {
            const text = Buffer.concat(chunks).toString();
            const answered = { request: what, status: incoming.statusCode!, ms: performance.now() - began };
            resolve({ ...answered, headers: headersOf(incoming.rawHeaders), text, json: jsonOf(text) });
          });
        },
      );
      outgoing.on('error', fail);
      outgoing.end(payload);
    });
  }
}

/** Starts at a random number, since an application remembers an attacker for an hour. */
let lastNumber = randomInt(254 ** 3);
function nextNumber(): number {
  lastNumber = (lastNumber + 1) % 254 ** 3;
  return lastNumber;
}

/** Leaves out the first and last address of every network. */
function loopbackAddress(n: number): string {
  return `127.${1 + Math.floor(n / 254 ** 2)}.${1 + (Math.floor(n / 254) % 254)}.${1 + (n % 254)}`;
}

/** @throws Error for an address that may belong to someone else; host names are checked when they are resolved */
function assertNearby(host: string): void {
  const address = host.replace(/^\[|\]$/g, '');
  if (isIP(address) === 0 || OWN_NETWORKS.includes(ipaddr.process(address).range())) return;
  throw notNearby(host);
}

const nearbyOnly: LookupFunction = (host, options, callback) => {
  dnsLookup(host, { ...options, all: true }, (error, found) => {
    if (error) return callback(error, '', 0);
    try {
      for (const { address } of found) assertNearby(address);
    } catch {
      return callback(notNearby(host), '', 0);
    }
    if (options.all) callback(null, found);
    else callback(null, found[0]!.address, found[0]!.family);
  });
};

function notNearby(host: string): Error {
  return new NotStaged(
    `${host} is neither this machine nor in a private network. If you own it, set "iOwnThisApplication: true".`,
  );
}

function headersOf(raw: readonly string[]): Headers {
  const headers = new Headers();
  for (let n = 0; n < raw.length; n += 2) headers.append(raw[n]!, raw[n + 1]!);
  return headers;
}

function jsonOf(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : {};
  } catch {
    return {};
  }
}
