import { launchFleet, limitRaces } from './races.js';

launchFleet();

describe.each(['repeatable read', 'serializable'] as const)('SEC-08: at %s', (isolation) => limitRaces(isolation));
