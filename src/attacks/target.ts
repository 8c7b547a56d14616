import { OTP_FIGURES } from '../config/options.js';

/** A request as the application's client would make it. The suite adds the access token and the grant. */
export interface AttackRequest {
  /** @defaultValue 'POST' */
  readonly method?: string;
  /** For example `/auth/login`. */
  readonly path: string;
  /** Further headers. The suite adds its own. */
  readonly headers?: Readonly<Record<string, string>>;
  /** An object is sent as JSON, a string as it is. */
  readonly body?: unknown;
}

/** The application's answer. */
export interface AttackAnswer {
  /** The method and path of the request. */
  readonly request: string;
  /** The HTTP status. */
  readonly status: number;
  /** The response headers. */
  readonly headers: Headers;
  /** The body as received. */
  readonly text: string;
  /** Empty unless the answer is a JSON object. */
  readonly json: Readonly<Record<string, unknown>>;
  /** Time until the whole answer arrived, in milliseconds. */
  readonly ms: number;
}

/**
 * Describes an application to the suite. Only the first 3 members are required. Each of the others enables more
 * attacks; without it, those are reported as not applicable.
 */
export interface AttackTarget {
  /**
   * Where the application listens; a function if that is known only once the tests run. It must be on this machine or
   * in a private network: see {@link AttackTarget.iOwnThisApplication}.
   */
  readonly baseUrl: string | (() => string);
  /** Returns the texts of the messages that a phone (E.164) received, newest first. */
  readonly inbox: (phone: string) => Promise<readonly string[]>;
  /**
   * Returns a mobile number (E.164) that no account has, a different one each time. Spread the numbers: strangers may
   * send at most `sendsPerPrefixPerHour` messages to numbers that differ only in their last 4 digits.
   */
  readonly newPhone: () => string;

  /** Path of the ready-made routes, with its leading slash. @defaultValue '/otp' */
  readonly routes?: string;
  /** Another instance of the application on the same database. Parallel attacks use both. */
  readonly secondInstanceUrl?: string | (() => string);
  /**
   * How the attackers get their many addresses: `loopback` connects from 127.0.0.0/8; `one` uses a single address, so
   * set the application's limits per address high; a function returns the headers that a proxy trusted by the
   * application would add for client number `n`. @defaultValue 'loopback' if the application is on this machine and the
   * system supports it
   */
  readonly addresses?: 'loopback' | 'one' | ((n: number) => Readonly<Record<string, string>>);
  /** The module's options that differ from the defaults. */
  readonly limits?: Partial<AttackLimits>;
  /** Allows attacks on an application that is neither on this machine nor in a private network. @defaultValue false */
  readonly iOwnThisApplication?: boolean;

  /**
   * Lets time pass for codes, grants and limits: moves the times in the tables of a test database back, or simply
   * waits.
   */
  readonly elapse?: (seconds: number) => Promise<void>;
  /** Stops the application at `baseUrl` and starts it again. */
  readonly restart?: () => Promise<void>;
  /** Returns everything that the application has logged so far. */
  readonly logs?: () => Promise<string>;

  /** Registers an account with a grant of purpose `registration`. */
  readonly register?: (account: { phone: string; password: string }) => AttackRequest;
  /** Logs in with the challenge and code of purpose `login`, or with a grant instead of both. */
  readonly login?: (proof: { challenge?: string; code?: string }) => AttackRequest;
  /** Logs in by password; without a grant of purpose `second_factor` it starts that challenge. */
  readonly passwordLogin?: (account: { phone: string; password: string }) => AttackRequest;
  /** Sets a new password with a grant of purpose `password_reset`. */
  readonly resetPassword?: (wish: { password: string }) => AttackRequest;
  /** Succeeds only for a signed-in client. */
  readonly me?: () => AttackRequest;
  /** Moves the signed-in account to another number, with a grant of purpose `change_number` besides the body. */
  readonly changeNumber?: (proof: { newNumberGrant: string }) => AttackRequest;
  /** An action of the signed-in account that `@StepUp('transaction', …)` guards. */
  readonly guarded?: GuardedAction;
  /** Returns the access token from the answer to a login or registration. @defaultValue its field `accessToken` */
  readonly token?: (answer: AttackAnswer) => string | undefined;
  /** Returns the headers of a signed-in client. @defaultValue a bearer token */
  readonly signedIn?: (token: string) => Readonly<Record<string, string>>;
}

/** How a payment is created and confirmed. */
export interface GuardedAction {
  /** Creates a payment. */
  readonly create: (order: { amount: string; payee: string }) => AttackRequest;
  /** Returns the payment's id from the answer. @defaultValue its field `id` */
  readonly id?: (answer: AttackAnswer) => string | undefined;
  /** Without a grant it starts the step-up; with one it executes the payment. */
  readonly confirm: (payment: { id: string }) => AttackRequest;
  /** Shows the stored payment. */
  readonly read?: (payment: { id: string }) => AttackRequest;
  /** Changes the payee of a prepared payment. */
  readonly change?: (payment: { id: string; payee: string }) => AttackRequest;
}

/** The module's options that determine how far an attack must go. */
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

/** What a case may need from a target: a member of {@link AttackTarget}, or many addresses. */
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

/** How to tell that a target has an ability. */
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

/** Returns the abilities that a case needs and the target lacks. */
export function lacks(target: AttackTarget, needs: readonly Ability[]): Ability[] {
  return needs.filter((ability) => !ABILITIES[ability](target));
}

export function addressesOf({ addresses, baseUrl }: AttackTarget): NonNullable<AttackTarget['addresses']> {
  if (addresses !== undefined) return addresses;
  // An address that is not known yet belongs to an application that the tests start on this machine.
  const hostname = typeof baseUrl === 'string' ? new URL(baseUrl).hostname : '127.0.0.1';
  // Of the systems that Node supports, these accept all of 127.0.0.0/8 without configuration.
  const hasMany = ['linux', 'win32'].includes(process.platform);
  return hasMany && (hostname === 'localhost' || /^127(\.\d+){3}$/.test(hostname)) ? 'loopback' : 'one';
}
