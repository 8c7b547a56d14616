import { PasswordAttemptCounter } from './passwords/password-attempt-counter.entity.js';
import { Session } from './session.entity.js';
import { Transfer } from './transfers/transfer.entity.js';
import { User } from './user.entity.js';

/** The bank's own tables. */
export const BANK_ENTITIES = [User, Session, Transfer, PasswordAttemptCounter];
