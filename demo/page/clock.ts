import { el } from './dom.js';

/**
 * How far the server's clock is ahead of the local one. Its dates are in whole seconds, so small differences mean
 * nothing.
 */
let aheadMs = 0;

export function learnTime(date: string | null): void {
  const ahead = Date.parse(date ?? '') - Date.now();
  aheadMs = Math.abs(ahead) > 2000 ? ahead : 0;
}

/** Converts a server time to the local clock. */
export function ours(date: string): number {
  return Date.parse(date) - aheadMs;
}

export function secondsUntil(time: number): number {
  return Math.max(0, Math.ceil((time - Date.now()) / 1000));
}

export function minutes(seconds: number): string {
  const hours = Math.floor(seconds / 3600);
  const rest = [Math.floor(seconds / 60) % 60, seconds % 60].map((n) => String(n).padStart(2, '0')).join(':');
  return hours > 0 ? `${hours}:${rest}` : rest.replace(/^0/, '');
}

/** Calls back four times a second until the given element leaves the page. */
export function ticking(element: HTMLElement, tick: () => void): void {
  tick();
  let shown = false;
  const timer = setInterval(() => {
    shown ||= element.isConnected;
    if (shown && !element.isConnected) clearInterval(timer);
    else tick();
  }, 250);
}

/** Returns the remaining time, such as "4:59". */
export function countdown(until: number): HTMLElement {
  const element = el('bdi', { dir: 'ltr', class: 'countdown' });
  ticking(element, () => {
    const text = minutes(secondsUntil(until));
    if (element.textContent !== text) element.textContent = text;
  });
  return element;
}
