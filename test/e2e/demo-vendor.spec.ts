import { type Bank, call, closedBank, openBank } from '../support/bank.js';
import { newSchema, urlInSchema } from '../support/database.js';
import { newPhone } from '../support/otp-fixture.js';

const ownDatabase = async () => urlInSchema(await newSchema());

describe('the demo bank with a vendor', () => {
  let bank: Bank;
  beforeAll(async () => (bank = await openBank({ DATABASE_URL: await ownDatabase(), OTP_PROVIDER: 'taqnyat' })));
  afterAll(async () => {
    bank?.process.kill();
    await bank?.ended;
  });

  it('registers a person with a code that the vendor made, sent and checked, and shows the traffic without secrets', async () => {
    const phone = newPhone();
    const started = await call(bank, 'POST /otp/start', { body: { phone, purpose: 'registration' } });
    expect(started).toMatchObject({ status: 202, body: { codeLength: 4 } });
    const { challenge } = started.body;
    const code = await arrived(phone);

    const verified = await call(bank, 'POST /otp/verify', { body: { challenge, code, purpose: 'registration' } });
    const registered = await call(bank, 'POST /auth/register', {
      headers: { 'OTP-Grant': verified.body.grant },
      body: { name: 'Sara', password: 'correct horse battery' },
    });

    expect(registered).toMatchObject({ status: 201, body: { accessToken: expect.any(String) } });
    const { exchanges } = (await call(bank, 'GET /demo/wire')).body;
    expect(exchanges).toMatchObject([
      {
        id: 2,
        provider: 'taqnyat-verify',
        outcome: 'verified',
        request: { method: 'POST' },
        response: { status: 200 },
      },
      { id: 1, provider: 'taqnyat-verify', outcome: 'sent', ms: expect.any(Number), at: expect.any(String) },
    ]);
    expect(JSON.stringify(exchanges)).not.toMatch(new RegExp(`taqnyat-simulator-key|"${code}"|\\\\"${code}`));
  });

  it('counts attempts at the vendor\u2019s codes: three for four digits', async () => {
    const phone = newPhone();
    const { challenge } = (await call(bank, 'POST /otp/start', { body: { phone, purpose: 'registration' } })).body;
    const code = await arrived(phone);
    const wrong = code.replace(/^./, (digit) => String((Number(digit) + 1) % 10));
    const verify = (typed: string) =>
      call(bank, 'POST /otp/verify', { body: { challenge, code: typed, purpose: 'registration' } });

    for (let n = 0; n < 3; n++) expect((await verify(wrong)).body.code).toBe('otp_invalid');

    expect((await verify(code)).body.code).toBe('otp_unavailable');
  });

  /** Returns the code in the newest message to a phone once it arrives: anonymous starts answer before they send. */
  async function arrived(phone: string): Promise<string> {
    for (let n = 0; n < 500; n++) {
      const { body } = await call(bank, `GET /demo/inbox?phone=${encodeURIComponent(phone)}`);
      const code = /\b\d{4}\b/.exec(body.messages[0]?.text ?? '')?.[0];
      if (code) return code;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`no message reached ${phone}`);
  }
});

it('the demo bank lists its vendors', async () => {
  const { code, output } = await closedBank({ DATABASE_URL: await ownDatabase(), OTP_PROVIDER: 'pigeons' });

  expect(code).toBe(1);
  expect(output).toMatch(/OTP_PROVIDER must be one of capturing, .*taqnyat/);
});
