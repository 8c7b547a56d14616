import type { HttpAnswer, HttpReply } from './http-client.js';
import { checkReceipt, sendReceipt } from './receipts.js';

const answer = (status: number, retryAfterSeconds?: number): HttpAnswer => ({
  kind: 'answer',
  status,
  headers: new Headers(),
  text: '',
  ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
});

describe('sendReceipt and checkReceipt', () => {
  const ambiguous = { outcome: 'unknown', ambiguous: true };
  const unavailable = { outcome: 'provider_unavailable' };

  it.each<[string, HttpReply, object, object]>([
    ['FLT-07: no answer is ambiguous', { kind: 'ambiguous', cause: 'TIMED_OUT' }, ambiguous, unavailable],
    [
      'FLT-08: no connection means that nothing was sent',
      { kind: 'not_sent', cause: 'ECONNREFUSED' },
      unavailable,
      unavailable,
    ],
    ['FLT-09: a 500 is ambiguous', answer(500), ambiguous, unavailable],
    ['FLT-09: a 503 is ambiguous', answer(503), ambiguous, unavailable],
    ['FLT-10: a 401 is "unauthorized"', answer(401), { outcome: 'unauthorized' }, { outcome: 'unauthorized' }],
    [
      'FLT-10: a 402 is "insufficient_balance"',
      answer(402),
      { outcome: 'insufficient_balance' },
      { outcome: 'insufficient_balance' },
    ],
    ['FLT-10: a 403 is "unauthorized"', answer(403), { outcome: 'unauthorized' }, { outcome: 'unauthorized' }],
    ['FLT-11: a 429 is "rate_limited"', answer(429), { outcome: 'rate_limited' }, { outcome: 'rate_limited' }],
    [
      'FLT-11: a 429 keeps its "Retry-After"',
      answer(429, 0),
      { outcome: 'rate_limited', retryAfterSeconds: 0 },
      { outcome: 'rate_limited', retryAfterSeconds: 0 },
    ],
    ['any other status is read by the adapter', answer(404), { outcome: 'sent' }, { outcome: 'verified' }],
  ])('%s', (_, reply, atSend, atCheck) => {
    expect(sendReceipt(() => ({ outcome: 'sent' }))(reply)).toEqual(atSend);
    expect(checkReceipt(() => ({ outcome: 'verified' }))(reply)).toEqual(atCheck);
  });

  it('prefers the vendor’s own code to the status, except for faults and 5xx', () => {
    const own = { outcome: 'rate_limited', detail: 'blocked' } as const;
    const atSend = sendReceipt(
      () => ({ outcome: 'sent' }),
      ({ status }) => (status === 404 ? undefined : own),
    );
    const atCheck = checkReceipt(
      () => ({ outcome: 'verified' }),
      ({ status }) => (status === 404 ? undefined : { outcome: 'attempts_exhausted' }),
    );

    for (const status of [400, 401, 402, 403, 429]) {
      expect(atSend(answer(status))).toEqual(own);
      expect(atCheck(answer(status))).toEqual({ outcome: 'attempts_exhausted' });
    }
    expect([atSend(answer(404)), atCheck(answer(404))]).toEqual([{ outcome: 'sent' }, { outcome: 'verified' }]);
    expect([atSend(answer(503)), atCheck(answer(503))]).toEqual([ambiguous, unavailable]);
    expect([atSend({ kind: 'ambiguous', cause: 'TIMED_OUT' }), atCheck(answer(500))]).toEqual([ambiguous, unavailable]);
  });
});
