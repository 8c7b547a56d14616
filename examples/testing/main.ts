import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';

import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { OtpTesting, OtpTestingModule } from 'nestjs-phone-otp/testing';

import { AppModule } from './app.module.js';

const phone = '+966512345678';

void describe('the login of my application', () => {
  let app: INestApplication;
  let otp: OtpTesting;

  before(async () => {
    const module = await OtpTestingModule.override(Test.createTestingModule({ imports: [AppModule] })).compile();
    app = module.createNestApplication();
    await app.listen(0, '127.0.0.1');
    otp = OtpTesting.of(app);
  });
  beforeEach(() => otp.clear());
  after(() => app.close());

  const post = async (path: string, body: object) => {
    const headers = { 'Content-Type': 'application/json' };
    const response = await fetch((await app.getUrl()) + path, { method: 'POST', headers, body: JSON.stringify(body) });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const start = async () => (await post('/otp/start', { phone, purpose: 'login' })).body.challenge;

  void it('lets the owner of a number in', async () => {
    await otp.activate(phone, 'sara');

    const challenge = await start();
    const answer = await post('/auth/login', { challenge, code: await otp.lastCode(phone) });

    assert.deepEqual(answer, { status: 201, body: { account: 'sara', amr: ['otp', 'sms'] } });
  });

  void it('rejects an expired code', async () => {
    await otp.activate(phone, 'sara');
    const challenge = await start();
    const code = await otp.lastCode(phone);

    await otp.elapse(301);

    assert.equal((await post('/auth/login', { challenge, code })).body.code, 'otp_unavailable');
  });

  void it('sends nothing to an unknown number', async () => {
    await start();

    assert.deepEqual(await otp.messages(phone), []);
  });
});
