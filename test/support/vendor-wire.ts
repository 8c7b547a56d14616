import { inspect } from 'node:util';

import { jest } from '@jest/globals';
import type { CheckReceipt, HttpExchange, SendReceipt } from 'nestjs-phone-otp';
import type { SimulatedFault, SimulatedRequest, VendorSimulator } from 'nestjs-phone-otp/testing';

// What every adapter makes of a wire that fails, whatever its vendor: tests to call within the adapter's own `describe`.

/** An adapter at a simulator of its vendor. */
export interface WiredAdapter {
  vendor: VendorSimulator;
  /** Asks for a message, within a time. */
  send: (ms?: number) => Promise<SendReceipt>;
  /** Checks the right code of the newest message, where the vendor checks. */
  check?: (ms?: number) => Promise<CheckReceipt>;
}

/** Until kept connections know that the other end is gone. */
const pause = () => new Promise((resolve) => setTimeout(resolve, 50));

const unavailable = { outcome: 'provider_unavailable' };

/**
 * @param wired the adapter of the running test
 * @param lost what the adapter makes of a request whose answer was lost: by default, that a message may be on its way
 */
export function itBearsAFailingWire(
  wired: () => WiredAdapter,
  lost: SendReceipt = { outcome: 'unknown', ambiguous: true },
): void {
  it('FLT-07: leaves a send open whose answer never came, and sends nothing twice', async () => {
    const { vendor, send } = wired();
    vendor.fault({ kind: 'hang' });

    await expect(send(300)).resolves.toEqual(lost);

    expect(vendor.requests).toHaveLength(1);
  });

  it('FLT-07: leaves a send open whose connection was lost', async () => {
    const { vendor, send, check } = wired();
    await send();
    const before = vendor.requests.length;
    vendor.fault({ kind: 'reset' });

    await expect(send()).resolves.toEqual(lost);
    expect(vendor.requests).toHaveLength(before + 1);
    if (check) await expect(check()).resolves.toEqual(unavailable);
  });

  it('FLT-08: knows that a refused connection sent nothing, and works again after it', async () => {
    const { vendor, send, check } = wired();
    await send();
    await vendor.stop();
    await pause();

    await expect(send()).resolves.toEqual(unavailable);
    if (check) await expect(check()).resolves.toEqual(unavailable);

    await vendor.start();
    if (check) await expect(check()).resolves.toEqual({ outcome: 'verified' });
    await expect(send()).resolves.toMatchObject({ outcome: 'sent' });
  });

  it.each([500, 502, 503, 504])('FLT-09: does not trust a %d', async (status) => {
    const { vendor, send, check } = wired();
    await send();
    vendor.fault({ kind: 'status', status });

    await expect(send()).resolves.toEqual(lost);
    if (check) await expect(check()).resolves.toEqual(unavailable);
  });

  it.each([
    [401, 'unauthorized'],
    [402, 'insufficient_balance'],
    [403, 'unauthorized'],
  ])('FLT-10: takes a %d for %s', async (status, outcome) => {
    const { vendor, send, check } = wired();
    await send();
    vendor.fault({ kind: 'status', status });

    await expect(send()).resolves.toEqual({ outcome });
    if (check) await expect(check()).resolves.toEqual({ outcome });
  });

  it('FLT-11: passes on how long a 429 asks to wait', async () => {
    const { vendor, send, check } = wired();
    await send();
    vendor.fault({ kind: 'status', status: 429, retryAfter: 17 });

    await expect(send()).resolves.toEqual({ outcome: 'rate_limited', retryAfterSeconds: 17 });
    if (check) await expect(check()).resolves.toEqual({ outcome: 'rate_limited', retryAfterSeconds: 17 });
  });

  it.each([
    ['FLT-12', { kind: 'html' }],
    ['FLT-12', { kind: 'empty' }],
    ['FLT-12', { kind: 'truncated' }],
    ['FLT-12', { kind: 'garbage' }],
    ['FLT-13', { kind: 'endless' }],
    ['FLT-14', { kind: 'redirect', to: 'http://127.0.0.1:1/' }],
    ['LIM-13', { kind: 'drip', everyMs: 10 }],
    ['LIM-13', { kind: 'hang' }],
  ] satisfies [string, SimulatedFault][])('%s: makes no success of %j', async (_, fault) => {
    const { vendor, send, check } = wired();
    await send();
    vendor.fault(fault);

    if (check) await expect(check(300)).resolves.toEqual(unavailable);
    await expect(send(300)).resolves.toEqual(lost);
  });
}

/** An adapter with a key, a code and an `onExchange` of the test's. */
export interface SecretiveAdapter extends WiredAdapter {
  provider: object;
  /** What the vendor's answer to `send` may say of the code, where the adapter knows of it: nothing by default. */
  echo?: object;
}

/**
 * @param open the adapter with these secrets: its key is `KEY`, and what it checks or sends is `CODE`
 * @param paths of all requests that it makes
 */
export function itKeepsSecrets(
  open: (key: string, code: string, onExchange: (exchange: HttpExchange) => void) => Promise<SecretiveAdapter>,
  paths: readonly string[],
): void {
  const KEY = 'canary-key+/==';
  const CODE = '73914682';

  it('SEC-61: keys and codes are in no receipt, exchange, log or property, and in no URL, whatever goes wrong', async () => {
    const written: unknown[] = [];
    const spies = [process.stdout, process.stderr].map((stream) =>
      jest.spyOn(stream, 'write').mockImplementation((chunk) => written.push(chunk) > 0),
    );
    const exchanges: HttpExchange[] = [];
    const { vendor, provider, echo, send, check } = await open(KEY, CODE, (exchange) => exchanges.push(exchange));
    const faults: SimulatedFault[] = [
      { kind: 'status', status: 401 },
      { kind: 'redirect', to: 'http://127.0.0.1:1/' },
      { kind: 'hang' },
      { kind: 'reset' },
      { kind: 'endless' },
    ];
    const ask = async (ms?: number) => written.push(await send(ms), await check?.(ms));

    await ask();
    for (const fault of faults) {
      vendor.fault(fault);
      await ask(200);
    }
    for (const [status, cut] of [[200], [400], [500], [200, -1]] as const) {
      const answer = (said: object) => {
        const body = JSON.stringify({ api: `Bearer ${KEY}`, ...said }).replace('/', status === 400 ? '\\/' : '/');
        vendor.fault({ kind: 'answer', status, body: body.slice(0, cut) });
      };
      answer({ ...echo });
      written.push(await send());
      answer({ typed: CODE, message: `${CODE} is wrong` });
      written.push(await check?.());
    }
    await vendor.stop();
    await pause();
    await ask();
    await new Promise(setImmediate);
    for (const spy of spies) spy.mockRestore();
    written.push(Object.entries(provider), JSON.stringify(provider), inspect(provider, { showHidden: true, depth: 9 }));

    const all = inspect([written, exchanges], { depth: 9, maxArrayLength: null, maxStringLength: null });
    const shown = all + JSON.stringify([written, exchanges]);
    expect(exchanges.length).toBeGreaterThanOrEqual(faults.length);
    for (const secret of [KEY, KEY.replace('/', '\\/'), encodeURIComponent(KEY), CODE])
      expect(shown).not.toContain(secret);
    expect(vendor.requests.length).toBeGreaterThan(0);
    for (const { path } of vendor.requests) expect(paths).toContain(path);
  });
}

/** The fields of a form as the vendor received it. */
export async function formOf({ bytes, headers }: SimulatedRequest): Promise<Record<string, unknown>> {
  const type = headers['content-type']!;
  return Object.fromEntries(
    await new Response(new Uint8Array(bytes), { headers: { 'content-type': type } }).formData(),
  );
}
