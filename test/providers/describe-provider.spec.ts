import { inspect } from 'node:util';

import type { CheckReceipt, DelegatedProvider, HttpClientOptions, SendReceipt } from 'nestjs-phone-otp/provider-kit';
import { TaqnyatVerify } from 'nestjs-phone-otp/taqnyat';
import { TaqnyatSimulator } from 'nestjs-phone-otp/simulators';
import { describeProvider, type MakeSubject } from 'nestjs-phone-otp/testing';

import { ADAPTERS } from '../support/adapters.js';

// The suite itself: it must turn red for each of these adapters, of which every one is wrong in another way.

type Adapter = DelegatedProvider;
type Body = () => Promise<void>;

interface Wrong {
  what: string;
  /** Tests of the suite that find it. */
  found: RegExp;
  /** Makes an adapter wrong. */
  spoil?: (adapter: Adapter, key: string) => Partial<Adapter> & { account?: unknown };
  options?: Partial<HttpClientOptions>;
}

const verifiedIf = (adapter: Adapter, isTaken: (receipt: CheckReceipt) => boolean): Partial<Adapter> => ({
  check: async (request, call) => {
    const receipt = await adapter.check(request, call);
    return isTaken(receipt) ? { outcome: 'verified' } : receipt;
  },
});
const sendingAs = (adapter: Adapter, change: (receipt: SendReceipt) => SendReceipt): Partial<Adapter> => ({
  start: async (request, call) => change(await adapter.start(request, call)),
});

const WRONG: Wrong[] = [
  {
    what: 'takes "already verified" for a right code',
    found: /^(FLT-15|says "already_verified")/,
    spoil: (adapter) => verifiedIf(adapter, ({ outcome }) => outcome === 'already_verified'),
  },
  {
    what: 'takes every code',
    found: /^takes no wrong code/,
    spoil: (adapter) => verifiedIf(adapter, ({ outcome }) => outcome === 'incorrect_code'),
  },
  {
    what: 'counts no tries where it declares them',
    found: /^says "attempts_exhausted"/,
    spoil: (adapter) => verifiedIf(adapter, ({ outcome }) => outcome === 'attempts_exhausted'),
  },
  {
    what: 'takes what makes no sense for a right code',
    found: /^(FLT-1[234]|SEC-60|LIM-13)/,
    spoil: (adapter) => verifiedIf(adapter, ({ outcome }) => outcome === 'provider_unavailable'),
  },
  {
    what: 'takes a refusal to serve for a wrong code',
    found: /^FLT-(09|10|11)/,
    spoil: (adapter) => ({
      check: async (request, call) => {
        const { outcome } = await adapter.check(request, call);
        return { outcome: outcome === 'verified' ? outcome : 'incorrect_code' };
      },
    }),
  },
  {
    what: 'is sure that nothing was sent when the answer is lost',
    found: /^FLT-(07|09|12)/,
    spoil: (adapter) => sendingAs(adapter, ({ outcome }) => ({ outcome, ambiguous: false })),
  },
  {
    what: 'is never sure that nothing was sent',
    found: /^FLT-(08|10)/,
    spoil: (adapter) =>
      sendingAs(adapter, (receipt) => (receipt.outcome === 'sent' ? receipt : { outcome: 'unknown' })),
  },
  {
    what: 'asks again for a message that may be on its way',
    found: /^FLT-07: leaves a message open/,
    spoil: (adapter) => ({
      start: async (request, call) => {
        const receipt = await adapter.start(request, call);
        if (receipt.outcome !== 'unknown') return receipt;
        return adapter.start(request, { signal: AbortSignal.timeout(200) });
      },
    }),
  },
  {
    what: 'keeps the wait to itself',
    found: /^(FLT-11|answers "resend_too_soon")/,
    spoil: (adapter) => sendingAs(adapter, ({ outcome }) => ({ outcome })),
  },
  {
    what: 'goes where a redirect leads',
    found: /^FLT-14/,
    options: { fetch: async (url, init) => fetch(url, { ...init, redirect: 'follow' }) },
  },
  {
    what: 'stops reading without ending the connection',
    found: /^FLT-13: ends the connection/,
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
    what: 'begins what is over',
    found: /^FLT-08: asks for nothing/,
    spoil: (adapter) => ({ start: (request) => adapter.start(request, { signal: AbortSignal.timeout(1_000) }) }),
  },
  {
    what: 'throws with its key',
    found: /^SEC-61/,
    spoil: (adapter, key) => ({
      start: async (request, call) => {
        const receipt = await adapter.start(request, call);
        if (receipt.outcome === 'unauthorized') throw new Error(`refused: ${key}`);
        return receipt;
      },
    }),
  },
  { what: 'holds its key in a property', found: /^SEC-61/, spoil: (_, key) => ({ account: { key } }) },
  {
    what: 'prints the typed code',
    found: /^SEC-61/,
    spoil: (adapter) => ({
      check: (request, call) => {
        process.stdout.write(`checking ${request.code}\n`);
        return adapter.check(request, call);
      },
    }),
  },
  {
    what: 'declares a cost that it does not tell',
    found: /^asks for a message once/,
    spoil: ({ capabilities }) => ({ capabilities: { ...capabilities, reportsCost: true } }),
  },
  {
    what: 'would serve in production from a simulator',
    found: /^SEC-63/,
    spoil: ({ capabilities }) => ({ capabilities: { ...capabilities, developmentOnly: false } }),
  },
];

describe('describeProvider', () => {
  it.each(WRONG)('finds an adapter that $what', async ({ found, spoil, options }) => {
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
        return { name, mode, capabilities, ...bound, ...spoil?.(adapter, key) };
      };
      return { ...ADAPTERS.TaqnyatVerify(conditions), simulator, provider };
    };

    expect(await failuresOf(make, found)).not.toEqual([]);
  });

  it('says what it needs where there is no Jest and no Vitest', () => {
    const restore = replaceGlobals({ it: undefined, afterEach: undefined });
    try {
      expect(() => describeProvider('any', ADAPTERS.TaqnyatVerify)).toThrow(
        /no global it, afterEach: .*"globals: true"/,
      );
    } finally {
      restore();
    }
  });
});

/** Runs the tests of the suite whose names fit, one after another, and tells which failed. */
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
