import { ISOLATION_LEVELS } from '../support/fleet.js';
import { codeRaces, launchFleet, limitRaces } from './races.js';

launchFleet();

// At stricter levels the same functions enforce the limits: those races are in races.matrix.ts.
describe.each(ISOLATION_LEVELS)('SEC-08: at %s', (isolation) => codeRaces(isolation));
describe('at read committed', () => limitRaces('read committed'));
