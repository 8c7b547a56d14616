import { TaqnyatSimulator } from 'nestjs-phone-otp/simulators';

import { evidence } from '../support/evidence.js';
import { ask, Fleet, ISOLATION_LEVELS, tally } from '../support/fleet.js';
import { newPhone, wrongCode } from '../support/otp-fixture.js';
import { until } from '../support/until.js';

// Four processes, released together, over one vendor that makes and checks the codes; the vendor counts its requests.

const purpose = 'registration';
const client = { address: '203.0.113.7' };

let fleet: Fleet;
let taqnyat: TaqnyatSimulator;
beforeAll(async () => {
  // A vendor that compares any number of codes: only the library's own count limits them.
  taqnyat = await new TaqnyatSimulator({ codeLength: 6, maxAttempts: 1000 }).start();
  fleet = await Fleet.launch();
});
afterAll(async () => {
  await fleet.close();
  await taqnyat.stop();
});

describe.each(ISOLATION_LEVELS)('at %s, with codes that the vendor checks, the module', (isolation) => {
  beforeAll(async () => {
    await fleet.open({ isolation, taqnyat: { ...taqnyat.access, codeLength: 6, maxAttempts: 5 } });
  });

  const checks = () => taqnyat.requests.filter(({ body }) => body.includes('activeKey')).length;

  async function started() {
    const phone = newPhone();
    const { challenge } = await fleet.do(ask.start({ phone, purpose, client }));
    const sent = `SELECT FROM otp_sends WHERE challenge_id = $1 AND outcome = 'sent'`;
    await until('the message is recorded', async () => (await fleet.sql(sent, [idOf(challenge)])).length === 1);
    return { challenge, code: taqnyat.lastCode(phone)! };
  }
  const idOf = (challenge: string) => challenge.split('.')[0];
  const rowOf = async (challenge: string) =>
    (await fleet.sql('SELECT * FROM otp_challenges WHERE id = $1', [idOf(challenge)]))[0];

  it('SEC-06 SEC-17: lets one of 64 parallel right codes win', async () => {
    const { challenge, code } = await started();
    const before = checks();

    const outcomes = await fleet.race(Array.from({ length: 64 }, () => ask.verify({ challenge, code, purpose })));

    const { ok, ...others } = tally(outcomes);
    expect(ok).toBe(1);
    expect(Object.keys(others).filter((other) => !/^otp_(invalid|unavailable)$/.test(other))).toEqual([]);
    expect(checks() - before).toBeLessThanOrEqual(5);
    expect(await rowOf(challenge)).toMatchObject({ status: 'consumed' });
    for (const id of ['SEC-06', 'SEC-17']) evidence(id, { processes: 4, rightCodes: 64, successes: ok! });
  });

  it('SEC-07 SEC-17: lets five of 200 parallel wrong codes reach the vendor, and then not the right one', async () => {
    const { challenge, code } = await started();
    const before = checks();
    const guess = () => ask.verify({ challenge, code: wrongCode(code), purpose });

    const outcomes = await fleet.race(Array.from({ length: 200 }, guess));

    expect(tally(outcomes)).toEqual({ otp_invalid: 5, otp_unavailable: 195 });
    expect(checks() - before).toBe(5);
    expect(await fleet.outcomeOf(ask.verify({ challenge, code, purpose }))).toMatchObject({ code: 'otp_unavailable' });
    expect(checks() - before).toBe(5);
    for (const id of ['SEC-07', 'SEC-17']) {
      evidence(id, { processes: 4, wrongCodes: 200, askedOfVendor: checks() - before, successes: 0 });
    }
  });
});
