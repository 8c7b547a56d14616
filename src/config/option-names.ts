import { closest, distance } from 'fastest-levenshtein';

import { OtpConfigError } from '../errors/otp.error.js';

/** All option names of `T`, including optional ones. A list that lacks a name does not compile. */
export type OptionNames<T> = Readonly<Record<keyof T, unknown>>;

/**
 * Rejects unknown option names. A misspelt option would otherwise silently keep its default.
 * @param group the option that contains these options, such as `allow`; omitted at the top level
 * @throws {@link OtpConfigError} that names the unknown option and suggests the most similar known one
 */
export function refuseUnknownOptions(given: unknown, known: object, group?: string): void {
  if (typeof given !== 'object' || given === null) return; // the code that reads the options checks their type
  const names = Object.keys(known);
  const unknown = Object.keys(given).find((name) => !names.includes(name));
  if (unknown === undefined) return;
  const inGroup = (name: string) => (group === undefined ? name : `${group}.${name}`);
  const suggestion = nearest(unknown, names);
  const list =
    names.length <= 20 ? `Known options: ${names.map(inGroup).join(', ')}.` : 'No option has a similar name.';
  const help = suggestion === undefined ? list : `Did you mean "${inGroup(suggestion)}"?`;
  throw new OtpConfigError(`Unknown option "${inGroup(unknown)}". ${help}`);
}

/** Returns the name with the smallest edit distance, unless it exceeds a third of the letters. */
function nearest(name: string, names: readonly string[]): string | undefined {
  const lower = names.map((other) => other.toLowerCase());
  const match = closest(name.toLowerCase(), lower);
  return distance(name.toLowerCase(), match) <= Math.ceil(name.length / 3) ? names[lower.indexOf(match)] : undefined;
}
