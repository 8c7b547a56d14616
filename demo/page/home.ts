import { call } from './bank-api.js';
import { type Child, el, ltr } from './dom.js';
import { loaded, money } from './loaded.js';
import { t } from './language.js';
import { go } from './stage.js';
import { title } from './steps.js';
import { advance, type Transfer } from './tab.js';
import { type Key } from './texts.js';

interface Me {
  name: string;
  phone: string | null;
  amr: string[];
}

/** The signed-in customer and their transfers. */
export function homeView(): Child[] {
  return [
    loaded(async () => {
      const [me, { transfers }] = await Promise.all([
        call<Me>('GET', '/me'),
        call<{ transfers: Transfer[] }>('GET', '/transfers'),
      ]);
      return [greeting(me), about(me), ...listOf(transfers)];
    }),
  ];
}

function greeting({ name }: Me): HTMLElement {
  const heading = title('hello');
  const [before, after] = heading.textContent.split('{name}');
  heading.replaceChildren(before ?? '', el('bdi', {}, name), after ?? '');
  return heading;
}

function about({ phone, amr }: Me): HTMLElement {
  const factors = amr.map((factor) => el('li', {}, t(`amr_${factor}` as Key)));
  return el(
    'dl',
    { class: 'about' },
    el('div', {}, el('dt', {}, t('yourNumber')), el('dd', {}, phone === null ? t('noNumber') : ltr(phone))),
    el('div', {}, el('dt', {}, t('howIn')), el('dd', {}, el('ul', { class: 'chips' }, ...factors))),
  );
}

function listOf(transfers: readonly Transfer[]): Child[] {
  return [
    el(
      'div',
      { class: 'row between' },
      el('h3', {}, t('transfers')),
      el('a', { href: '#transfer', class: 'button' }, t('newTransfer')),
    ),
    transfers.length === 0
      ? el('p', { class: 'empty' }, t('noTransfers'))
      : el('ul', { class: 'list' }, ...transfers.map(entry)),
  ];
}

function entry(transfer: Transfer): HTMLElement {
  const { payee, status } = transfer;
  const confirm = () => {
    advance('transfer');
    advance('transfer', { transfer });
    go('transfer');
  };
  return el(
    'li',
    {},
    el(
      'div',
      { class: 'grow' },
      el('strong', { dir: 'auto' }, payee),
      el('p', { class: `status ${status}` }, t(status)),
    ),
    money(transfer),
    status === 'pending' &&
      el(
        'button',
        { type: 'button', class: 'small', 'aria-label': `${t('confirmThis')}: ${payee}`, onclick: confirm },
        t('confirmThis'),
      ),
  );
}
