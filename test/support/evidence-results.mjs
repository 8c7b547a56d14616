import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const PROJECT = path.resolve(import.meta.dirname, '../..');
/** The latest results of the requirement tests, by file. */
const RESULTS = path.join(PROJECT, 'test-output/evidence.json');

/**
 * @typedef {{ id: string, says: string, standards: string[], gap?: string }} Requirement `gap`: the part that is not
 *   met or not proved
 *
 * @typedef {Record<string, number | string>} Figures
 * @typedef {{ name: string, ids: string[], passed: boolean, figures: { id: string, figures: Figures }[] }} Result
 * @typedef {{ tests: number, failed: number, files: string[], figures: Figures[] }} Evidence of one id
 */

/** @type {Requirement[]} */
export const REQUIREMENTS = JSON.parse(readFileSync(path.join(import.meta.dirname, 'requirements.json'), 'utf8'));

/**
 * Returns the ids at the start of a title, such as those of `SEC-06, SEC-07: …` and `FLT-03 answers …`.
 * @param {string} title
 * @returns {string[]}
 */
export function idsIn(title) {
  const [head] = /^(?:(?:SEC|FLT)-\d\d[\s,:]*)*/.exec(title) ?? [''];
  return head.match(/(SEC|FLT)-\d\d/g) ?? [];
}

/** @returns {Record<string, Result[]>} */
export function lastResults() {
  return existsSync(RESULTS) ? JSON.parse(readFileSync(RESULTS, 'utf8')) : {};
}

/** @param {Record<string, Result[]>} results */
export function keepResults(results) {
  mkdirSync(path.dirname(RESULTS), { recursive: true });
  writeFileSync(RESULTS, JSON.stringify(results, null, 2));
}

/**
 * @param {Record<string, Result[]>} results
 * @returns {Map<string, Evidence>} by id
 */
export function evidenceById(results) {
  const found = new Map();
  for (const [file, tests] of Object.entries(results)) {
    for (const { ids, passed, figures } of tests) {
      for (const id of ids) {
        const evidence = found.get(id) ?? { tests: 0, failed: 0, files: [], figures: [] };
        evidence.tests += 1;
        if (!passed) evidence.failed += 1;
        if (!evidence.files.includes(file)) evidence.files.push(file);
        evidence.figures.push(...figures.filter((of) => of.id === id).map((of) => of.figures));
        found.set(id, evidence);
      }
    }
  }
  return found;
}

/**
 * Formats the figures; equal figures of several tests appear once, with a count.
 * @param {Evidence} evidence
 * @returns {string}
 */
export function inWords({ tests, failed, figures }) {
  /** @type {Map<string, number>} */
  const counted = new Map();
  for (const each of figures) {
    const words = Object.entries(each).map(([name, value]) => figureInWords(name, value));
    counted.set(words.join(', '), (counted.get(words.join(', ')) ?? 0) + 1);
  }
  const ran = `${tests} ${tests === 1 ? 'test' : 'tests'}${failed > 0 ? `, ${failed} FAILED` : ''}`;
  return [ran, ...[...counted].map(([words, times]) => (times === 1 ? words : `${times} × (${words})`))].join('; ');
}

/** A time is shown as an upper bound, since it differs in each run. */
function figureInWords(name, value) {
  const words = name.replace(/Ms$/, '').replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  if (!name.endsWith('Ms')) return `${words} ${value}`;
  const bound = [1, 10, 100, 1000, 10_000, 60_000].find((ms) => value < ms);
  return `${words} ${bound === undefined ? `${value} ms` : `< ${bound} ms`}`;
}
