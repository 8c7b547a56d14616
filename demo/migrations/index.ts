import { Bank1764100000000 } from './1764100000000-bank.js';

export const BANK_MIGRATIONS = [Bank1764100000000];
