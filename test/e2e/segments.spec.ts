import { EventEmitterModule } from '@nestjs/event-emitter';
import type { OtpProvider } from 'nestjs-phone-otp';
import { CapturingProvider } from 'nestjs-phone-otp/testing';

import { EventLog } from '../support/events.js';
import { type Fixture, newPhone, otpFixture } from '../support/otp-fixture.js';
import { ScriptedProvider } from '../support/providers.js';
import { ScriptedGenerator, ScriptedVendor } from '../support/scripted-vendor.js';
import { until } from '../support/until.js';

const lost = async () => {
  throw new Error('the vendor hung up');
};

describe('the segments of a message, in the send log and in the event,', () => {
  let fixture: Fixture;
  afterEach(() => fixture.close());

  /** The records of one message in a language. */
  async function segmentsOf(provider: OtpProvider, locale: string) {
    fixture = await otpFixture({
      provider,
      options: { origin: 'bank.example' },
      metadata: { imports: [EventEmitterModule.forRoot()] },
    });
    const events = new EventLog(fixture.app);
    await fixture.otp.start({ phone: newPhone(), purpose: 'registration', client: 'server', locale });
    await until('the message was logged', async () => (await fixture.rows('otp_sends')).length === 1);
    const [row] = await fixture.rows('otp_sends');
    return { logged: row!.segments, told: events.of('otp.sent')[0]!.segments };
  }

  it.each<[string, OtpProvider, string, number | null]>([
    ["are counted for the library's text", new CapturingProvider(), 'en', 1],
    ['are 70 characters each if the text is Arabic', new CapturingProvider(), 'ar', 2],
    ['are counted if a vendor received the text and did not answer', new ScriptedProvider(lost), 'ar', 2],
    ['are counted if the vendor made the code', new ScriptedGenerator(new CapturingProvider()), 'ar', 2],
    ['are absent if the vendor wrote the text', new ScriptedVendor(), 'ar', null],
  ])('SEC-64 %s', async (_, provider, locale, segments) => {
    expect(await segmentsOf(provider, locale)).toEqual({ logged: segments, told: segments });
  });
});
