import { inspect } from 'node:util';

import type { CheckReceipt, DelegatedProvider, HttpClientOptions, SendReceipt } from 'nestjs-phone-otp/provider-kit';
import { TaqnyatVerify } from 'nestjs-phone-otp/taqnyat';
import { TaqnyatSimulator } from 'nestjs-phone-otp/simulators';
import { describeProvider, type MakeSubject } from 'nestjs-phone-otp/testing';

import { ADAPTERS } from '../support/adapters.js';

// Tests the suite itself: it must fail for each of these adapters, which all have a different defect.

type Adapter = DelegatedProvider;
type Body = () => Promise<void>;

interface Defect {
  what: string;
  /** Tests of the suite that detect it. */
  detectedBy: RegExp;
  /** Introduces the defect. */
  breakAdapter?: (adapter: Adapter, key: string) => Partial<Adapter> & { account?: unknown };
  options?: Partial<HttpClientOptions>;
}

const verifiedIf = (adapter: Adapter, isAccepted: (receipt: CheckReceipt) => boolean): Partial<Adapter> => ({
  check: async (request, call) => {
    const receipt = await adapter.check(request, call);
    return isAccepted(receipt) ? { outcome: 'verified' } : receipt;
  },
});
const sendingAs = (adapter: Adapter, change: (receipt: SendReceipt) => SendReceipt): Partial<Adapter> => ({
  start: async (request, call) => change(await adapter.start(request, call)),
});

const DEFECTS: Defect[] = [
  {
    what: 'treats "already verified" as a correct code',
    detectedBy: /^(FLT-15|returns "already_verified")/,
    breakAdapter: (adapter) => verifiedIf(adapter, ({ outcome }) => outcome === 'already_verified'),
  },
  {
    what: 'accepts every code',
    detectedBy: /^rejects a wrong code and then accepts/,
    breakAdapter: (adapter) => verifiedIf(adapter, ({ outcome }) => outcome === 'incorrect_code'),
  },
  {
    what: 'does not count the attempts that it declares',
    detectedBy: /^returns "attempts_exhausted"/,
    breakAdapter: (adapter) => verifiedIf(adapter, ({ outcome }) => outcome === 'attempts_exhausted'),
  },
  {
    what: 'treats an unreadable response as a correct code',
    detectedBy: /^(FLT-1[234]|SEC-60)/,
    breakAdapter: (adapter) => verifiedIf(adapter, ({ outcome }) => outcome === 'provider_unavailable'),
  },
  {
    what: 'reports a refused call as a wrong code',
    detectedBy: /^FLT-(09|10|11)/,
    breakAdapter: (adapter) => ({
      check: async (request, call) => {
        const { outcome } = await adapter.check(request, call);
        return { outcome: outcome === 'verified' ? outcome : 'incorrect_code' };
      },
    }),
  },
  {
    what: 'reports a lost response as certainly not sent',
    detectedBy: /^FLT-(07|09|12)/,
    breakAdapter: (adapter) => sendingAs(adapter, ({ outcome }) => ({ outcome, ambiguous: false })),
  },
  {
    what: 'never reports a message as certainly not sent',
    detectedBy: /^FLT-(08|10)/,
    breakAdapter: (adapter) =>
      sendingAs(adapter, (receipt) => (receipt.outcome === 'sent' ? receipt : { outcome: 'unknown' })),
  },
  {
    what: 'repeats a message that may have been sent',
    detectedBy: /^FLT-07: reports a message as uncertain/,
    breakAdapter: (adapter) => ({
      start: async (request, call) => {
        const receipt = await adapter.start(request, call);
        if (receipt.outcome !== 'unknown') return receipt;
        return adapter.start(request, { signal: AbortSignal.timeout(200) });
      },
    }),
  },
  {
    what: 'omits the vendor’s wait',
    detectedBy: /^(FLT-11|returns "resend_too_soon")/,
    breakAdapter: (adapter) => sendingAs(adapter, ({ outcome }) => ({ outcome })),
  },
  {
    what: 'follows redirects',
    detectedBy: /^FLT-14/,
    options: { fetch: async (url, init) => fetch(url, { ...init, redirect: 'follow' }) },
  },
  {
    what: 'stops reading without closing the connection',
    detectedBy: /^FLT-13: closes the connection/,
    options: {
      fetch: async (url, init) => {
        const { body, status, headers } = await fetch(url, init);
        const reader = body!.getReader();
        const read = new ReadableStream({
          pull: async (controller) => {
            const { done, value } = await reader.read();
            if (done) controller.close();
            else controller.enqueue(value);
          },
        });
        return new Response(read, { status, headers });
      },
    },
  },
  {
    what: 'starts a call after its deadline',
    detectedBy: /^FLT-08: sends no request when its time/,
    breakAdapter: (adapter) => ({ start: (request) => adapter.start(request, { signal: AbortSignal.timeout(1_000) }) }),
  },
  {
    what: 'throws an error that contains its key',
    detectedBy: /^SEC-61/,
    breakAdapter: (adapter, key) => ({
      start: async (request, call) => {
        const receipt = await adapter.start(request, call);
        if (receipt.outcome === 'unauthorized') throw new Error(`refused: ${key}`);
        return receipt;
      },
    }),
  },
  { what: 'exposes its key in a property', detectedBy: /^SEC-61/, breakAdapter: (_, key) => ({ account: { key } }) },
  {
    what: 'prints the typed code',
    detectedBy: /^SEC-61/,
    breakAdapter: (adapter) => ({
      check: (request, call) => {
        process.stdout.write(`checking ${request.code}\n`);
        return adapter.check(request, call);
      },
    }),
  },
  {
    what: 'declares a cost but does not report it',
    detectedBy: /^requests a message once/,
    breakAdapter: ({ capabilities }) => ({ capabilities: { ...capabilities, reportsCost: true } }),
  },
  {
    what: 'allows a simulator in production',
    detectedBy: /^SEC-63/,
    breakAdapter: ({ capabilities }) => ({ capabilities: { ...capabilities, developmentOnly: false } }),
  },
];

describe('describeProvider', () => {
  it.each(DEFECTS)('detects an adapter that $what', async ({ detectedBy, breakAdapter, options }) => {
    const make: MakeSubject = (conditions) => {
      const simulator = new TaqnyatSimulator({ apiKey: conditions.key, now: conditions.now, cooldownPer: 'number' });
      const { onExchange, key } = conditions;
      const provider = (): Adapter => {
        const adapter = new TaqnyatVerify({ ...simulator.access, onExchange, ...options });
        const { name, mode, capabilities } = adapter;
        const bound = {
          start: adapter.start.bind(adapter),
          check: adapter.check.bind(adapter),
        };
        return { name, mode, capabilities, ...bound, ...breakAdapter?.(adapter, key) };
      };
      return { ...ADAPTERS.TaqnyatVerify(conditions), simulator, provider };
    };

    expect(await failuresOf(make, detectedBy)).not.toEqual([]);
  });

  it('names the missing globals without Jest and Vitest', () => {
    const restore = replaceGlobals({ it: undefined, afterEach: undefined });
    try {
      expect(() => describeProvider('any', ADAPTERS.TaqnyatVerify)).toThrow(
        /needs the global it, afterEach.*"globals: true"/,
      );
    } finally {
      restore();
    }
  });
});

/** Runs the tests of the suite with matching names in sequence, and returns the names of those that fail. */
async function failuresOf(make: MakeSubject, names: RegExp): Promise<string[]> {
  const tests: [name: string, body: Body][] = [];
  const around: Record<'before' | 'after', Body[]> = { before: [], after: [] };
  const restore = replaceGlobals({
    describe: (_name: string, body: () => void) => body(),
    it: (name: string, body: Body) => tests.push([name, body]),
    beforeEach: (body: Body) => around.before.push(body),
    afterEach: (body: Body) => around.after.push(body),
  });
  try {
    describeProvider('wrong', make);
  } finally {
    restore();
  }
  const failed: string[] = [];
  for (const [name, body] of tests.filter(([each]) => names.test(each))) {
    for (const before of around.before) await before();
    try {
      await body();
    } catch (error) {
      if (!/expect/.test(inspect(error))) throw error;
      failed.push(name);
    } finally {
      for (const after of around.after) await after();
    }
  }
  return failed;
}

function replaceGlobals(replacements: Record<string, unknown>): () => void {
  const scope = globalThis as unknown as Record<string, unknown>;
  const before = Object.fromEntries(Object.keys(replacements).map((name) => [name, scope[name]]));
  Object.assign(scope, replacements);
  return () => void Object.assign(scope, before);
}
