import type { CountryCode } from 'libphonenumber-js/max';

import type { HttpExchange } from '../../providers/provider-kit/http-client.js';
import type { CheckOutcome, SendOutcome, SingleProvider } from '../../delivery/provider.js';
import type { VendorSimulator } from '../../simulators/simulator.js';

/** What `describeProvider` sets for one test. */
export interface TrialConditions {
  /** The account's key, for simulator and adapter alike. It holds signs that tempt whoever quotes it badly. */
  readonly key: string;
  /** The simulator's clock, in milliseconds: a test lets minutes pass. */
  readonly now: () => number;
  /** For the adapter, so that the test sees what it shows. */
  readonly onExchange: (exchange: HttpExchange) => void;
}

/** An adapter, a simulator of its vendor, and what is particular about that vendor. */
export interface ProviderSubject {
  /** Made for this test, and not started yet. */
  readonly simulator: VendorSimulator;
  /** Makes the adapter: once the simulator is started, and so has an address. */
  readonly provider: () => SingleProvider;
  /** A mobile number that the vendor serves, in E.164. */
  readonly phone: string;
  readonly region: CountryCode;
  /**
   * Lets the vendor refuse in its own words, such as `() => simulator.answerAlways(4)`; or says, in a sentence that goes
   * into the report, why it has none.
   */
  readonly refusals: Readonly<Record<'rejected_sender' | 'insufficient_balance', (() => void) | string>>;
  /** What the vendor says where vendors differ. Each is tested: `verified` for `exhausted` means that it truly is. */
  readonly expected?: {
    /** To another message at once. @defaultValue 'sent' if `resendCooldown` is `unknown`, or else 'resend_too_soon' */
    readonly tooSoon?: SendOutcome;
    /** To a right code after as many wrong ones as it compares; `verified` if it does not count. @defaultValue 'attempts_exhausted' */
    readonly exhausted?: CheckOutcome;
    /** To a right code whose time is over. @defaultValue 'expired' if `distinguishesExpired`, or else 'incorrect_code' */
    readonly expired?: Exclude<CheckOutcome, 'verified'>;
    /** To a code that was right before. @defaultValue 'already_verified' */
    readonly used?: Exclude<CheckOutcome, 'verified'>;
  };
  /** The vendor sends one code again and again until it is used or over. @defaultValue false */
  readonly repeatsCodes?: boolean;
  /**
   * The vendor's answer to a message where it holds the text, or to a request for a code where it holds the code: the
   * adapter then hides the field, even in half an answer. @defaultValue none
   */
  readonly echo?: (said: string) => object;
  /** Further secrets, such as lines of a private key. @defaultValue none beside the key */
  readonly secrets?: readonly string[];
}

/** Makes a subject. It is called for each test, and once before, to see what there is to test. */
export type MakeSubject = (conditions: TrialConditions) => ProviderSubject;
