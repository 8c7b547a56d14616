import { refuseUnknownOptions } from './option-names.js';
import { OtpConfigError } from '../errors/otp.error.js';

/** What a code is for. A challenge answers for its purpose only. */
export type Purpose = BuiltInPurpose | (string & {});

/** Purposes that every application has, with the rules in docs/options.md. */
export type BuiltInPurpose =
  'login' | 'registration' | 'verify_number' | 'change_number' | 'password_reset' | 'second_factor' | 'transaction';

/** Who may start a purpose, and which numbers serve it. */
export interface PurposeRules {
  /**
   * Who starts it, and with that who may answer it:
   * `anyone` who names a phone · an `account` that is signed in, in its session · only the `host`'s own code (such as
   * `@StepUp`), never a ready-made route, for a signed-in account and its session · the host's code during a `login`, for
   * an account that is not signed in yet: whoever holds the handle may answer, and the grant is the account's alone.
   * @defaultValue 'host'
   */
  startedBy: 'anyone' | 'account' | 'host' | 'login';
  /**
   * `required`: a number that belongs to no account gets a decoy, so that the answer does not tell who has one.
   * @defaultValue 'any'
   */
  account: 'required' | 'any';
  /**
   * `settled`: only numbers that are not on hold after a change (`holdHours`) and were proved within
   * `reconfirmAfterDays`. Signed-in accounts are told; anybody else gets a decoy.
   * @defaultValue 'established'
   */
  number: 'established' | 'any';
}

const RULES = {
  startedBy: ['anyone', 'account', 'host', 'login'],
  account: ['required', 'any'],
  number: ['established', 'any'],
} satisfies { [Rule in keyof PurposeRules]: readonly PurposeRules[Rule][] };

const BUILT_IN: Record<BuiltInPurpose, PurposeRules> = {
  login: { startedBy: 'anyone', account: 'required', number: 'any' },
  registration: { startedBy: 'anyone', account: 'any', number: 'any' },
  password_reset: { startedBy: 'anyone', account: 'required', number: 'established' },
  verify_number: { startedBy: 'account', account: 'any', number: 'any' },
  change_number: { startedBy: 'account', account: 'any', number: 'established' },
  // Any number: the password is the other factor, and both together prove an old number anew.
  second_factor: { startedBy: 'login', account: 'any', number: 'any' },
  transaction: { startedBy: 'host', account: 'any', number: 'established' },
};

/** Whether the message must name amount, currency and payee ((EU) 2018/389 art. 5). */
export function namesPayment(purpose: string): boolean {
  return purpose === ('transaction' satisfies BuiltInPurpose);
}

interface PurposeOptions {
  purposes?: Record<string, Partial<PurposeRules>>;
  registerOnLogin?: boolean;
}

export function resolvePurposes({
  purposes: own = {},
  registerOnLogin = false,
}: PurposeOptions): ReadonlyMap<string, PurposeRules> {
  const purposes = new Map<string, PurposeRules>(Object.entries(BUILT_IN));
  if (registerOnLogin) purposes.set('login', { ...BUILT_IN.login, account: 'any' });
  for (const [name, rules] of Object.entries(own)) {
    if (!/^[a-z][a-z0-9_]{0,31}$/.test(name)) {
      throw new OtpConfigError(
        `"purposes" holds a name that is not 1 to 32 of a-z, 0-9 and _: write it in snake_case.`,
      );
    }
    requireRules(`purposes.${name}`, rules);
    purposes.set(name, { startedBy: 'host', account: 'any', number: 'established', ...purposes.get(name), ...rules });
  }
  return purposes;
}

function requireRules(option: string, rules: Partial<PurposeRules> = {}): void {
  refuseUnknownOptions(rules, RULES, option);
  for (const [rule, value] of Object.entries(rules)) {
    const choices: readonly string[] = RULES[rule as keyof PurposeRules];
    if (!choices.includes(value)) {
      throw new OtpConfigError(`"${option}.${rule}" must be one of ${choices.join(', ')}.`);
    }
  }
}
