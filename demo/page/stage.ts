import { type Child } from './dom.js';
import { tab, type View } from './tab.js';

const OUT: readonly View[] = ['login', 'password', 'register', 'reset'];
const IN: readonly View[] = ['home', 'transfer', 'number', 'sessions'];

/** What the address names, as far as it is open to whoever is signed in or not. It names views and nothing else. */
export function view(): View {
  const open = tab.token === undefined ? OUT : IN;
  const named = location.hash.slice(1) as View;
  return open.includes(named) ? named : open[0]!;
}

/** A sentence that the next view begins with, until one turns to another. */
export interface Flash {
  kind: 'good' | 'info' | 'bad';
  /** Written when it is shown, in the language of that time. */
  text: () => readonly Child[];
}

interface Stage {
  flash?: Flash | undefined;
  /** Whether somebody turned to what is shown. */
  fresh: boolean;
  show: (how: Showing) => void;
}

export const stage: Stage = { fresh: false, show: () => undefined };

/** `fresh`: somebody turned to it, so it has the focus. `same`: what was typed stays. */
export type Showing = 'fresh' | 'same';

/** Turns to a view, or begins it again. */
export function go(to: View, flash?: Flash): void {
  stage.flash = flash;
  if (location.hash !== `#${to}`) history.pushState(null, '', `#${to}`);
  stage.show('fresh');
}

export function words(kind: Flash['kind'], text: () => string): Flash {
  return { kind, text: () => [text()] };
}
