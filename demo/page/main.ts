import { brand, showBank } from './bank.js';
import { ours, ticking } from './clock.js';
import { el, icon } from './dom.js';
import { language, paint, scheme, speak, t } from './language.js';
import { watch } from './live.js';
import { addMessage, ownMessages, showPhone, timeOf } from './phone.js';
import { type Showing, stage } from './stage.js';
import { showVendors } from './vendor.js';
import { showWire } from './wire.js';

const skip = el('a', { class: 'skip', href: '#bank-card' });
const header = el('header', { class: 'top' });
const intro = el('p', { class: 'intro' });
const card = el('section', { class: 'card bank', id: 'bank-card', tabindex: -1 });
const phone = el('section', { class: 'phone', id: 'phone', 'aria-labelledby': 'phone-title' });
const vendors = el('section', { class: 'card vendor', 'aria-labelledby': 'vendor-title' });
const wire = el('section', { class: 'card wire', 'aria-labelledby': 'wire-title' });
let newestSeen: number | undefined;
const arrival = el('a', { class: 'arrival', href: '#phone', hidden: true });

function showAll(how: Showing): void {
  document.title = `${t('bank')} · ${t('tagline')}`;
  skip.textContent = t('skip');
  intro.textContent = t('intro');
  card.setAttribute('aria-label', t('bank'));
  showHeader();
  showBank(card, how);
  showPhone(phone);
  showVendors(vendors);
  showWire(wire);
}

function showHeader(): void {
  const focused = header.contains(document.activeElement) ? document.activeElement?.id : undefined;
  const other = language() === 'ar' ? 'en' : 'ar';
  const opposite = scheme() === 'dark' ? 'light' : 'dark';
  header.replaceChildren(
    el('h1', {}, brand()),
    el('span', { class: 'tagline' }, t('tagline')),
    el('a', { href: '/docs', class: 'quiet' }, t('api')),
    el(
      'button',
      {
        type: 'button',
        id: 'scheme',
        class: 'round',
        'aria-label': t(opposite === 'dark' ? 'toDark' : 'toLight'),
        title: t(opposite === 'dark' ? 'toDark' : 'toLight'),
        onclick: () => {
          paint(opposite);
          showHeader();
        },
      },
      icon(opposite === 'dark' ? 'moon' : 'sun'),
    ),
    el(
      'button',
      {
        type: 'button',
        id: 'language',
        class: 'quiet',
        lang: other,
        onclick: () => {
          speak(other);
          showAll('same');
        },
      },
      t('otherLanguage'),
    ),
  );
  if (focused) document.getElementById(focused)?.focus();
}

/** Whether the phone has received a message since the last check: a message may arrive before the bank's answer. */
function listen(): void {
  const [newest] = ownMessages();
  const isNew = newest !== undefined && newest.id !== newestSeen && Date.now() - ours(newest.sentAt) < 5000;
  newestSeen = newest?.id;
  if (isNew) ring();
}

/** On a small screen the phone is further down: a notice says that a message arrived. */
function ring(): void {
  if (phone.getBoundingClientRect().top < innerHeight - 120) return;
  arrival.replaceChildren(icon('message'), t('arrived'), ' ', el('strong', {}, t('lookAtPhone')));
  arrival.hidden = false;
}

arrival.addEventListener('click', (event) => {
  event.preventDefault(); // the address names views
  phone.scrollIntoView({ block: 'center' });
  phone.querySelector<HTMLElement>('li:last-child .use')?.focus();
  arrival.hidden = true;
});
skip.addEventListener('click', (event) => {
  event.preventDefault();
  card.focus();
});

stage.show = (how) => {
  showBank(card, how);
  showPhone(phone); // the page may now show the phone of another number
  arrival.hidden = true;
  listen();
};
addEventListener('popstate', turn);

function turn(): void {
  stage.flash = undefined;
  stage.show('fresh');
}

document
  .getElementById('page')!
  .replaceChildren(
    skip,
    header,
    el('main', {}, intro, el('div', { class: 'both' }, card, phone), el('div', { class: 'below' }, vendors, wire)),
    arrival,
  );
showAll('same');
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', showHeader);

ticking(phone, () => {
  const bar = phone.querySelector('.bar')?.firstChild;
  const now = timeOf(new Date());
  if (bar && bar.textContent !== now) bar.textContent = now;
});

watch((part, isNews) => {
  if (part === 'wire') return showWire(wire);
  if (part === 'vendors') return showVendors(vendors);
  if (isNews) addMessage(phone);
  else showPhone(phone);
  listen();
});
