import { OtpConfigError } from '../errors/otp.error.js';
import { WIRED } from '../otp.module.js';
import type { StartRequest } from '../challenges/otp.requests.js';
import type { Wired } from '../otp.wiring.js';
import { type CapturedMessage, CapturingProvider } from './capturing-provider.js';
import { elapse, forget } from './tables.js';

/** An application, a testing module, or a `ModuleRef`. */
export interface Container {
  get(token: symbol, options: { strict: false }): unknown;
}

/**
 * What a test of an application does to phones: reads their messages, proves them, and lets time pass.
 *
 * @example
 * const otp = OtpTesting.of(app);
 * // … the test calls POST /otp/start …
 * const code = await otp.lastCode('+966512345678');
 */
export class OtpTesting {
  private constructor(private readonly wired: Wired) {}

  /**
   * Of an application that was set up with `OtpTestingModule`.
   * @throws `OtpConfigError` for an application without `OtpModule`
   */
  static of(app: Container): OtpTesting {
    return new OtpTesting(wiredOf(app));
  }

  /** Waits for the messages of every call that was answered, and returns them: newest first, to one phone if given. */
  async messages(phone?: string): Promise<CapturedMessage[]> {
    await this.wired.background.idle();
    return this.#outbox.messages(phone && this.#e164(phone));
  }

  /**
   * The code in the newest message to a phone, as soon as that is out.
   * @throws when no message went there
   */
  async lastCode(phone: string): Promise<string> {
    await this.messages();
    const code = this.#outbox.lastCode(this.#e164(phone));
    if (code !== undefined) return code;
    throw new Error(
      `No message with a code went to ${phone}. None goes to a number without an account where the purpose needs one, ` +
        'nor to one that "PhoneRisk" or "BotCheck" stopped, and the caller is not told: look at the event "otp.started".',
    );
  }

  /**
   * Proves a phone, from start to verify, as its owner would.
   * @returns the grant, for the header `OTP-Grant` of the application's own endpoint
   * @throws OtpError as `OtpService.start` and `OtpService.verify`
   */
  async grantFor(request: Omit<StartRequest, 'client'> & Partial<Pick<StartRequest, 'client'>>): Promise<string> {
    const { service } = this.wired;
    const { phone, purpose, subject, session } = request;
    const { challenge } = await service.start({ client: 'server', ...request });
    const code = await this.lastCode(phone);
    return (await service.verify({ challenge, code, purpose, subject, session })).grant;
  }

  /** Makes a number an account's own, as if it had been proved a moment ago. */
  async activate(phone: string, owner: string): Promise<void> {
    const { database, numbers } = this.wired;
    const provedAt = new Date(Date.now() + CLOCKS_DIFFER_MS);
    const proof = { phone: this.#e164(phone), purpose: 'registration', provedAt };
    await database.transaction((manager) => numbers.bind(proof, owner, manager));
  }

  /** Lets time pass in the tables of this package: codes expire, waits end, numbers grow old. */
  elapse(seconds: number): Promise<void> {
    return elapse(this.wired.dataSource, seconds);
  }

  /** Forgets everything, between two tests: the tables of this package, and the messages. */
  async clear(): Promise<void> {
    await this.wired.background.idle();
    await forget(this.wired.dataSource);
    this.#outbox.clear();
  }

  get #outbox(): CapturingProvider {
    const { all } = this.wired.registry;
    const capturing = all.map(({ provider }) => provider).find((provider) => provider instanceof CapturingProvider);
    if (capturing) return capturing;
    throw new OtpConfigError(
      `This application sends its codes by ${all.map(({ name }) => `"${name}"`).join(', ')}, where no test can read them: ` +
        'call "OtpTestingModule.override(builder)" before "builder.compile()".',
    );
  }

  #e164(phone: string): string {
    return this.wired.service.readPhone(phone).e164;
  }
}

/** What the database dates is not later than this, by any clock that it may have. */
const CLOCKS_DIFFER_MS = 60_000;

function wiredOf(app: Container): Wired {
  try {
    return app.get(WIRED, { strict: false }) as Wired;
  } catch {
    throw new OtpConfigError('This application has no "OtpModule": import it, or "OtpTestingModule.forRoot()".');
  }
}
