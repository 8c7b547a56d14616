import { fork } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const fromRoot = createRequire(new URL('../package.json', import.meta.url));

/** The built package, by its name and through its "exports", as a user gets it. */
export const load = (name) => import(pathToFileURL(fromRoot.resolve(name)).href);

/** Concurrent calls, and the connections they share. */
export const IN_FLIGHT = 16;
export const POOL_SIZE = 10;

/** Runs `work` on every item, a few at a time. @returns the results in the order of the items */
export async function inFlight(items, work, width = IN_FLIGHT) {
  const results = [];
  const queue = items.entries();
  const lane = async () => {
    for (const [index, item] of queue) results[index] = await work(item, index);
  };
  await Promise.all(Array.from({ length: width }, lane));
  return results;
}

/** @returns milliseconds */
export async function timed(work) {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

export function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * Runs contenders in turns, in a different order each round, so that other load on the machine affects all of them
 * alike.
 * @param contenders each a `name`, a `count` of operations per turn, and `turn(count)`, which returns the milliseconds
 * @param options `prepare` runs between the warm-up and the rounds; no round begins after `seconds`
 * @returns {Promise<Record<string, number[]>>} milliseconds per operation, by name and round
 */
export async function race(contenders, { prepare, seconds, minRounds = 3, maxRounds = 15 }) {
  for (const { turn, count } of contenders) await turn(count);
  await prepare();
  for (const { turn, count } of contenders) await turn(count);

  const results = Object.fromEntries(contenders.map(({ name }) => [name, []]));
  const end = performance.now() + seconds * 1000;
  for (let round = 0; round < minRounds || (round < maxRounds && performance.now() < end); round++) {
    const first = round % contenders.length;
    for (const { name, turn, count } of [...contenders.slice(first), ...contenders.slice(0, first)]) {
      results[name].push((await turn(count)) / count);
    }
  }
  return results;
}

/** How many times as fast `one` is as `other`: the median over the rounds, and their range. */
export function speedOf(one, other) {
  const ratios = one.map((ms, round) => other[round] / ms);
  return { value: median(ratios), note: `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}` };
}

/** Runs a program of `children/` in a fresh process. @returns the one message it sends */
export async function child(program, args = [], execArgv = []) {
  const running = fork(new URL(`children/${program}`, import.meta.url), args.map(String), { execArgv });
  const ended = once(running, 'exit');
  const [answer] = await Promise.race([once(running, 'message'), ended.then(() => [])]);
  await ended;
  if (answer === undefined) throw new Error(`${program} ended without an answer`);
  return answer;
}

/** One row of the table. Without a budget it is informational. */
export function row(what, { value, note }, budget, unit = '') {
  return { what, value, unit, note, budget };
}

/** A Saudi mobile number that is unique in this run. Consecutive calls get numbers far apart: 8,000 prefixes. */
export function newPhone() {
  const index = phones++;
  const line = (Math.floor(index / SECOND_DIGITS.length) * 6_180_337) % 10_000_000;
  return `+9665${SECOND_DIGITS[index % SECOND_DIGITS.length]}${String(line).padStart(7, '0')}`;
}
const SECOND_DIGITS = '01345689';
let phones = randomInt(50_000_000);

/** A client address, spread as those of real clients are. */
export function newAddress() {
  const bits = randomInt(2 ** 24);
  return `10.${bits >> 16}.${(bits >> 8) & 255}.${bits & 255}`;
}
