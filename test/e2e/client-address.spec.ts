import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Callers } from 'nestjs-phone-otp';

import { post } from '../support/http.js';
import { type Fixture, newPhone, otpFixture } from '../support/otp-fixture.js';

/** Reads the client where a CDN puts it. */
class EdgeCallers extends Callers {
  identify() {
    return Promise.resolve(null);
  }

  override addressOf({ headers }: { headers: Record<string, string | undefined> }) {
    return headers['x-edge-client'];
  }
}

describe.each([
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter()],
])('an application on %s whose Callers reads the client address', (_, adapter) => {
  let fixture: Fixture;
  beforeAll(async () => {
    fixture = await otpFixture({
      adapter: adapter(),
      routes: { prefix: 'otp' },
      options: { sendsPerAddressPerHour: 1, verifiesPerAddress: 1 },
      metadata: { providers: [{ provide: Callers, useClass: EdgeCallers }] },
    });
  });
  afterAll(() => fixture.close());

  const from = (address?: string): Record<string, string> => (address ? { 'x-edge-client': address } : {});
  const start = async (address?: string) =>
    (await post(fixture.app, '/otp/start', { phone: newPhone(), purpose: 'registration' }, from(address))).status;
  const verify = async (address?: string) =>
    (await post(fixture.app, '/otp/verify', { challenge: 'x', code: '123456', purpose: 'login' }, from(address)))
      .status;

  it('limits messages per that address', async () => {
    const statuses = [await start('198.51.100.1'), await start('198.51.100.1'), await start('198.51.100.2')];

    expect(statuses).toEqual([202, 429, 202]);
  });

  it('limits typed codes per that address', async () => {
    const statuses = [await verify('198.51.100.1'), await verify('198.51.100.1'), await verify('198.51.100.2')];

    expect(statuses).toEqual([400, 429, 400]);
  });

  it('falls back to the address of the platform', async () => {
    expect([await start(), await start()]).toEqual([202, 429]);
  });
});
