import { OtpConfigError } from 'nestjs-phone-otp';
import type {
  HttpClientOptions,
  HttpExchange,
  OutgoingMessage,
  ProviderCapabilities,
  Recipient,
  SingleProvider,
  VendorStart,
} from 'nestjs-phone-otp/provider-kit';
import type { VendorSimulator } from 'nestjs-phone-otp/simulators';

import { formOf } from './vendor-wire.js';

// Shared by the specs of the adapters, so that each consists of data: the request expected, the response given, the outcome.

/** The attempt in all specs, in this module's format: id of a challenge and number of a send. */
export const ATTEMPT_ID = '0193f1d2-6a0b-7c3d-8e4f-5a6b7c8d9e0f-1';

export const receipts = {
  verified: { outcome: 'verified' },
  incorrect: { outcome: 'incorrect_code' },
  unavailable: { outcome: 'provider_unavailable' },
  /** The message may have been sent. */
  unclear: { outcome: 'unknown', ambiguous: true },
  /** The message was certainly not sent. */
  notSent: { outcome: 'unknown', ambiguous: false },
};

/** Capabilities that most adapters of a mode have in common. */
const USUAL_CAPABILITIES = {
  delivery: { correlation: 'none', languages: 'any', fixedText: false, idempotent: false, reportsCost: false },
  delegated: { fixedText: true, idempotent: false, reportsCost: false, distinguishesExpired: true },
} satisfies Record<string, Partial<ProviderCapabilities>>;

/** A call with five seconds of time. */
export const within = () => ({ signal: AbortSignal.timeout(5_000) });

/** A receipt, or only its outcome. */
type Expected = object | string;

/** A response of the vendor: what it is, its body, and its status unless it is the usual one of the table. */
type VendorResponse = readonly [what: string, body: unknown, status?: number];

interface Setup<Access, SimulatorOptions, Options> {
  /** The number that receives the codes. */
  phone: string;
  region: Recipient['region'];
  /** Options of the simulator in every test. */
  simulator?: SimulatorOptions;
  /** Options of the adapter in every test, beside those that reach the simulator. */
  options?: (access: Access) => Partial<Options>;
}

type Simulated<Access> = VendorSimulator & { readonly access: Access };

/** An adapter with a simulator of its vendor, new for each test. */
class VendorBench<
  Access,
  Simulator extends Simulated<Access>,
  SimulatorOptions,
  Options,
  Adapter extends SingleProvider,
> {
  vendor: Simulator;
  provider: Adapter;
  /** The vendor's clock. */
  now: number;

  constructor(
    private readonly Vendor: new (options: SimulatorOptions) => Simulator,
    private readonly Adapter: new (options: Options) => Adapter,
    private readonly setup: Setup<Access, SimulatorOptions, Options>,
  ) {
    beforeEach(() => this.open());
    afterEach(() => this.vendor.stop());
  }

  /** Replaces the vendor by one with these options. */
  readonly open = async (options?: Partial<SimulatorOptions>): Promise<void> => {
    await this.vendor?.stop();
    this.now = Date.now();
    const clock = { now: () => this.now };
    this.vendor = await new this.Vendor({ ...clock, ...this.setup.simulator, ...options } as SimulatorOptions).start();
    this.provider = this.adapter();
  };

  readonly adapter = (options?: Partial<Options>): Adapter => {
    const { access } = this.vendor;
    return new this.Adapter({ ...access, ...this.setup.options?.(access), ...options } as unknown as Options);
  };

  get recipient(): { phone: string; region: Recipient['region']; attemptId: string } {
    const { phone, region } = this.setup;
    return { phone, region, attemptId: ATTEMPT_ID };
  }

  /** A request to generate a code. */
  readonly start = (phone = this.setup.phone): VendorStart => ({
    ...this.recipient,
    phone,
    purpose: 'login',
    locale: 'en',
    appName: 'Acme',
    codeLength: 6,
    ttlSeconds: 300,
    maxAttempts: 5,
  });

  /** A text to deliver. */
  readonly text = (text: string, phone = this.setup.phone): OutgoingMessage => ({
    ...this.recipient,
    phone,
    text,
    purpose: 'login',
    locale: 'en',
  });

  /** Makes the vendor return this body: a string as it is, anything else as JSON. */
  readonly answer = (body: unknown, status = 200, headers: Record<string, string> = {}): void => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    this.vendor.fault({ kind: 'answer', status, headers, body: text });
  };

  /** The code in the newest message. */
  readonly code = (): string => this.vendor.lastCode(this.setup.phone)!;

  /** A wrong code. */
  readonly wrong = (): string => this.code().replace(/\d$/, (digit) => String((Number(digit) + 1) % 10));

  /** A code that test systems often accept, and not the one in the newest message. */
  readonly wellKnown = (): string => (this.code() === '123456' ? '000000' : '123456');

  /** The JSON of the newest request. */
  readonly received = (): Record<string, unknown> => JSON.parse(this.vendor.requests[0]!.body) as never;

  /** The form of the newest request. */
  readonly receivedForm = (): Promise<Record<string, unknown>> => formOf(this.vendor.requests[0]!);

  /** What "onExchange" receives during the calls. */
  readonly exchangesOf = async (calls: () => Promise<unknown>): Promise<HttpExchange[]> => {
    const exchanges: HttpExchange[] = [];
    const onExchange = (exchange: HttpExchange) => exchanges.push(exchange);
    this.provider = this.#adapterWith({ onExchange });
    await calls();
    await new Promise(setImmediate);
    return exchanges;
  };

  /** The URLs that an adapter without "baseUrl" calls. */
  readonly defaultUrls = async (call: (adapter: Adapter) => Promise<unknown>): Promise<unknown[]> => {
    const urls: unknown[] = [];
    const fetch = async (url: unknown) => {
      urls.push(url);
      return new Response('{}');
    };
    await call(this.#adapterWith({ baseUrl: undefined, testMode: undefined, fetch }));
    return urls;
  };

  /** An adapter declares these capabilities beside the usual ones of its mode. */
  readonly expectCapabilities = (
    name: string,
    mode: keyof typeof USUAL_CAPABILITIES,
    capabilities: Partial<ProviderCapabilities>,
  ): void => {
    const expected = { ...USUAL_CAPABILITIES[mode], ...capabilities, developmentOnly: true };
    expect(this.adapter()).toMatchObject({ name, mode, capabilities: expected });
    expect(this.#isForDevelopment({ baseUrl: 'https://vendor.example', testMode: undefined })).toBe(false);
  };

  /** Only test mode accepts the URL of a simulator, and only test mode makes an adapter for development only. */
  readonly expectTestModeOnly = (): void => {
    expect(() => this.#adapterWith({ testMode: undefined })).toThrow(OtpConfigError);
    expect(this.#isForDevelopment({})).toBe(true);
    expect(this.#isForDevelopment({ baseUrl: 'https://vendor.example', testMode: undefined })).toBe(false);
  };

  /** One test per response: the call must resolve to this receipt. */
  readonly itReads = (
    title: string,
    call: () => Promise<unknown>,
    expected: Expected,
    responses: readonly VendorResponse[],
    usualStatus = 200,
  ): void => {
    const rows = responses.map(([what, body, status = usualStatus]) => [what, body, status] as const);
    it.each(rows)(title, async (_what, body, status) => {
      this.answer(body, status);

      await expect(call()).resolves.toEqual(receiptOf(expected));
    });
  };

  /** One test per row: after `arrange` with the first cells, the call must resolve to the receipt or outcome in the last one. */
  readonly itMaps = <Cells extends readonly unknown[]>(
    title: string,
    arrange: (...cells: Cells) => void,
    call: () => Promise<unknown>,
    rows: readonly (readonly [...cells: Cells, expected: Expected])[],
  ): void => {
    it.each(rows.map((row) => [...row]))(title, async (...row: unknown[]) => {
      arrange(...(row.slice(0, -1) as unknown as Cells));

      await expect(call()).resolves.toEqual(receiptOf(row.at(-1) as Expected));
    });
  };

  /** One test per option: the adapter must refuse the value and name the option; without options it names the first. */
  readonly itRefusesOptions = (first: string, rows: readonly (readonly [option: string, value: unknown])[]): void => {
    this.itRequiresOptions(first);
    it.each(rows.map((row) => [...row] as const))(
      'refuses "%s" with the value %j and names the option',
      (option, value) => {
        const create = () => this.adapter({ [option]: value } as unknown as Partial<Options>);

        expect(create).toThrow(OtpConfigError);
        expect(create).toThrow(new RegExp(`^"${option}" must `));
      },
    );
  };

  /** Without options, an adapter names the first that it needs. */
  readonly itRequiresOptions = (first: string): void => {
    it('requires options', () => {
      expect(() => new this.Adapter(undefined as never)).toThrow(new RegExp(`^"${first}" must `));
    });
  };

  #isForDevelopment(options: HttpClientOptions): boolean {
    return this.#adapterWith(options).capabilities.developmentOnly;
  }

  #adapterWith(options: HttpClientOptions): Adapter {
    return this.adapter(options as Partial<Options>);
  }
}

export function vendorBench<
  Access,
  Simulator extends Simulated<Access>,
  SimulatorOptions,
  Options,
  Adapter extends SingleProvider,
>(
  Vendor: new (options: SimulatorOptions) => Simulator & { readonly access: Access },
  Adapter: new (options: Options) => Adapter,
  setup: Setup<Access, NoInfer<SimulatorOptions>, NoInfer<Options>>,
): VendorBench<Access, Simulator, SimulatorOptions, Options, Adapter> {
  return new VendorBench(Vendor, Adapter, setup);
}

/** The same body with each of these statuses. */
export function withStatuses(body: unknown, ...statuses: number[]): VendorResponse[] {
  return statuses.map((status) => [String(status), status === 204 ? '' : body, status]);
}

function receiptOf(expected: Expected): object {
  return typeof expected === 'string' ? { outcome: expected } : expected;
}
