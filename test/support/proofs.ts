import type { INestApplication } from '@nestjs/common';
import {
  type OwnedNumber,
  type PhoneLoginResult,
  type Proof,
  PhoneLoginStrategy,
  type StartRequest,
} from 'nestjs-phone-otp';

import { type Fixture, newPhone } from './otp-fixture.js';

const client = { address: '203.0.113.7' };

/** Runs a challenge from start to grant; reads the code from the outbox. */
export async function prove(
  fixture: Fixture,
  { phone = newPhone(), purpose = 'registration', ...more }: Partial<StartRequest> = {},
): Promise<{ phone: string; challenge: string; code: string; grant: string }> {
  fixture.sms.clear();
  const { challenge } = await fixture.otp.start({ phone, purpose, client, ...more });
  const code = await fixture.codeFor(phone);
  const { subject, session } = more;
  const who = { ...(subject !== undefined && { subject }), ...(session !== undefined && { session }) };
  const { grant } = await fixture.otp.verify({ challenge, code, purpose, ...who });
  return { phone, challenge, code, grant };
}

/** Like {@link prove}, but also uses the grant. */
export async function proofOf(fixture: Fixture, request: Partial<StartRequest> & { purpose: string }): Promise<Proof> {
  const { grant } = await prove(fixture, request);
  const { purpose, subject, session } = request;
  const who = { ...(subject !== undefined && { subject }), ...(session !== undefined && { session }) };
  return fixture.grants.consume(grant, { purpose, ...who });
}

/** Moves an account from one number to another, with a code from each. */
export async function changeNumber(fixture: Fixture, subject: string, from: string, to: string): Promise<OwnedNumber> {
  const current = await prove(fixture, { phone: from, purpose: 'change_number', subject });
  const next = await prove(fixture, { phone: to, purpose: 'verify_number', subject });
  return fixture.numbers.change(subject, { currentNumberGrant: current.grant, newNumberGrant: next.grant });
}

/** Logs in by grant, as the guard does. */
export function logIn(app: INestApplication, grant: string): Promise<PhoneLoginResult> {
  const request = { method: 'POST', headers: { 'otp-grant': grant } };
  return app.get(PhoneLoginStrategy, { strict: false }).validate(request);
}
