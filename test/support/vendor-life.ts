import type { OtpModuleOptions } from 'nestjs-phone-otp';
import type { DelegatedProvider, GeneratorProvider } from 'nestjs-phone-otp/provider-kit';
import type { SimulatedRequest, VendorSimulator } from 'nestjs-phone-otp/simulators';

import { fates, marked } from './messages.js';
import { type Fixture, otpFixture, wrongCode } from './otp-fixture.js';

// The complete path of a vendor's code: service, PostgreSQL, adapter, socket, and the vendor's simulator.

const client = { address: '203.0.113.7' };
const purpose = 'registration';

/** A vendor with its adapter. */
export interface Life {
  vendor: VendorSimulator;
  provider: DelegatedProvider | GeneratorProvider;
  /** Returns a number that the vendor serves, a new one for each call. */
  newPhone: () => string;
  /** Whether a request is a check. @defaultValue false for every request */
  isCheck?: (request: SimulatedRequest) => boolean;
}

/** A running application with a vendor, and helpers for its tests. */
export interface LivingCode extends Life {
  fixture: Fixture;
  /** Starts a challenge, waits until its delivery is recorded, and reads the code from the phone. */
  started: (phone?: string) => Promise<{ phone: string; challenge: string; code: string }>;
  verify: (challenge: string, code: string) => Promise<{ grant: string }>;
  /** The checks that reached the vendor. */
  checks: () => readonly SimulatedRequest[];
}

/** Starts the application. */
export async function liveCode(
  life: Life,
  options: Partial<OtpModuleOptions> = { providerTimeoutMs: 300 },
): Promise<LivingCode> {
  const { vendor, provider, isCheck = () => false } = life;
  const fixture = await otpFixture({ provider, options });
  return {
    ...life,
    fixture,
    started: async (phone = life.newPhone()) => {
      const { challenge } = await fixture.otp.start({ phone, purpose, client });
      await marked(fixture);
      return { phone, challenge, code: vendor.lastCode(phone) ?? '000000' };
    },
    verify: (challenge, code) => fixture.otp.verify({ challenge, code, purpose }),
    checks: () => vendor.requests.filter(isCheck),
  };
}

const refused = (code: string) => expect.objectContaining({ name: 'OtpError', code });

/** Tests for every vendor that checks codes itself. */
export function itLivesOnce(living: () => LivingCode): void {
  it('verifies a number after a wrong and a correct code', async () => {
    const { started, verify, fixture, provider } = living();
    const { phone, challenge, code } = await started();

    await expect(verify(challenge, wrongCode(code))).rejects.toEqual(refused('otp_invalid'));
    const { grant } = await verify(challenge, code);

    await expect(fixture.numbers.activate(grant, 'account-1')).resolves.toMatchObject({ phone, owner: 'account-1' });
    expect(await fixture.rows('otp_sends')).toMatchObject([{ provider: provider.name, outcome: 'sent' }]);
    expect(await fixture.rows('otp_challenges')).toMatchObject([{ checked_by: 'provider', code_mac: null }]);
    await expect(verify(challenge, code)).rejects.toEqual(refused('otp_unavailable'));
  });

  it('FLT-15: requires a new challenge if the response to a correct code is lost', async () => {
    const { started, verify, vendor, fixture } = living();
    const { challenge, code } = await started();
    vendor.fault({ kind: 'hang' }, 1); // the vendor accepts the code; its response is lost

    await expect(verify(challenge, code)).rejects.toEqual(refused('otp_invalid'));
    await expect(verify(challenge, code)).rejects.toEqual(refused('otp_invalid'));

    expect(await fixture.rows('otp_grants')).toEqual([]);
  });
}

/** Test for vendors that find a code without the id in their response. */
export function itAcceptsCodesOfLostResponses(living: () => LivingCode): void {
  it('FLT-07: records a lost response as unknown, sends nothing twice, and accepts the code that arrives', async () => {
    const { started, verify, vendor, fixture } = living();
    vendor.fault({ kind: 'hang' }, 1);
    const { challenge, code } = await started();

    expect(await fates(fixture)).toEqual(['unknown']);
    expect(await fixture.rows('otp_challenges')).toMatchObject([{ status: 'pending', ended_at: null }]);
    expect(vendor.requests).toHaveLength(1);
    await expect(verify(challenge, code)).resolves.toHaveProperty('grant');
  });
}

/** Test for vendors that find a code only by the id in their response. */
export function itRefusesCodesOfLostResponses(living: () => LivingCode): void {
  it('FLT-07: refuses a code without calling the vendor if the response with its id was lost', async () => {
    const { started, verify, vendor, fixture, checks } = living();
    vendor.fault({ kind: 'hang' }, 1);
    const { challenge, code } = await started();

    expect(await fates(fixture)).toEqual(['unknown']);
    expect(await fixture.rows('otp_challenges')).toMatchObject([{ status: 'pending' }]);
    await expect(verify(challenge, code)).rejects.toEqual(refused('otp_invalid'));
    expect(checks()).toEqual([]);
  });
}

/** Test for vendors that find a code by the number alone. */
export function itHasOneChallengePerNumber(living: () => LivingCode): void {
  it('allows one challenge per number across all purposes, because the vendor finds codes by the number alone', async () => {
    const { started, verify, vendor, fixture, checks } = living();
    const { phone, challenge } = await started();
    await fixture.elapse(61);

    await fixture.otp.start({ phone, purpose: 'verify_number', client, subject: 'account-1' });

    await expect(verify(challenge, vendor.lastCode(phone)!)).rejects.toEqual(refused('otp_unavailable'));
    expect(checks()).toEqual([]);
  });
}
