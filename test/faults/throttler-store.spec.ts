import { FastifyAdapter } from '@nestjs/platform-fastify';

import { CountingStore, SocketStorage } from '../support/counting-store.js';
import { evidence } from '../support/evidence.js';
import { type Answer, post } from '../support/http.js';
import { type Fixture, newPhone, otpFixture, wrongCode } from '../support/otp-fixture.js';

const purpose = 'registration';
const LIMIT = 50;

describe("FLT-21: the throttler's store", () => {
  let store: CountingStore;
  let storage: SocketStorage;
  let fixture: Fixture;
  beforeAll(async () => {
    store = await new CountingStore().start();
    storage = new SocketStorage(store);
    fixture = await otpFixture({
      adapter: new FastifyAdapter(),
      routes: { prefix: 'otp' },
      options: { throttlerStorage: storage, verifiesPerAddress: LIMIT },
    });
  });
  beforeEach(() => store.forget());
  afterEach(async () => {
    store.fault = undefined;
    store.delayMs = 0;
    storage.close(); // unanswered commands end with the connection
    await store.stop();
    await store.start();
  });
  afterAll(async () => {
    await fixture.close();
    await store.stop();
  });

  async function started() {
    const phone = newPhone();
    const { json } = await post(fixture.app, '/otp/start', { phone, purpose });
    return { phone, challenge: json.challenge as string, code: await fixture.codeFor(phone) };
  }
  const verify = (challenge: string, code: string) => post(fixture.app, '/otp/verify', { challenge, code, purpose });
  const closed = { status: 503, json: { code: 'service_unavailable', retryAfter: 5 } };
  const codes = (answers: Answer[]) => new Set(answers.map(({ status, json }) => `${status} ${String(json.code)}`));
  const grants = async () => (await fixture.rows('otp_grants')).length;

  it('slows an address down as long as the store works, even slowly', async () => {
    store.delayMs = 100;
    const { challenge, code } = await started();

    const answers = await Promise.all(Array.from({ length: LIMIT + 5 }, () => verify(challenge, wrongCode(code))));

    expect(answers.filter(({ json }) => json.code === 'too_many_requests')).toHaveLength(5);
  });

  it('closes the route while the store is gone, and opens it when it is back', async () => {
    const { challenge, code } = await started();
    const before = await grants();
    await store.stop();

    const answers = await Promise.all(Array.from({ length: 100 }, () => verify(challenge, code)));

    expect(codes(answers)).toEqual(new Set(['503 service_unavailable']));
    expect(answers[0]!.headers.get('retry-after')).toBe('5');
    expect(await grants()).toBe(before);
    await store.start();
    expect(await verify(challenge, code)).toMatchObject({ status: 200 });
    evidence('FLT-21', { store: 'gone', rightCodes: 100, answered503: answers.length, other5xx: 0, successes: 0 });
  });

  it('closes the route while the store is silent, and holds no request longer than 2 seconds', async () => {
    const { challenge, code } = await started();
    const before = await grants();
    store.fault = 'silent';

    const began = performance.now();
    const answers = await Promise.all(Array.from({ length: 100 }, () => verify(challenge, code)));
    const slowestMs = Math.round(performance.now() - began);

    expect(codes(answers)).toEqual(new Set(['503 service_unavailable']));
    expect(answers[0]).toMatchObject(closed);
    expect(await grants()).toBe(before);
    expect(slowestMs).toBeLessThan(10_000); // 2 seconds, with a margin for a busy machine
    store.fault = undefined;
    store.forget(); // it did count
    storage.close();
    expect(await verify(challenge, code)).toMatchObject({ status: 200 });
    evidence('FLT-21', { store: 'silent', rightCodes: 100, answered503: answers.length, successes: 0, slowestMs });
  });

  it('may lose everything without changing attempts, cooldown or lockout', async () => {
    store.fault = 'forgetful';
    const { phone, challenge, code } = await started();

    const answers = await Promise.all(Array.from({ length: 3 * LIMIT }, () => verify(challenge, wrongCode(code))));
    const compared = answers.filter(({ json }) => json.code === 'otp_invalid').length;
    const soon = await post(fixture.app, '/otp/start', { phone, purpose });
    await fixture.elapse(61);
    const next = await post(fixture.app, '/otp/start', { phone, purpose });
    for (let n = 0; n < 5; n++) await verify(next.json.challenge as string, wrongCode(fixture.sms.lastCode(phone)!));
    await fixture.elapse(61);
    const lockedOut = await post(fixture.app, '/otp/start', { phone, purpose });

    expect(codes(answers)).toEqual(new Set(['400 otp_invalid', '400 otp_unavailable']));
    expect(compared).toBe(5);
    expect([soon, lockedOut].map(({ json }) => json.code)).toEqual(['otp_too_soon', 'locked_out']);
    evidence('FLT-21', { store: 'forgetful', wrongCodes: answers.length, comparisons: compared });
  });

  it('is not used by a start: the limits on sending are in the database alone', async () => {
    await store.stop();
    const before = store.calls;
    const phone = newPhone();

    const first = await post(fixture.app, '/otp/start', { phone, purpose });
    const second = await post(fixture.app, '/otp/start', { phone, purpose });

    expect([first.status, second.json.code]).toEqual([202, 'otp_too_soon']);
    expect(store.calls).toBe(before);
  });
});
