import { ConflictException } from '@nestjs/common';
import { OtpError } from 'nestjs-phone-otp';
import type { ProviderChoice } from 'nestjs-phone-otp/provider-kit';
import type { SimulatedFault } from 'nestjs-phone-otp/simulators';

import { Inbox } from './inbox.js';
import { Live } from './live.js';
import { openVendor, type Vendor, VENDOR_IDS } from './vendor.js';
import { Wire } from './wire.js';

/** The faults of a simulated vendor, in the page's words. */
export const FAULTS = {
  none: undefined,
  slow: { kind: 'delay', ms: 4000 },
  silent: { kind: 'hang' },
  down: { kind: 'status', status: 503 },
  busy: { kind: 'status', status: 429, retryAfter: 45 },
  cut: { kind: 'reset' },
  garbage: { kind: 'garbage' },
  lying: { kind: 'html' }, // "OK 10 verified", with status 200
  twice: { kind: 'duplicate' },
} satisfies Record<string, SimulatedFault | undefined>;

export type Fault = keyof typeof FAULTS;

/** The vendors of the demo, one of which sends the codes at a time. A challenge stays with its first vendor. */
export class Vendors implements ProviderChoice {
  readonly mode = 'choice';
  #fault: Fault = 'none';

  private constructor(
    readonly inbox: Inbox,
    readonly wire: Wire,
    readonly live: Live,
    /** Only one if it is real: no click can change it. Otherwise all of them, simulated. */
    private readonly vendors: readonly Vendor[],
    private current: Vendor,
  ) {}

  /** Opens the vendor that `OTP_PROVIDER` names, and the others beside it unless it is real. */
  static async open(env: NodeJS.ProcessEnv): Promise<Vendors> {
    const live = new Live();
    const sight = { inbox: new Inbox(live), wire: new Wire(live) };
    const current = await openVendor(env.OTP_PROVIDER || 'capturing', env, sight);
    const others = current.real ? [] : VENDOR_IDS.filter((id) => id !== current.id);
    const noAccounts = {}; // an unrequested vendor must not cost money
    const opened = await Promise.all(others.map((id) => openVendor(id, noAccounts, sight)));
    const order = ({ id }: Vendor) => VENDOR_IDS.indexOf(id);
    const vendors = [current, ...opened].toSorted((one, other) => order(one) - order(other));
    return new Vendors(sight.inbox, sight.wire, live, vendors, current);
  }

  async close(): Promise<void> {
    await Promise.all(this.vendors.map(async ({ simulator }) => simulator?.stop()));
  }

  get all() {
    return this.vendors.map(({ provider }) => provider);
  }

  candidates() {
    return [this.current.provider];
  }

  get provider() {
    return this.current.provider;
  }

  /** One line for the person who starts the demo. */
  get about(): string {
    const { title, example, simulator, real } = this.current;
    const numbers = example ? ` (for numbers such as ${example})` : '';
    const where = real ? ', with your account: real messages, at your cost' : '';
    return title + numbers + (simulator ? `, simulated at ${simulator.url}` : where);
  }

  /** The vendors, the one in use, and its fault. */
  get state() {
    const vendors = this.vendors.map(({ id, title, example, simulator }) => {
      return { id, title, example, simulated: simulator !== undefined };
    });
    return { vendors, current: this.current.id, fault: this.#fault };
  }

  /** Switches to another vendor from now on and clears any fault. */
  use(id: string): void {
    const vendor = this.vendors.find((one) => one.id === id);
    if (!vendor) throw new OtpError('request_invalid', 'There is no such vendor to choose.');
    this.current.simulator?.heal();
    this.current = vendor;
    this.#fault = 'none';
    this.live.publish('vendors', this.state);
  }

  /** Breaks the vendor in use, or repairs it. @throws ConflictException if it is not simulated */
  break(fault: Fault): void {
    const { simulator } = this.current;
    if (!simulator) throw new ConflictException('Only a simulated vendor can be broken.');
    const simulated = FAULTS[fault];
    if (simulated) simulator.fault(simulated);
    else simulator.heal();
    this.#fault = fault;
    this.live.publish('vendors', this.state);
  }
}
