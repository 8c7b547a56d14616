import { type Key, TEXTS } from './texts.js';

export type Language = keyof typeof TEXTS;

const root = () => document.documentElement;

export function language(): Language {
  return root().lang === 'ar' ? 'ar' : 'en';
}

/** Switches the page to another language and remembers it. */
export function speak(chosen: Language): void {
  root().lang = chosen;
  root().dir = chosen === 'ar' ? 'rtl' : 'ltr';
  keep('language', chosen);
}

/** Returns a text in the page's language. */
export function t(key: Key): string {
  return TEXTS[language()][key];
}

export type Scheme = 'light' | 'dark';

/** The chosen scheme, or else the system's. */
export function scheme(): Scheme {
  const { scheme: chosen } = root().dataset;
  if (chosen === 'light' || chosen === 'dark') return chosen;
  return matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
}

export function paint(chosen: Scheme): void {
  root().dataset.scheme = chosen;
  keep('scheme', chosen);
}

function keep(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // storage is forbidden here: the choice lasts as long as the page
  }
}
