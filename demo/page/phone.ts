import { fillIn } from './code-step.js';
import { codeIn, samePhone } from './digits.js';
import { el, icon, ltr, parts } from './dom.js';
import { language, t } from './language.js';
import { type Message, seen } from './live.js';
import { tab } from './tab.js';

/** Messages to the numbers typed in this tab, and no others. */
export function ownMessages(): Message[] {
  return seen.messages.filter(({ to }) => tab.phones.some((typed) => samePhone(typed, to)));
}

/** The phone, with its newest message at the bottom. */
export function showPhone(place: HTMLElement): void {
  const messages = ownMessages().slice(0, 30).reverse();
  const several = new Set(messages.map(({ to }) => to)).size > 1;
  const list = el('ol', {}, ...messages.map((message) => bubble(message, several)));
  const log = el('div', { class: 'messages', role: 'log', 'aria-label': t('messagesLog'), tabindex: 0 }, list);
  const empty = el('p', { class: 'empty' }, icon('message'), t('phoneEmpty'));
  place.replaceChildren(
    el('h2', { id: 'phone-title' }, t('phoneTitle')),
    el(
      'div',
      { class: 'device' },
      el(
        'div',
        { class: 'bar', 'aria-hidden': 'true' },
        timeOf(new Date()),
        el('span', { class: 'notch' }),
        el('span', { class: 'battery' }),
      ),
      el('div', { class: 'sender' }, el('span', { class: 'avatar' }, icon('bank')), t('bank')),
      messages.length === 0 ? empty : log,
    ),
  );
  log.scrollTop = log.scrollHeight;
}

/** Adds only what is new, so that a screen reader reads nothing else. */
export function addMessage(place: HTMLElement): void {
  const log = place.querySelector('.messages');
  const [newest] = ownMessages();
  if (!log || !newest || new Set(ownMessages().map(({ to }) => to)).size > 1) return showPhone(place);
  if (log.querySelector(`[data-id="${newest.id}"]`)) return;
  const item = bubble(newest, false);
  item.classList.add('new');
  log.querySelector('ol')!.append(item);
  log.scrollTop = log.scrollHeight;
}

function bubble({ id, to, text, sentAt }: Message, showTo: boolean): HTMLElement {
  const code = /(?<!\d)\d{4,8}(?!\d)/.exec(text)?.[0];
  const [before, after] = code === undefined ? [text, ''] : halves(text, code);
  const use = code !== undefined && codeButton(code);
  return el(
    'li',
    { 'data-id': id },
    showTo && el('p', { class: 'to' }, ...parts(t('toNumber'), { phone: ltr(to) })),
    el('p', { class: 'bubble', dir: 'auto' }, before, use, after),
    el('time', { datetime: sentAt, dir: 'ltr' }, timeOf(new Date(sentAt))),
  );
}

function halves(text: string, code: string): [string, string] {
  const at = text.indexOf(code);
  return [text.slice(0, at), text.slice(at + code.length)];
}

/** As on a real phone: a tap on the code fills it in, or copies it for pasting. */
function codeButton(code: string): HTMLElement {
  const button = el(
    'button',
    {
      type: 'button',
      class: 'use',
      dir: 'ltr',
      'aria-label': t('useCode').replace('{code}', code),
      onclick: async () => {
        if (fillIn(codeIn(code))) return;
        await navigator.clipboard?.writeText(code).catch(() => undefined);
        button.title = t('codeCopied');
      },
    },
    code,
  );
  return button;
}

export function timeOf(date: Date, seconds = false): string {
  const style = seconds ? 'medium' : 'short';
  return new Intl.DateTimeFormat(`${language()}-u-nu-latn`, { timeStyle: style, hourCycle: 'h23' }).format(date);
}
