import { closest, distance } from 'fastest-levenshtein';

import { OtpConfigError } from '../errors/otp.error.js';

/** All names that options of type `T` may have, optional ones too: a name that is missing in such a list does not compile. */
export type OptionNames<T> = Readonly<Record<keyof T, unknown>>;

/**
 * A misspelt name would leave its option at the default, and nobody would see it.
 * @param group the option that holds these, such as `allow`; left out for the outermost
 * @throws {@link OtpConfigError} naming an option that is not `known`, and the one that it may be meant for
 */
export function refuseUnknownOptions(given: unknown, known: object, group?: string): void {
  if (typeof given !== 'object' || given === null) return; // whoever reads them says what they must be
  const names = Object.keys(known);
  const unknown = Object.keys(given).find((name) => !names.includes(name));
  if (unknown === undefined) return;
  const inGroup = (name: string) => (group === undefined ? name : `${group}.${name}`);
  const meant = nearest(unknown, names);
  const few = names.length <= 20 ? `known are ${names.map(inGroup).join(', ')}` : 'none has a name like it';
  throw new OtpConfigError(
    `Unknown option "${inGroup(unknown)}": ${meant === undefined ? `${few}.` : `did you mean "${inGroup(meant)}"?`}`,
  );
}

/** The name that needs the fewest corrections, unless that is more than every third letter. */
function nearest(name: string, names: readonly string[]): string | undefined {
  const lower = names.map((other) => other.toLowerCase());
  const match = closest(name.toLowerCase(), lower);
  return distance(name.toLowerCase(), match) <= Math.ceil(name.length / 3) ? names[lower.indexOf(match)] : undefined;
}
