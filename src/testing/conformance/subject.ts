import type { CountryCode } from 'libphonenumber-js/max';

import type { HttpExchange } from '../../providers/provider-kit/http-client.js';
import type { CheckOutcome, SendOutcome, SingleProvider } from '../../delivery/provider.js';
import type { VendorSimulator } from '../../simulators/simulator.js';

/** The conditions that `describeProvider` sets for one test. */
export interface TrialConditions {
  /** The account's key, for both simulator and adapter. It holds characters that break careless quoting. */
  readonly key: string;
  /** The simulator's clock, in milliseconds. Tests move it forward. */
  readonly now: () => number;
  /** Pass this to the adapter, so that the test sees its exchanges. */
  readonly onExchange: (exchange: HttpExchange) => void;
}

/** An adapter, a simulator of its vendor, and the specifics of that vendor. */
export interface ProviderSubject {
  /** A new simulator for this test, not started yet. */
  readonly simulator: VendorSimulator;
  /** Makes the adapter. Called once the simulator has started and has an address. */
  readonly provider: () => SingleProvider;
  /** A mobile number that the vendor serves, in E.164. */
  readonly phone: string;
  readonly region: CountryCode;
  /**
   * Makes the vendor refuse in its own words, such as `() => simulator.answerAlways(4)`. If the vendor has no such
   * refusal, a sentence that says why; it appears in the report.
   */
  readonly refusals: Readonly<Record<'rejected_sender' | 'insufficient_balance', (() => void) | string>>;
  /**
   * The outcomes that differ between vendors. Each is tested: `verified` for `exhausted` means that the vendor accepts
   * the code.
   */
  readonly expected?: {
    /**
     * For another message at once. @defaultValue 'sent' if `resendCooldown` is `unknown`, otherwise 'resend_too_soon'
     */
    readonly tooSoon?: SendOutcome;
    /**
     * For a right code after the maximum number of wrong ones; `verified` if the vendor does not count. @defaultValue
     * 'attempts_exhausted'
     */
    readonly exhausted?: CheckOutcome;
    /**
     * For a right code that has expired. @defaultValue 'expired' if `distinguishesExpired`, otherwise 'incorrect_code'
     */
    readonly expired?: Exclude<CheckOutcome, 'verified'>;
    /** For a right code that was already used. @defaultValue 'already_verified' */
    readonly used?: Exclude<CheckOutcome, 'verified'>;
  };
  /** Whether the vendor sends the same code until it is used or expires. @defaultValue false */
  readonly repeatsCodes?: boolean;
  /**
   * The vendor's answer to a message that holds the text, or to a request for a code that holds the code. The adapter
   * hides the field, even in a truncated answer. @defaultValue none
   */
  readonly echo?: (text: string) => object;
  /** Further secrets, such as lines of a private key. @defaultValue none besides the key */
  readonly secrets?: readonly string[];
}

/** Makes a subject. Called for each test, and once beforehand to see what there is to test. */
export type MakeSubject = (conditions: TrialConditions) => ProviderSubject;
