import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';

import { type Answer, post, send } from '../support/http.js';
import { type Fixture, newPhone, otpFixture, wrongCode } from '../support/otp-fixture.js';
import { closed, Vault, vaultModule } from '../support/vault.js';

const ADAPTERS = { Express: () => new ExpressAdapter(), Fastify: () => new FastifyAdapter() as never };

describe.each(Object.keys(ADAPTERS) as (keyof typeof ADAPTERS)[])('a step-up on %s', (platform) => {
  let fixture: Fixture;
  let vault: Vault;
  const me = { 'x-account': 'account-1', 'x-session': 'session-1' };
  let phone: string;

  beforeAll(async () => {
    fixture = await otpFixture({
      adapter: ADAPTERS[platform](),
      routes: { prefix: 'otp' },
      options: { purposes: { close_account: {} } },
      metadata: vaultModule,
    });
    vault = fixture.app.get(Vault);
    await vault.create();
    phone = newPhone();
    await fixture.own(phone, 'account-1');
  });
  afterAll(() => fixture.close());
  beforeEach(async () => {
    await fixture.elapse(3700);
    fixture.sms.clear();
  });

  const confirm = (id: string, headers: object = {}) =>
    post(fixture.app, `/vault/transfers/${id}/confirm`, {}, { ...me, ...headers });
  const verify = async (challenge: string, code: string, purpose = 'transaction'): Promise<Answer> =>
    post(fixture.app, '/otp/verify', { challenge, code, purpose }, me);
  async function grantFor(answer: Answer, purpose = 'transaction'): Promise<string> {
    const verified = await verify(answer.json.challenge as string, await fixture.codeFor(phone), purpose);
    expect(verified.status).toBe(200);
    return verified.json.grant as string;
  }

  it('returns the challenge in its answer and executes the call once with the grant', async () => {
    const id = await vault.add({ owner: 'account-1' });

    const asked = await confirm(id);
    expect(asked.status).toBe(401);
    expect(asked.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
    expect(asked.headers.get('www-authenticate')).toMatch(
      /^Bearer error="insufficient_user_authentication", error_description="[^"]+", acr_values="otp", max_age="300"$/,
    );
    expect(asked.json).toMatchObject({
      status: 401,
      code: 'insufficient_user_authentication',
      purpose: 'transaction',
      challenge: expect.any(String),
      phone: expect.stringMatching(/^\+966\*+\d\d$/),
      expiresAt: expect.any(String),
      codeLength: 6,
    });
    expect(fixture.sms.messages(phone)[0]!.text).toMatch(/250\.00 SAR/);

    const grant = await grantFor(asked);
    expect((await confirm(id, { 'otp-grant': grant })).json).toEqual({ status: 'executed' });
    expect(await confirm(id, { 'otp-grant': grant })).toMatchObject({ status: 409 });
    expect(await confirm(id)).toMatchObject({ status: 409, json: { detail: 'This transfer is already executed.' } });
    expect((await vault.get(id)).executions).toBe(1);
  });

  it('returns the same handle within the cooldown and sends nothing', async () => {
    const id = await vault.add({ owner: 'account-1' });

    const asked = await Promise.all([confirm(id), confirm(id), confirm(id)]);

    expect(new Set(asked.map(({ json }) => json.challenge)).size).toBe(1);
    expect(fixture.sms.messages(phone)).toHaveLength(1);
    await expect(confirm(await vault.add({ owner: 'account-1' }))).resolves.toMatchObject({ status: 429 });
  });

  it('uses the grant before the handler by default', async () => {
    const asked = await post(fixture.app, '/vault/close', {}, me);
    const grant = await grantFor(asked, 'close_account');

    const use = () => post(fixture.app, '/vault/close', {}, { ...me, 'otp-grant': grant });
    expect(await use()).toMatchObject({ status: 200, json: { closed: 'account-1' } });
    expect(closed.at(-1)).toBe(phone);
    expect(await use()).toMatchObject({ status: 401, json: { code: 'grant_invalid' } });
  });

  it('does not start for a call that changes nothing', async () => {
    const answer = await send(fixture.app, '/vault/secret', { headers: me });

    expect(answer).toMatchObject({ status: 401, json: { code: 'insufficient_user_authentication' } });
    expect(answer.json).not.toHaveProperty('challenge');
    expect(fixture.sms.messages()).toHaveLength(0);
  });

  it('detects a handler that forgets its grant', async () => {
    const asked = await post(fixture.app, '/vault/forgetful', {}, me);
    const grant = await grantFor(asked, 'close_account');

    await expect(post(fixture.app, '/vault/forgetful', {}, { ...me, 'otp-grant': grant })).resolves.toMatchObject({
      status: 500,
    });
  });

  it('rejects a wrong code', async () => {
    const id = await vault.add({ owner: 'account-1' });
    const asked = await confirm(id);
    const code = await fixture.codeFor(phone);

    expect(await verify(asked.json.challenge as string, wrongCode(code))).toMatchObject({ status: 400 });
    expect(await confirm(id, { 'otp-grant': 'x'.repeat(43) })).toMatchObject({ status: 401 });
  });
});
