import { requireText } from '../errors/input.js';
import type { KeyedHash } from '../crypto/keyed-hash.js';
import { OtpError } from '../errors/otp.error.js';
import type { PurposeRules } from '../config/purposes.js';

interface SignedIn {
  subject?: string;
  session?: string;
}

/**
 * What a challenge and its grant are bound to: an account and its session. Null where nobody is signed in: before there
 * is an account, and during a login, when the handle alone says who may answer.
 */
export type SessionBinding = (rules: PurposeRules | undefined, signedIn: SignedIn) => Buffer | null;

export function sessionBinding(hash: KeyedHash): SessionBinding {
  return (rules, { subject, session }) => {
    if (subject === undefined) {
      if (session === undefined) return null;
      throw new OtpError('request_invalid', 'A "session" needs the "subject" it belongs to.');
    }
    const account = requireText('subject', subject);
    const login = session === undefined ? '' : requireText('session', session);
    return rules?.startedBy === 'login' ? null : hash.of('session', account, login);
  };
}
