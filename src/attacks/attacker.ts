import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import type { BuiltInPurpose } from '../config/purposes.js';
import { type AttackAnswer, type AttackLimits, type AttackRequest, type AttackTarget, limitsOf } from './target.js';
import { NotStaged, refused, staged } from './verdict.js';
import type { Source, Wire } from './wire.js';

const MESSAGE_MS = 10_000;
const HOOK_MS = 120_000;
/** Requests from one address in a crowd: fewer than the module allows one. */
const PER_ADDRESS = 15;

/** A challenge whose code arrived. */
export interface Begun {
  readonly phone: string;
  readonly purpose: BuiltInPurpose;
  readonly challenge: string;
  readonly code: string;
  /** What `start` answered. */
  readonly answer: AttackAnswer;
}

/** Somebody with an account, who is signed in. */
export interface Account {
  readonly phone: string;
  readonly password: string;
  readonly token: string;
  /** The challenge that it began with. */
  readonly begun: Begun;
}

/** What goes along with a request: tokens of the application, a grant, further fields of its body. */
export interface Along {
  readonly token?: string | undefined;
  readonly grant?: string | undefined;
  readonly fields?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What all who take part in one case share. */
export interface Stage {
  readonly target: AttackTarget;
  readonly wire: Wire;
  /** Who may have got messages. */
  readonly phones: Set<string>;
}

/** Somebody at one address who talks to one instance: the attacker, a victim, a stranger. */
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

  /** Somebody at another address. */
  elsewhere(): Attacker {
    return new Attacker(this.stage, this.baseUrl);
  }

  /** The same address, and the other instance if there is one. */
  atSecondInstance(): Attacker {
    return new Attacker(this.stage, this.target.secondInstanceUrl ?? this.baseUrl, this.source);
  }

  /** So many at once, at several addresses, and half of them at the second instance. */
  crowd(size: number): Attacker[] {
    const crowd: Attacker[] = [];
    while (crowd.length < size) {
      const one = this.elsewhere();
      const other = one.atSecondInstance();
      for (let n = 0; n < PER_ADDRESS && crowd.length < size; n++) crowd.push(n % 2 === 0 ? one : other);
    }
    return crowd;
  }

  /** Headers of somebody who claims to come from another address, as far to the left as a client can put it. */
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

  /** A number that nobody has. */
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

  /** A ready-made route with this body. */
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
    staged(answer, `a challenge for ${purpose}`);
    return this.begun(answer, purpose, phone, before.length);
  }

  /** Reads the message of a challenge that an answer begins. @param before messages that the phone had until then */
  async begun(answer: AttackAnswer, purpose: BuiltInPurpose, phone: string, before: number): Promise<Begun> {
    const { challenge, codeLength = 6 } = answer.json;
    if (typeof challenge !== 'string') throw new NotStaged(`${answer.request} answered without "challenge".`);
    const code = await this.nextCode(phone, before, Number(codeLength));
    return { phone, purpose, challenge, code, answer };
  }

  /** The code of the message after so many. */
  async nextCode(phone: string, before: number, length = 6): Promise<string> {
    const texts = await this.messages(phone, before);
    const code = new RegExp(`(?<!\\d)\\d{${length}}(?!\\d)`).exec(texts[0]!)?.[0];
    if (code === undefined) throw new NotStaged(`The newest message to a phone has no code of ${length} digits.`);
    return code;
  }

  /** Every text that a phone received, newest first; waits for one more than `before`. */
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

  /** The grant of a challenge. */
  async grantFor(begun: Begun, along?: Along): Promise<string> {
    return this.grantIn(await this.verify(begun, begun.code, along));
  }

  grantIn(answer: AttackAnswer): string {
    staged(answer, 'a grant');
    return this.#text(answer, 'grant');
  }

  /** Opens an account. */
  async signUp(phone = this.newPhone()): Promise<Account> {
    const begun = await this.begin('registration', phone);
    const password = newPassword();
    const registered = await this.register({ phone, password, grant: await this.grantFor(begun) });
    staged(registered, 'an account');
    return { phone, password, begun, token: this.tokenIn(registered) };
  }

  /** A code to log in with, once the wait after the one that began the account is over. */
  async beginLogin({ phone, begun }: Account): Promise<Begun> {
    await this.passed('resendAt', begun.answer);
    return this.begin('login', phone);
  }

  /** Tries codes of challenges that there are not, each along with what `along` makes, until the application slows it down. */
  async triesUntilSlowed(along?: () => Along): Promise<{ tried: number; slowed: boolean }> {
    let tried = 0;
    let slowed = false;
    while (!slowed && tried <= this.limits.verifiesPerAddress) {
      const challenge = { challenge: madeUpChallenge(), purpose: 'registration' } as const;
      const answer = await this.verify(challenge, '123456', along?.());
      refused(answer, 'a code for a challenge that there is not');
      slowed = answer.status === 429;
      tried++;
    }
    return { tried, slowed };
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

  /** A payment of an account that waits for its confirmation. @returns its id */
  async payment({ token }: Account, order = { amount: '250.00', payee: 'Honest Payee' }): Promise<string> {
    const { create, id } = this.target.guarded!;
    const created = await this.send(create(order), { token });
    staged(created, 'a payment');
    return id?.(created) ?? this.#text(created, 'id');
  }

  confirm(id: string, along: Along): Promise<AttackAnswer> {
    return this.send(this.target.guarded!.confirm({ id }), along);
  }

  /** Asks to confirm a payment, and reads the message. */
  async stepUp(id: string, { token, phone }: Account, along?: Along): Promise<Begun & { text: string }> {
    const before = (await this.messages(phone)).length;
    const asked = await this.confirm(id, { ...along, token });
    const begun = await this.begun(asked, 'transaction', phone, before);
    return { ...begun, text: (await this.messages(phone))[0]! };
  }

  /** The access token of a login or registration. */
  tokenIn(answer: AttackAnswer): string {
    const token = this.givenToken(answer);
    if (token === undefined) throw new NotStaged(`${answer.request} answered without an access token.`);
    return token;
  }

  givenToken(answer: AttackAnswer): string | undefined {
    if (this.target.token) return this.target.token(answer);
    return typeof answer.json.accessToken === 'string' ? answer.json.accessToken : undefined;
  }

  /** Lets time pass until what an answer names, such as `resendAt`, is over. */
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

/** What `verify` needs of a challenge beside its code. */
export type VerifiedOf = Pick<Begun, 'challenge' | 'purpose'>;

/** Codes that are not this one, each another. */
export function wrongCodes(code: string, count: number): string[] {
  const all = 10 ** code.length;
  return Array.from({ length: count }, (_, n) => String((Number(code) + 1 + n) % all).padStart(code.length, '0'));
}

export function wrongCode(code: string): string {
  return wrongCodes(code, 1)[0]!;
}

/** Two that could be told apart, as they can but once in a million times. */
export function areDifferent(one: Begun, other: Begun): void {
  if (one.code === other.code) throw new NotStaged('Both challenges have the same code.');
}

/** A handle that looks right, of a challenge that there is not. */
export function madeUpChallenge(): string {
  return `${randomUUID()}.${randomBytes(16).toString('base64url')}`;
}

/** Long and random: no dictionary has it. */
export function newPassword(): string {
  return randomBytes(18).toString('base64url');
}

/** Half of what a challenge's holder knows is another: the sign after the dot, or the last where there is none. */
export function altered(challenge: string): string {
  const at = challenge.includes('.') ? challenge.indexOf('.') + 1 : challenge.length - 1;
  return challenge.slice(0, at) + (challenge[at] === 'A' ? 'B' : 'A') + challenge.slice(at + 1);
}

function bearer(token: string): Record<string, string> {
  return { Authorization: `Bearer ${token}` };
}
