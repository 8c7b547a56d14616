import { OTP_FIGURES } from '../config/options.js';

/** A request of the application, as its client would make it. The suite adds access token and grant by itself. */
export interface AttackRequest {
  /** @defaultValue 'POST' */
  readonly method?: string;
  /** Such as `/auth/login`. */
  readonly path: string;
  /** Beside those that the suite adds. */
  readonly headers?: Readonly<Record<string, string>>;
  /** An object becomes JSON, a text goes as it is. */
  readonly body?: unknown;
}

/** What the application answered. */
export interface AttackAnswer {
  /** Method and path that were asked. */
  readonly request: string;
  /** Of HTTP. */
  readonly status: number;
  /** Of the answer. */
  readonly headers: Headers;
  /** The body as it came. */
  readonly text: string;
  /** Empty unless the answer is a JSON object. */
  readonly json: Readonly<Record<string, unknown>>;
  /** Until the whole answer was there. */
  readonly ms: number;
}

/**
 * What the suite must know of an application to attack it. Only the first three are needed: each of the others makes more
 * attacks possible, and without it those are reported as not applicable.
 */
export interface AttackTarget {
  /**
   * Where the application listens; a function where that is known only once the tests run. On this machine or in a private
   * network, see {@link AttackTarget.iOwnThisApplication}.
   */
  readonly baseUrl: string | (() => string);
  /** The texts of the messages that a phone (E.164) received, newest first. */
  readonly inbox: (phone: string) => Promise<readonly string[]>;
  /**
   * A mobile number (E.164) that no account has, another each time. Spread them: strangers may send no more than
   * `sendsPerPrefixPerHour` messages to numbers that differ in their last four digits only.
   */
  readonly newPhone: () => string;

  /** Path of the ready-made routes, with its slash. @defaultValue '/otp' */
  readonly routes?: string;
  /** Another instance of the application over the same database. Attacks in parallel go to both. */
  readonly secondInstanceUrl?: string | (() => string);
  /**
   * How the attackers get their many addresses: `loopback` connects from 127.0.0.0/8; `one` has no way, so that the limits
   * per address of the application must be set high; a function makes the headers that a proxy which the application trusts
   * would add for client number `n`. @defaultValue 'loopback' where the application is on this machine and the system can
   */
  readonly addresses?: 'loopback' | 'one' | ((n: number) => Readonly<Record<string, string>>);
  /** The module's options, where they are not the defaults. */
  readonly limits?: Partial<AttackLimits>;
  /** Attacks an application that is neither on this machine nor in a private network. @defaultValue false */
  readonly iOwnThisApplication?: boolean;

  /**
   * Lets time pass for codes, grants and limits: moves the times in the tables of a test's database back, or simply waits.
   */
  readonly elapse?: (seconds: number) => Promise<void>;
  /** Ends the application at `baseUrl`, and starts it again. */
  readonly restart?: () => Promise<void>;
  /** Everything that the application wrote to its logs so far. */
  readonly logs?: () => Promise<string>;

  /** Opens an account with a grant of purpose `registration`. */
  readonly register?: (account: { phone: string; password: string }) => AttackRequest;
  /** Logs in with challenge and code of purpose `login`, or with a grant in place of both. */
  readonly login?: (proof: { challenge?: string; code?: string }) => AttackRequest;
  /** Logs in by password; without a grant of purpose `second_factor` it begins that challenge. */
  readonly passwordLogin?: (account: { phone: string; password: string }) => AttackRequest;
  /** Sets a new password with a grant of purpose `password_reset`. */
  readonly resetPassword?: (wish: { password: string }) => AttackRequest;
  /** Succeeds for whoever is signed in, and for nobody else. */
  readonly me?: () => AttackRequest;
  /** Moves the signed-in account to another number, with a grant of purpose `change_number` beside the body. */
  readonly changeNumber?: (proof: { newNumberGrant: string }) => AttackRequest;
  /** Something of the signed-in account that `@StepUp('transaction', …)` guards. */
  readonly guarded?: GuardedAction;
  /** The access token in the answer to a login or registration. @defaultValue its field `accessToken` */
  readonly token?: (answer: AttackAnswer) => string | undefined;
  /** What a client sends to be signed in. @defaultValue a bearer token */
  readonly signedIn?: (token: string) => Readonly<Record<string, string>>;
}

/** How a payment is prepared and confirmed. */
export interface GuardedAction {
  /** Prepares a payment. */
  readonly create: (order: { amount: string; payee: string }) => AttackRequest;
  /** The payment's id in the answer. @defaultValue its field `id` */
  readonly id?: (answer: AttackAnswer) => string | undefined;
  /** Without a grant it begins the step-up, with one it executes the payment. */
  readonly confirm: (payment: { id: string }) => AttackRequest;
  /** Shows the payment as it is stored. */
  readonly read?: (payment: { id: string }) => AttackRequest;
  /** Gives a prepared payment another payee. */
  readonly change?: (payment: { id: string; payee: string }) => AttackRequest;
}

/** Options of the module that say how far an attack must go. */
export type AttackLimits = Readonly<
  Record<'maxAttempts' | 'verifiesPerAddress' | 'sendsPerAddressPerHour' | 'failuresPerHour', number>
>;

const LIMITS: readonly (keyof AttackLimits)[] = [
  'maxAttempts',
  'verifiesPerAddress',
  'sendsPerAddressPerHour',
  'failuresPerHour',
];

export function limitsOf({ limits = {} }: AttackTarget): AttackLimits {
  return Object.fromEntries(LIMITS.map((name) => [name, limits[name] ?? OTP_FIGURES[name].default])) as AttackLimits;
}

/** What a case may need of a target: a member of {@link AttackTarget}, or what its addresses say. */
export type Ability =
  | 'addresses'
  | 'second instance'
  | 'elapse'
  | 'restart'
  | 'logs'
  | 'register'
  | 'login'
  | 'passwordLogin'
  | 'resetPassword'
  | 'me'
  | 'changeNumber'
  | 'guarded'
  | 'guarded.change';

/** How a target says that it has it. */
const ABILITIES: Record<Ability, (target: AttackTarget) => boolean> = {
  addresses: (target) => addressesOf(target) !== 'one',
  'second instance': ({ secondInstanceUrl }) => secondInstanceUrl !== undefined,
  elapse: ({ elapse }) => elapse !== undefined,
  restart: ({ restart }) => restart !== undefined,
  logs: ({ logs }) => logs !== undefined,
  register: ({ register }) => register !== undefined,
  login: ({ login }) => login !== undefined,
  passwordLogin: ({ passwordLogin }) => passwordLogin !== undefined,
  resetPassword: ({ resetPassword }) => resetPassword !== undefined,
  me: ({ me }) => me !== undefined,
  changeNumber: ({ changeNumber }) => changeNumber !== undefined,
  guarded: ({ guarded }) => guarded !== undefined,
  'guarded.change': ({ guarded }) => guarded?.change !== undefined,
};

/** What the target does not have of what a case needs. */
export function lacks(target: AttackTarget, needs: readonly Ability[]): Ability[] {
  return needs.filter((ability) => !ABILITIES[ability](target));
}

export function addressesOf({ addresses, baseUrl }: AttackTarget): NonNullable<AttackTarget['addresses']> {
  if (addresses !== undefined) return addresses;
  // An address that is not known yet is that of an application which the tests start here.
  const hostname = typeof baseUrl === 'string' ? new URL(baseUrl).hostname : '127.0.0.1';
  // Of the systems that Node knows, these have all of 127.0.0.0/8 without being told.
  const hasMany = ['linux', 'win32'].includes(process.platform);
  return hasMany && (hostname === 'localhost' || /^127(\.\d+){3}$/.test(hostname)) ? 'loopback' : 'one';
}
