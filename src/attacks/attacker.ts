import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import type { BuiltInPurpose } from '../config/purposes.js';
import { type AttackAnswer, type AttackLimits, type AttackRequest, type AttackTarget, limitsOf } from './target.js';
import { NotStaged, assertRefused, assertStaged } from './verdict.js';
import type { Source, Wire } from './wire.js';

const MESSAGE_MS = 10_000;
const HOOK_MS = 120_000;
/** Requests from one address in a crowd: below the module's limit per address. */
const PER_ADDRESS = 15;

/** A challenge whose code arrived. */
export interface Begun {
  readonly phone: string;
  readonly purpose: BuiltInPurpose;
  readonly challenge: string;
  readonly code: string;
  /** The answer to `start`. */
  readonly answer: AttackAnswer;
}

/** A signed-in account. */
export interface Account {
  readonly phone: string;
  readonly password: string;
  readonly token: string;
  /** The challenge of its registration. */
  readonly begun: Begun;
}

/** What accompanies a request: an access token, a grant, further body fields and headers. */
export interface Along {
  readonly token?: string | undefined;
  readonly grant?: string | undefined;
  readonly fields?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What all participants of one case share. */
export interface Stage {
  readonly target: AttackTarget;
  readonly wire: Wire;
  /** The phones that may have received messages. */
  readonly phones: Set<string>;
}

/** A client at one address that talks to one instance: the attacker, a victim, a stranger. */
export class Attacker {
  constructor(
    private readonly stage: Stage,
    private readonly baseUrl = stage.target.baseUrl,
    private readonly source: Source = stage.wire.newSource(),
  ) {}

  get target(): AttackTarget {
    return this.stage.target;
  }

  get limits(): AttackLimits {
    return limitsOf(this.target);
  }

  /** Returns a client at another address. */
  elsewhere(): Attacker {
    return new Attacker(this.stage, this.baseUrl);
  }

  /** Returns the same client at the other instance, if there is one. */
  atSecondInstance(): Attacker {
    return new Attacker(this.stage, this.target.secondInstanceUrl ?? this.baseUrl, this.source);
  }

  /** Returns `size` clients at several addresses, half of them at the second instance. */
  crowd(size: number): Attacker[] {
    const crowd: Attacker[] = [];
    while (crowd.length < size) {
      const one = this.elsewhere();
      const other = one.atSecondInstance();
      for (let n = 0; n < PER_ADDRESS && crowd.length < size; n++) crowd.push(n % 2 === 0 ? one : other);
    }
    return crowd;
  }

  /** Returns headers that claim another address, as far to the left as a client can place it. */
  forged(address: string): Record<string, string> {
    const { 'X-Forwarded-For': added } = this.source.headers;
    const claimed = added === undefined ? address : `${address}, ${added}`;
    const names = ['X-Real-IP', 'X-Client-IP', 'True-Client-IP', 'CF-Connecting-IP'];
    return {
      'X-Forwarded-For': claimed,
      Forwarded: `for=${address}`,
      ...Object.fromEntries(names.filter((name) => !(name in this.source.headers)).map((name) => [name, address])),
    };
  }

  /** Returns an unused number. */
  newPhone(): string {
    const phone = this.target.newPhone();
    this.stage.phones.add(phone);
    return phone;
  }

  send(request: AttackRequest, { token, grant, fields, headers }: Along = {}): Promise<AttackAnswer> {
    const { signedIn = bearer } = this.target;
    const isObject = typeof request.body === 'object' && request.body !== null;
    return this.stage.wire.send(
      typeof this.baseUrl === 'string' ? this.baseUrl : this.baseUrl(),
      {
        ...request,
        ...(fields && { body: { ...(isObject && (request.body as object)), ...fields } }),
        headers: {
          ...request.headers,
          ...(token !== undefined && signedIn(token)),
          ...(grant !== undefined && { 'OTP-Grant': grant }),
          ...headers,
        },
      },
      this.source,
    );
  }

  start(phone: unknown, purpose: BuiltInPurpose, along?: Along): Promise<AttackAnswer> {
    return this.send(this.route('start', { phone, purpose }), along);
  }

  resend(challenge: string): Promise<AttackAnswer> {
    return this.send(this.route('resend', { challenge }));
  }

  verify({ challenge, purpose }: VerifiedOf, code: unknown, along?: Along): Promise<AttackAnswer> {
    return this.send(this.route('verify', { challenge, code, purpose }), along);
  }

  /** Returns a request to a ready-made route. */
  route(name: 'start' | 'resend' | 'verify', body?: unknown): AttackRequest {
    return { path: `${this.target.routes ?? '/otp'}/${name}`, ...(body !== undefined && { body }) };
  }

  /** Starts a challenge and reads its message. */
  async begin(
    purpose: BuiltInPurpose = 'registration',
    phone = this.newPhone(),
    along?: Pick<Along, 'token'>,
  ): Promise<Begun> {
    const before = await this.messages(phone);
    const answer = await this.start(phone, purpose, along);
    assertStaged(answer, `a challenge for ${purpose}`);
    return this.challengeFrom(answer, purpose, phone, before.length);
  }

  /**
   * Reads the message of a challenge that an answer starts. @param before number of messages at the phone until then
   */
  async challengeFrom(answer: AttackAnswer, purpose: BuiltInPurpose, phone: string, before: number): Promise<Begun> {
    const { challenge, codeLength = 6 } = answer.json;
    if (typeof challenge !== 'string') throw new NotStaged(`${answer.request} answered without "challenge".`);
    const code = await this.nextCode(phone, before, Number(codeLength));
    return { phone, purpose, challenge, code, answer };
  }

  /** Returns the code of the message that follows the first `before` messages. */
  async nextCode(phone: string, before: number, length = 6): Promise<string> {
    const texts = await this.messages(phone, before);
    const code = new RegExp(`(?<!\\d)\\d{${length}}(?!\\d)`).exec(texts[0]!)?.[0];
    if (code === undefined) throw new NotStaged(`The newest message to a phone has no code of ${length} digits.`);
    return code;
  }

  /** Returns every text that a phone received, newest first; waits for more than `before` of them. */
  async messages(phone: string, before = -1): Promise<readonly string[]> {
    this.stage.phones.add(phone);
    const deadline = Date.now() + MESSAGE_MS;
    for (;;) {
      const texts = await this.#hook('inbox', () => this.target.inbox(phone));
      if (texts.length > before) return texts;
      if (Date.now() > deadline) throw new NotStaged('A message that the attack needs did not arrive.');
      await sleep(10);
    }
  }

  /** Returns the grant of a challenge. */
  async grantFor(begun: Begun, along?: Along): Promise<string> {
    return this.grantIn(await this.verify(begun, begun.code, along));
  }

  grantIn(answer: AttackAnswer): string {
    assertStaged(answer, 'a grant');
    return this.#text(answer, 'grant');
  }

  /** Registers an account. */
  async signUp(phone = this.newPhone()): Promise<Account> {
    const begun = await this.begin('registration', phone);
    const password = newPassword();
    const registered = await this.register({ phone, password, grant: await this.grantFor(begun) });
    assertStaged(registered, 'an account');
    return { phone, password, begun, token: this.tokenIn(registered) };
  }

  /** Starts a login once the cooldown after the registration code is over. */
  async beginLogin({ phone, begun }: Account): Promise<Begun> {
    await this.passed('resendAt', begun.answer);
    return this.begin('login', phone);
  }

  /** Sends codes for nonexistent challenges, each with what `along` returns, until the application slows them down. */
  async verifyUntilSlowed(along?: () => Along): Promise<{ attempts: number; slowed: boolean }> {
    let attempts = 0;
    let slowed = false;
    while (!slowed && attempts <= this.limits.verifiesPerAddress) {
      const challenge = { challenge: madeUpChallenge(), purpose: 'registration' } as const;
      const answer = await this.verify(challenge, '123456', along?.());
      assertRefused(answer, 'a code for a nonexistent challenge');
      slowed = answer.status === 429;
      attempts++;
    }
    return { attempts, slowed };
  }

  register({ phone, password, ...along }: { phone: string; password: string } & Along): Promise<AttackAnswer> {
    return this.send(this.target.register!({ phone, password }), along);
  }

  login(proof: { challenge?: string; code?: string }, along?: Along): Promise<AttackAnswer> {
    return this.send(this.target.login!(proof), along);
  }

  passwordLogin({ phone, password }: Pick<Account, 'phone' | 'password'>, along?: Along): Promise<AttackAnswer> {
    return this.send(this.target.passwordLogin!({ phone, password }), along);
  }

  resetPassword(along: Along, password = newPassword()): Promise<AttackAnswer> {
    return this.send(this.target.resetPassword!({ password }), along);
  }

  me(token: string): Promise<AttackAnswer> {
    return this.send(this.target.me!(), { token });
  }

  /** Creates a payment that awaits confirmation. @returns its id */
  async payment({ token }: Account, order = { amount: '250.00', payee: 'Honest Payee' }): Promise<string> {
    const { create, id } = this.target.guarded!;
    const created = await this.send(create(order), { token });
    assertStaged(created, 'a payment');
    return id?.(created) ?? this.#text(created, 'id');
  }

  confirm(id: string, along: Along): Promise<AttackAnswer> {
    return this.send(this.target.guarded!.confirm({ id }), along);
  }

  /** Asks to confirm a payment and reads the message. */
  async stepUp(id: string, { token, phone }: Account, along?: Along): Promise<Begun & { text: string }> {
    const before = (await this.messages(phone)).length;
    const asked = await this.confirm(id, { ...along, token });
    const begun = await this.challengeFrom(asked, 'transaction', phone, before);
    return { ...begun, text: (await this.messages(phone))[0]! };
  }

  /** Returns the access token of a login or registration. */
  tokenIn(answer: AttackAnswer): string {
    const token = this.givenToken(answer);
    if (token === undefined) throw new NotStaged(`${answer.request} answered without an access token.`);
    return token;
  }

  givenToken(answer: AttackAnswer): string | undefined {
    if (this.target.token) return this.target.token(answer);
    return typeof answer.json.accessToken === 'string' ? answer.json.accessToken : undefined;
  }

  /** Lets time pass until the given time in an answer, such as `resendAt`, is over. */
  async passed(field: 'resendAt' | 'expiresAt', { headers, json, request }: AttackAnswer): Promise<void> {
    const now = Date.parse(headers.get('date') ?? '') || Date.now();
    const seconds = Math.ceil((Date.parse(String(json[field])) - now) / 1000) + 1;
    if (Number.isNaN(seconds)) throw new NotStaged(`${request} answered without "${field}".`);
    if (seconds > 0) await this.stage.wire.outside(() => this.target.elapse!(seconds));
  }

  async restart(): Promise<void> {
    await this.#hook('restart', this.target.restart!);
  }

  logs(): Promise<string> {
    return this.#hook('logs', this.target.logs!);
  }

  #text({ json, request }: AttackAnswer, field: string): string {
    const value = json[field];
    if (typeof value === 'string') return value;
    throw new NotStaged(`${request} answered without "${field}".`);
  }

  async #hook<T>(name: string, work: () => Promise<T>): Promise<T> {
    const tooLong = new AbortController();
    const late = sleep(HOOK_MS, undefined, { signal: tooLong.signal, ref: false }).then(() => {
      throw new NotStaged(`"${name}" of the target took more than ${HOOK_MS / 1000} seconds.`);
    });
    try {
      return await this.stage.wire.outside(() => Promise.race([work(), late]));
    } finally {
      tooLong.abort();
      late.catch(() => undefined);
    }
  }
}

/** The fields that `verify` needs besides the code. */
export type VerifiedOf = Pick<Begun, 'challenge' | 'purpose'>;

/** Returns distinct codes, none of them the given one. */
export function wrongCodes(code: string, count: number): string[] {
  const all = 10 ** code.length;
  return Array.from({ length: count }, (_, n) => String((Number(code) + 1 + n) % all).padStart(code.length, '0'));
}

export function wrongCode(code: string): string {
  return wrongCodes(code, 1)[0]!;
}

/** Requires two challenges to have different codes. They are equal once in a million times. */
export function areDifferent(one: Begun, other: Begun): void {
  if (one.code === other.code) throw new NotStaged('Both challenges have the same code.');
}

/** Returns a well-formed handle of a nonexistent challenge. */
export function madeUpChallenge(): string {
  return `${randomUUID()}.${randomBytes(16).toString('base64url')}`;
}

/** Returns a long, random password that no dictionary contains. */
export function newPassword(): string {
  return randomBytes(18).toString('base64url');
}

/** Changes one character in the secret half of a handle: the one after the dot, or the last if there is no dot. */
export function altered(challenge: string): string {
  const at = challenge.includes('.') ? challenge.indexOf('.') + 1 : challenge.length - 1;
  return challenge.slice(0, at) + (challenge[at] === 'A' ? 'B' : 'A') + challenge.slice(at + 1);
}

function bearer(token: string): Record<string, string> {
  return { Authorization: `Bearer ${token}` };
}
