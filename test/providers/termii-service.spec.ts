import { TermiiInAppToken, TermiiSendToken, TermiiSms, TermiiVoiceToken } from 'nestjs-phone-otp/termii';
import { TermiiSimulator } from 'nestjs-phone-otp/simulators';

import { type Life, itLivesOnce, liveCode, type LivingCode } from '../support/vendor-life.js';

type Access = TermiiSimulator['access'];

describe.each<[string, (access: Access) => Life['provider']]>([
  ['Send Token', (access) => new TermiiSendToken(access)],
  ['Voice Token', (access) => new TermiiVoiceToken(access)],
  ['In-App Token', (access) => new TermiiInAppToken({ ...access, delivery: new TermiiSms(access) })],
])('Termii %s in the service', (_, provider) => {
  let termii: TermiiSimulator;
  let living: LivingCode;
  let phones = 9_000_000;

  beforeEach(async () => {
    termii = await new TermiiSimulator().start();
    living = await liveCode({
      vendor: termii,
      provider: provider(termii.access),
      newPhone: () => `+234810${++phones}`,
      isCheck: ({ path }) => path === '/api/sms/otp/verify',
    });
  });
  afterEach(async () => {
    await living.fixture.close();
    await termii.stop();
  });

  itLivesOnce(() => living);

  it('does not store the code', async () => {
    const { started, fixture } = living;
    const { code } = await started();

    const kept = JSON.stringify([await fixture.rows('otp_challenges'), await fixture.rows('otp_sends')]);
    expect(kept).toContain('termii-');
    expect(kept).not.toMatch(new RegExp(`"${code}|${code}"`));
  });

  it('refuses a code if the response with its id was lost, and accepts the next code', async () => {
    const { started, verify, fixture, checks } = living;
    termii.fault({ kind: 'truncated' }, 1);
    const lost = await started();

    await expect(verify(lost.challenge, lost.code)).rejects.toMatchObject({ code: 'otp_invalid' });
    expect(checks()).toEqual([]);
    await fixture.elapse(61);
    const { challenge, code } = await started(lost.phone);

    await expect(verify(challenge, code)).resolves.toHaveProperty('grant');
  });
});

describe('a Termii In-App Token delivered by Termii Messaging', () => {
  let termii: TermiiSimulator;
  let living: LivingCode;
  const shown: string[] = [];

  beforeEach(async () => {
    termii = await new TermiiSimulator().start();
    const onExchange = (exchange: object) => shown.push(JSON.stringify(exchange));
    const delivery = new TermiiSms({ ...termii.access, onExchange });
    living = await liveCode({
      vendor: termii,
      provider: new TermiiInAppToken({ ...termii.access, onExchange, delivery }),
      newPhone: () => '+2348109477743',
    });
  });
  afterEach(async () => {
    await living.fixture.close();
    await termii.stop();
  });

  it('SEC-61: appears in the message but in no displayed exchange', async () => {
    const { phone, code } = await living.started();

    expect(termii.messages(phone)).toMatchObject([{ text: expect.stringContaining(`${code} is your Acme code`) }]);
    expect(shown).toHaveLength(2);
    expect(shown.join()).not.toContain(code);
  });
});
