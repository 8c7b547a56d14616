import { maskNumbers } from './digits.js';
import { el } from './dom.js';
import { t } from './language.js';
import { type Exchange, seen } from './live.js';
import { timeOf } from './phone.js';

const SHOWN = 50;

/** Every exchange with the vendor; opens to show its content. */
export function showWire(place: HTMLElement): void {
  const open = new Set([...place.querySelectorAll<HTMLElement>('details[open]')].map(({ dataset }) => dataset.id));
  const live = el(
    'span',
    { class: seen.connected ? 'live' : 'live off', role: 'status' },
    t(seen.connected ? 'live' : 'notLive'),
  );
  const exchanges = seen.exchanges.slice(0, SHOWN).map(entry);
  for (const details of exchanges) details.open = open.has(details.dataset.id);
  place.replaceChildren(
    el('div', { class: 'row between' }, el('h2', { id: 'wire-title' }, t('wireTitle')), live),
    el('p', { class: 'lead' }, t('wireIntro')),
    exchanges.length === 0
      ? el('p', { class: 'empty' }, t('wireEmpty'))
      : el('ol', { class: 'exchanges' }, ...exchanges.map((details) => el('li', {}, details))),
  );
}

function entry({ id, provider, request, response, outcome, ms, at }: Exchange): HTMLDetailsElement {
  const time = el('time', { datetime: at, dir: 'ltr' }, timeOf(new Date(at), true));
  return el(
    'details',
    { 'data-id': id },
    el(
      'summary',
      {},
      time,
      el('span', { class: 'who', dir: 'ltr' }, provider),
      el('code', { class: 'what', dir: 'ltr' }, endpoint(request)),
      el('code', { class: `outcome ${mood(outcome)}`, dir: 'ltr' }, outcome),
      el('span', { class: 'ms', dir: 'ltr' }, `${ms} ms`),
    ),
    el('div', { class: 'said' }, half('request', request), half('answer', response)),
  );
}

const GOOD = ['sent', 'verified'];
const BAD = ['unknown', 'provider_unavailable', 'unauthorized', 'insufficient_balance', 'rejected_sender'];

function mood(outcome: string): string {
  if (GOOD.includes(outcome)) return 'good';
  return BAD.includes(outcome) ? 'bad' : 'so-so';
}

function endpoint(request: unknown): string {
  const { method, url } = request as Said;
  return method && url ? `${method} ${new URL(url).pathname}` : '';
}

function half(heading: 'request' | 'answer', what: unknown): HTMLElement {
  const said = el('pre', { dir: 'ltr', tabindex: 0, 'aria-label': t(heading) }, maskNumbers(written(what)));
  return el('div', {}, el('h3', {}, t(heading)), said);
}

/** For a vendor that speaks HTTP; others have another form. */
interface Said {
  method?: string;
  url?: string;
  headers?: Record<string, string>;
  status?: number;
  body?: string;
}

/** In HTTP notation: the request line, the headers, and the body, indented if it is JSON. */
function written(what: unknown): string {
  const { method, url, headers, status, body, ...others } = what as Said;
  const lines = [
    method !== undefined && `${method} ${url ?? ''}`,
    status !== undefined && `HTTP ${status}`,
    ...Object.entries(headers ?? {}).map(([name, value]) => `${name}: ${value}`),
    body !== undefined && `\n${pretty(body)}`,
    Object.keys(others).length > 0 && JSON.stringify(others, null, 2),
  ];
  return lines.filter((line) => line !== false).join('\n');
}

function pretty(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}
