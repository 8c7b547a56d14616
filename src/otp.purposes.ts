import { OtpConfigError } from './otp.error.js';
import { SAFE_CODE_LENGTH } from './providers/terms.js';

/** What a code is for. A challenge answers for its purpose only. */
export type Purpose = BuiltInPurpose | (string & {});

export type BuiltInPurpose =
  'login' | 'registration' | 'verify_number' | 'change_number' | 'password_reset' | 'second_factor' | 'transaction';

export interface PurposeRules {
  /**
   * Who starts it: `anyone` who names a phone · an `account` that is signed in · only the `host`'s own code, never a ready-made route.
   * @defaultValue 'host'
   */
  startedBy: 'anyone' | 'account' | 'host';
  /**
   * `required`: a number that belongs to no account gets a decoy, so that the answer does not tell who has one.
   * @defaultValue 'any'
   */
  account: 'required' | 'any';
}

const BUILT_IN: Record<BuiltInPurpose, PurposeRules> = {
  login: { startedBy: 'anyone', account: 'required' },
  registration: { startedBy: 'anyone', account: 'any' },
  password_reset: { startedBy: 'anyone', account: 'required' },
  verify_number: { startedBy: 'account', account: 'any' },
  change_number: { startedBy: 'account', account: 'any' },
  second_factor: { startedBy: 'host', account: 'any' },
  transaction: { startedBy: 'host', account: 'any' },
};

/** Purposes that protect more than a login: a short code is too weak for them unless the host accepts it. */
const STEP_UPS: ReadonlySet<string> = new Set<BuiltInPurpose>([
  'password_reset',
  'change_number',
  'second_factor',
  'transaction',
]);

/** What makes a provider unfit for a purpose, and the option that accepts it all the same; undefined when it is fit. */
export function weaknessFor(
  purpose: string,
  { codeLength, fixedText }: { codeLength: number; fixedText: boolean },
  { acceptShortCodes, acceptFixedText }: { acceptShortCodes: boolean; acceptFixedText: boolean },
): string | undefined {
  if (STEP_UPS.has(purpose) && codeLength < SAFE_CODE_LENGTH && !acceptShortCodes) {
    return `its codes have ${codeLength} digits (set "acceptShortCodes" to accept that)`;
  }
  if (purpose === 'transaction' && fixedText && !acceptFixedText) {
    return 'its text cannot name amount and payee (set "acceptFixedText" to accept that)';
  }
  return undefined;
}

export function resolvePurposes(own: Record<string, Partial<PurposeRules>> = {}): ReadonlyMap<string, PurposeRules> {
  const purposes = new Map<string, PurposeRules>(Object.entries(BUILT_IN));
  for (const [name, rules] of Object.entries(own)) {
    if (!/^[a-z][a-z0-9_]{0,31}$/.test(name)) {
      throw new OtpConfigError(
        `"purposes" holds a name that is not 1 to 32 of a-z, 0-9 and _: write it in snake_case.`,
      );
    }
    purposes.set(name, { startedBy: 'host', account: 'any', ...purposes.get(name), ...rules });
  }
  return purposes;
}
