import { randomBytes, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import type { AttackTarget } from 'nestjs-phone-otp/attacks';

/** Request fields, all of them trusted. */
type Body = Partial<
  Record<'phone' | 'purpose' | 'challenge' | 'code' | 'password' | 'text' | 'amount' | 'payee', string>
> &
  Partial<Record<'newNumberGrant' | 'verified' | 'returnCode', string | boolean>>;

interface Request extends Body {
  headers: Record<string, string | undefined>;
  grant?: string | undefined;
  token?: string | undefined;
  address: string;
  id: string;
}

interface Issued {
  phone: string;
  codes: string[];
}

interface Payment {
  id: string;
  amount: string;
  payee: string;
  status: string;
}

/** An answer: its status and its body. */
type Answer = [status: number, body?: object];

const VERIFIES_PER_ADDRESS = 30;

/**
 * Phone codes as they are often built: everything works, and every line has a mistake that has led to an advisory. It
 * proves that the attack replay finds them. Two of these hosts share their users and codes, as two instances do.
 */
export class NaiveHost {
  readonly inboxes = new Map<string, string[]>();
  readonly challenges = new Map<string | undefined, Issued>();
  readonly users = new Map<string, { password: string }>();
  readonly grants = new Map<string | undefined, { phone: string }>();
  /** The owner of each token. */
  readonly sessions = new Map<string | undefined, string>();
  readonly payments = new Map<string, Payment>();
  readonly log: string[] = [];
  /** In the memory of one instance. */
  #starts = new Map<string, number>();
  #verifies = new Map<string, number>();
  #elapsedMs = 0;
  #server: Server;

  static async open(shared?: NaiveHost): Promise<NaiveHost> {
    const host = shared ? Object.assign(new NaiveHost(), shared) : new NaiveHost();
    host.#server = createServer((request, response) => {
      void host.#answer(request).then(([status, body = {}]) => {
        response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
      });
    }).listen(0, '127.0.0.1');
    await once(host.#server, 'listening');
    return host;
  }

  async close(): Promise<void> {
    this.#server.close();
    await once(this.#server, 'close');
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Describes this host to the attack replay. */
  target(second: NaiveHost): AttackTarget {
    return {
      baseUrl: this.url,
      secondInstanceUrl: second.url,
      inbox: async (phone) => this.inboxes.get(phone) ?? [],
      newPhone: () => `+96655${String(randomInt(10_000_000)).padStart(7, '0')}`,
      elapse: async (seconds) => void (this.#elapsedMs += seconds * 1000),
      restart: async () => {
        this.#starts.clear();
        this.#verifies.clear();
      },
      logs: async () => this.log.join('\n'),
      register: (account) => ({ path: '/register', body: account }),
      login: (proof) => ({ path: '/login', body: proof }),
      passwordLogin: (account) => ({ path: '/password/login', body: account }),
      resetPassword: (wish) => ({ path: '/password/reset', body: wish }),
      me: () => ({ method: 'GET', path: '/me' }),
      changeNumber: (proof) => ({ path: '/change', body: proof }),
      guarded: {
        create: (order) => ({ path: '/payments', body: order }),
        confirm: ({ id }) => ({ path: `/payments/${id}/confirm` }),
        read: ({ id }) => ({ method: 'GET', path: `/payments/${id}` }),
        change: ({ id, payee }) => ({ path: `/payments/${id}`, body: { payee } }),
      },
    };
  }

  async #answer(incoming: IncomingMessage): Promise<Answer> {
    const { pathname, searchParams } = new URL(incoming.url!, this.url);
    const [, first = '', id = '', last = ''] = pathname.split('/');
    const headers = incoming.headers as Request['headers'];
    const request: Request = {
      ...(await bodyOf(incoming)),
      headers,
      grant: headers['otp-grant'],
      token: headers.authorization?.slice('Bearer '.length),
      address: headers['x-forwarded-for'] ?? incoming.socket.remoteAddress!, // L1
      id,
    };
    const routes: Record<string, () => Answer | Promise<Answer>> = {
      'otp/start': () => this.#start(request),
      'otp/resend': () => this.#resend(request),
      'otp/verify': () => this.#verify(request),
      register: () => this.#register(request),
      login: () => this.#login(request),
      'password/login': () => this.#passwordLogin(request),
      'password/reset': () => this.#reset(request),
      me: () => [this.sessions.has(request.token) || this.grants.has(request.token) ? 200 : 401], // S4b
      change: () => [this.grants.has(request.newNumberGrant as string) ? 200 : 401], // T2b: without proof of the current number
      inbox: () => [200, this.inboxes.get(searchParams.get('phone')!) ?? []], // a debug route
      payments: () => this.#payment(request, incoming.method!),
    };
    const route = routes[`${first}/${id}`] ?? routes[first];
    return last === 'confirm' ? this.#confirm(request) : route ? route() : [404];
  }

  async #start({ phone = '', purpose, text, returnCode, headers }: Request): Promise<Answer> {
    if (purpose === 'login' && !this.users.has(phone)) return [404, { code: 'no_such_user' }]; // D2, L4b
    const key = `${purpose} ${phone}`;
    const wait = (this.#starts.get(key) ?? 0) - this.#now(); // L2, L2b, L3: per instance, and per spelling
    await query();
    if (wait > 0) return [429]; // R6: others have run meanwhile
    this.#starts.set(key, this.#now() + 30_000);
    return this.#issue(phone, text ?? `your code for https://${headers.host}/`, Boolean(returnCode)); // D3, D4b
  }

  /** @param show S1 */
  #issue(phone: string, text: string, show = false): Answer {
    const challenge = randomBytes(16).toString('hex');
    const code = String(randomInt(1_000_000)).padStart(6, '0');
    this.challenges.set(challenge, { phone, codes: [code] });
    this.#send(phone, `${code}: ${text}`);
    return [202, this.#started(challenge, phone, show ? code : undefined)];
  }

  #send(phone: string, text: string): void {
    this.inboxes.set(phone, [text, ...(this.inboxes.get(phone) ?? [])]);
    this.log.push(`sent to ${phone}: ${text}`); // D1b
  }

  #started(challenge: string, phone: string, code?: string): object {
    const [expiresAt, resendAt] = [300, 30].map((seconds) => new Date(Date.now() + seconds * 1000));
    return { challenge, phone, code, codeLength: 6, expiresAt, resendAt }; // D1
  }

  #resend({ challenge }: Request): Answer {
    const issued = this.challenges.get(challenge);
    if (!issued) return [400];
    const code = String(randomInt(1_000_000)).padStart(6, '0');
    issued.codes.push(code); // R4b: the old code still works
    this.#send(issued.phone, `${code}: your new code`);
    return [202, this.#started(challenge!, issued.phone)];
  }

  async #verify(request: Request): Promise<Answer> {
    const tried = (this.#verifies.get(request.address) ?? 0) + 1;
    this.#verifies.set(request.address, tried);
    if (tried > VERIFIES_PER_ADDRESS) return [429]; // L1: the only limit
    const phone = await this.#right(request);
    if (phone === undefined) return [400, { code: 'otp_invalid' }];
    const grant = randomBytes(24).toString('base64url');
    this.grants.set(grant, { phone });
    return [200, { grant, expiresAt: new Date(Date.now() + 300_000) }];
  }

  /**
   * Attempts are not counted (G1, G2, G4, G5, R2), codes are not used up (G7, R1), never expire (G3b), and work for any
   * purpose (B3) and any caller (B4b).
   */
  async #right({ challenge, code, verified }: Request): Promise<string | undefined> {
    const issued = this.challenges.get(challenge);
    await query();
    const isRight = [issued?.codes].flat().some((known) => known == code); // G6, S3: undefined equals undefined
    return isRight || verified === true ? (issued?.phone ?? 'unknown') : undefined; // S2
  }

  async #register({ phone, password = '', grant, verified }: Request): Promise<Answer> {
    const proved = this.grants.get(grant)?.phone;
    const whose = phone ?? proved; // B1
    if (whose === undefined || (grant && !proved && !verified)) return [401]; // S3b, T1: without a grant, any phone is accepted
    if (this.users.has(whose)) return [409];
    await query();
    this.users.set(whose, { password }); // R1b, R6b: others have run meanwhile
    return this.#session(201, whose);
  }

  async #login(request: Request): Promise<Answer> {
    const phone = this.grants.get(request.grant)?.phone ?? (request.code && (await this.#right(request))); // B3b
    return phone ? this.#session(200, phone) : [401];
  }

  async #passwordLogin({ phone = '', password, grant }: Request): Promise<Answer> {
    const user = this.users.get(phone);
    if (!user) return [401, { code: 'unknown_user' }]; // D2b
    await query();
    if (user.password !== password) return [401, { code: 'wrong_password' }];
    return grant === undefined || this.grants.has(grant) ? this.#session(200, phone) : [401]; // S4b, S5
  }

  #reset({ grant, password = '' }: Request): Answer {
    const proof = this.grants.get(grant);
    if (!proof) return [401];
    this.users.set(proof.phone, { password }); // T3: the sessions continue
    return [204];
  }

  #session(status: number, phone: string): Answer {
    const accessToken = randomBytes(24).toString('base64url');
    this.sessions.set(accessToken, phone);
    return [status, { accessToken }];
  }

  #payment({ id, amount = '', payee = '' }: Request, method: string): Answer {
    const payment = this.payments.get(id) ?? { id: randomBytes(8).toString('hex'), amount, payee, status: 'pending' };
    if (id && method === 'POST') payment.payee = payee; // B6b: no code is invalidated
    this.payments.set(payment.id, payment);
    return [200, payment];
  }

  #confirm({ id, grant, token, amount, payee }: Request): Answer {
    const payment = this.payments.get(id);
    if (!payment) return [404];
    if (amount && payee) Object.assign(payment, { amount, payee }); // B6
    if (grant === undefined) {
      const phone = this.sessions.get(token);
      if (phone === undefined) return [401];
      const [, body] = this.#issue(phone, `to pay ${payment.amount} to ${payment.payee}`); // D4: unsanitized
      return [401, body];
    }
    if (!this.grants.has(grant) && !this.challenges.has(grant)) return [401]; // S4: one table for all secrets
    payment.status = 'executed'; // B5, B5b, B5c: any grant, of any account, any number of times
    return [200, payment];
  }

  #now(): number {
    return Date.now() + this.#elapsedMs;
  }
}

/** Time in which other requests run. */
function query(): Promise<void> {
  return sleep(20);
}

/** Any content type and any content. */
async function bodyOf(incoming: IncomingMessage): Promise<Body> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  try {
    return { ...(JSON.parse(Buffer.concat(chunks).toString()) as Body) };
  } catch {
    return {};
  }
}
