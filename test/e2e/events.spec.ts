import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { EventEmitter2, EventEmitterModule } from '@nestjs/event-emitter';

import { type Fixture, newPhone, otpFixture, wrongCode } from '../support/otp-fixture.js';

describe("the application's view of a code", () => {
  let fixture: Fixture;
  const heard: [name: unknown, payload: unknown][] = [];
  beforeAll(async () => {
    fixture = await otpFixture({ metadata: { imports: [EventEmitterModule.forRoot()] } });
    fixture.app.get(EventEmitter2).onAny((name, payload) => heard.push([name, payload]));
  });
  afterAll(() => fixture.close());

  it('contains no code, handle, grant or whole number, in events or in the log', async () => {
    const logged = jest.spyOn(Logger.prototype, 'debug').mockImplementation(() => undefined);
    const enabled = jest.spyOn(Logger, 'isLevelEnabled').mockReturnValue(true);
    const phone = newPhone();
    const purpose = 'registration';

    const { challenge } = await fixture.otp.start({ phone, purpose, client: 'server' });
    const code = await fixture.codeFor(phone);
    await fixture.otp.verify({ challenge, code: wrongCode(code), purpose }).catch(() => undefined);
    const { grant } = await fixture.otp.verify({ challenge, code, purpose });

    const all = JSON.stringify([heard, logged.mock.calls]);
    expect(heard.map(([name]) => name)).toEqual(['otp.started', 'otp.sent', 'otp.refused', 'otp.verified']);
    expect(logged).toHaveBeenCalledTimes(4);
    for (const secret of [phone.slice(1), challenge.split('.')[1]!, grant]) expect(all).not.toContain(secret);
    expect(all).not.toMatch(new RegExp(`\\b${code}\\b`));
    logged.mockRestore();
    enabled.mockRestore();
  });
});
