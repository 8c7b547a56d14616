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
 * Stands in for phones in a test of an application: reads their messages, verifies them, and moves time forward.
 *
 * @example
 * const otp = OtpTesting.of(app);
 * // … the test calls POST /otp/start …
 * const code = await otp.lastCode('+966512345678');
 */
export class OtpTesting {
  private constructor(private readonly wired: Wired) {}

  /**
   * Returns the helper for an application set up with `OtpTestingModule`.
   * @throws `OtpConfigError` for an application without `OtpModule`
   */
  static of(app: Container): OtpTesting {
    return new OtpTesting(wiredOf(app));
  }

  /** Waits for the messages of all answered calls and returns them, newest first, optionally for one phone only. */
  async messages(phone?: string): Promise<CapturedMessage[]> {
    await this.wired.background.idle();
    return this.#outbox.messages(phone && this.#e164(phone));
  }

  /**
   * Waits for the newest message to a phone and returns its code.
   * @throws if no message went to this phone
   */
  async lastCode(phone: string): Promise<string> {
    await this.messages();
    const code = this.#outbox.lastCode(this.#e164(phone));
    if (code !== undefined) return code;
    throw new Error(
      `No message with a code went to ${phone}. No message is sent to a number without an account where the purpose needs one, ` +
        'nor to a number that "PhoneRisk" or "BotCheck" blocked; the caller cannot tell. Check the event "otp.started".',
    );
  }

  /**
   * Verifies a phone, from start to verify, as its owner would.
   * @returns the grant, for the header `OTP-Grant` of the application's own endpoint
   * @throws OtpError as `OtpService.start` and `OtpService.verify` do
   */
  async grantFor(request: Omit<StartRequest, 'client'> & Partial<Pick<StartRequest, 'client'>>): Promise<string> {
    const { service } = this.wired;
    const { phone, purpose, subject, session } = request;
    const { challenge } = await service.start({ client: 'server', ...request });
    const code = await this.lastCode(phone);
    return (await service.verify({ challenge, code, purpose, subject, session })).grant;
  }

  /** Makes a number an account's own, as if it had just been verified. */
  async activate(phone: string, owner: string): Promise<void> {
    const { database, numbers } = this.wired;
    const provedAt = new Date(Date.now() + CLOCKS_DIFFER_MS);
    const proof = { phone: this.#e164(phone), purpose: 'registration', provedAt };
    await database.transaction((manager) => numbers.bind(proof, owner, manager));
  }

  /** Moves time forward in the tables of this package: codes expire, waits end, numbers age. */
  elapse(seconds: number): Promise<void> {
    return elapse(this.wired.dataSource, seconds);
  }

  /** Clears the tables of this package and the messages, between two tests. */
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
      `This application sends its codes with ${all.map(({ name }) => `"${name}"`).join(', ')}, where no test can read them. ` +
        'Call "OtpTestingModule.override(builder)" before "builder.compile()".',
    );
  }

  #e164(phone: string): string {
    return this.wired.service.readPhone(phone).e164;
  }
}

/** The most that the clocks of the database and this process may differ. */
const CLOCKS_DIFFER_MS = 60_000;

function wiredOf(app: Container): Wired {
  try {
    return app.get(WIRED, { strict: false }) as Wired;
  } catch {
    throw new OtpConfigError(
      'This application has no "OtpModule". Import "OtpModule.forRoot()" or "OtpTestingModule.forRoot()".',
    );
  }
}
