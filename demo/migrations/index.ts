import { Bank1764100000000 } from './1764100000000-bank.js';
import { Transfers1764400000000 } from './1764400000000-transfers.js';

export const BANK_MIGRATIONS = [Bank1764100000000, Transfers1764400000000];
