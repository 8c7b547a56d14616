import { type Child } from './dom.js';
import { tab, type View } from './tab.js';

const OUT: readonly View[] = ['login', 'password', 'register', 'reset'];
const IN: readonly View[] = ['home', 'transfer', 'number', 'sessions'];

/** The view that the address names, if it is available in the current sign-in state. The address names nothing else. */
export function view(): View {
  const open = tab.token === undefined ? OUT : IN;
  const named = location.hash.slice(1) as View;
  return open.includes(named) ? named : open[0]!;
}

/** A notice at the top of the next view, until the user moves to another. */
export interface Flash {
  kind: 'good' | 'info' | 'bad';
  /** Written when shown, in the language of that time. */
  text: () => readonly Child[];
}

interface Stage {
  flash?: Flash | undefined;
  /** Whether the user moved to this view. */
  fresh: boolean;
  show: (how: Showing) => void;
}

export const stage: Stage = { fresh: false, show: () => undefined };

/** `fresh`: the user moved to it, so it gets the focus. `same`: typed text stays. */
export type Showing = 'fresh' | 'same';

/** Moves to a view, or restarts it. */
export function go(to: View, flash?: Flash): void {
  stage.flash = flash;
  if (location.hash !== `#${to}`) history.pushState(null, '', `#${to}`);
  stage.show('fresh');
}

export function words(kind: Flash['kind'], text: () => string): Flash {
  return { kind, text: () => [text()] };
}
