import { TermiiInAppToken, TermiiSendToken, TermiiSms, TermiiVoiceToken } from 'nestjs-phone-otp/termii';
import { TermiiSimulator } from 'nestjs-phone-otp/simulators';

import { type Life, itLivesOnce, liveCode, type LivingCode } from '../support/vendor-life.js';

type Access = TermiiSimulator['access'];

describe.each<[string, (access: Access) => Life['provider']]>([
  ['Send Token', (access) => new TermiiSendToken(access)],
  ['Voice Token', (access) => new TermiiVoiceToken(access)],
  ['In-App Token', (access) => new TermiiInAppToken({ ...access, delivery: new TermiiSms(access) })],
])('the life of a code at Termii, %s', (_, provider) => {
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

  it('keeps the code nowhere', async () => {
    const { started, fixture } = living;
    const { code } = await started();

    const kept = JSON.stringify([await fixture.rows('otp_challenges'), await fixture.rows('otp_sends')]);
    expect(kept).toContain('termii-');
    expect(kept).not.toMatch(new RegExp(`"${code}|${code}"`));
  });

  it('takes no code whose id was lost with the vendor’s answer, and works with the next', async () => {
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

describe('an In-App Token that Termii’s SMS brings', () => {
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

  it('SEC-61: stands in our text, and nothing that is shown has it', async () => {
    const { phone, code } = await living.started();

    expect(termii.messages(phone)).toMatchObject([{ text: expect.stringContaining(`${code} is your Acme code`) }]);
    expect(shown).toHaveLength(2);
    expect(shown.join()).not.toContain(code);
  });
});
