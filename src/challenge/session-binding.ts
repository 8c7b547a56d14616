import type { KeyedHash } from '../keyed-hash.js';
import { requireText } from '../input.js';
import { OtpError } from '../otp.error.js';

interface SignedIn {
  subject?: string;
  session?: string;
}

/** What a challenge and its grant are bound to: an account and its session, or null where nobody is signed in. */
export type SessionBinding = (signedIn: SignedIn) => Buffer | null;

export function sessionBinding(hash: KeyedHash): SessionBinding {
  return ({ subject, session }) => {
    if (subject === undefined) {
      if (session === undefined) return null;
      throw new OtpError('request_invalid', 'A "session" needs the "subject" it belongs to.');
    }
    return hash.of(
      'session',
      requireText('subject', subject),
      session === undefined ? '' : requireText('session', session),
    );
  };
}
