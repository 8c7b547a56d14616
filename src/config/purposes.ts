import { refuseUnknownOptions } from './option-names.js';
import { OtpConfigError } from '../errors/otp.error.js';

/** What a code is for. A challenge can be verified for its own purpose only. */
export type Purpose = BuiltInPurpose | (string & {});

/** The built-in purposes; docs/options.md lists their rules. */
export type BuiltInPurpose =
  'login' | 'registration' | 'verify_number' | 'change_number' | 'password_reset' | 'second_factor' | 'transaction';

/** Who may start a purpose, and which numbers may be used for it. */
export interface PurposeRules {
  /**
   * Who may start the purpose, and therefore who may verify it.
   * `anyone`: any client with a phone number. `account`: a signed-in account, in its session. `host`: only your own code (such
   * as `@StepUp`), never a ready-made route, for a signed-in account and its session. `login`: your code during a login, for an
   * account that is not signed in yet; any holder of the handle may verify, and the grant is valid for this account only.
   * @defaultValue 'host'
   */
  startedBy: 'anyone' | 'account' | 'host' | 'login';
  /**
   * `required`: a number without an account gets a decoy, so the response does not reveal which numbers have one. `any`: the
   * number needs no account.
   * @defaultValue 'any'
   */
  account: 'required' | 'any';
  /**
   * `established`: only numbers that are not on hold after a change (`holdHours`) and were proved within `reconfirmAfterDays`.
   * Otherwise a signed-in account gets an error and an anonymous caller gets a decoy. `any`: every number.
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
  // Any number: the password is the other factor, and both together renew the proof of an old number.
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
        '"purposes" contains an invalid name: use snake_case of 1 to 32 characters (a-z, 0-9, _) that starts with a letter.',
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
