import { inspect } from 'node:util';

import type { SimulatedFault } from '../../simulators/faults.js';
import type { SimulatedRequest } from '../../simulators/simulator.js';
import type { Runner } from './runner.js';
import { type Attempt, KEY, type Trial } from './trial.js';

const CODE = '73914682';

const FAULTS: readonly SimulatedFault[] = [
  { kind: 'status', status: 401 },
  { kind: 'redirect', to: 'http://127.0.0.1:1/' },
  { kind: 'hang' },
  { kind: 'reset' },
  { kind: 'endless' },
];

/** Tests that no failure discloses a key or a code. */
export function describeSecrets({ it, expect }: Runner, specimen: Trial, trial: () => Trial): void {
  const { echo = () => ({}), secrets = [] } = specimen.subject;
  const { mode } = specimen.provider;
  const echoed = ({ text }: Attempt) => (mode === 'delivery' ? text : CODE);

  it('SEC-61: discloses keys and codes in no receipt, exchange, error, log, property or URL, even when requests fail', async () => {
    const codes = new Set([CODE]);
    const printed = await capture(async () => {
      const receipts: unknown[] = [];
      const ask = async (isLost = false) => {
        const limit = () => (isLost ? { signal: trial().lostAnswer() } : {});
        const attempt = await trial().send({ ...limit(), code: CODE });
        if (mode === 'generator') codes.add(attempt.code);
        receipts.push(attempt.receipt, await trial().check(attempt, CODE, limit()));
        return attempt;
      };

      const known = await ask();
      for (const fault of FAULTS) {
        trial().vendor.fault(fault);
        await ask(fault.kind === 'hang');
      }
      for (const [status, cut] of REPEATED) {
        const answer = (fields: object) => {
          const body = JSON.stringify({ api: `Bearer ${KEY}`, ...fields });
          const escaped = status === 400 ? body.replaceAll('/', '\\/') : body;
          trial().vendor.fault({ kind: 'answer', status, body: escaped.slice(0, cut) });
        };
        answer({ ...echo(echoed(known)), ...(mode === 'delivery' && { was: known.text }) });
        receipts.push((await trial().send({ code: CODE })).receipt);
        answer({ typed: CODE, message: `${CODE} is wrong` });
        receipts.push(await trial().check(known, CODE));
      }
      await trial().stop();
      await ask();
      return receipts;
    });

    const { shown, exchanges, vendor } = trial();
    const disclosed = shown + inspect(printed, { depth: 9, maxArrayLength: null, maxStringLength: null });
    const hidden = [KEY, KEY.replace('/', '\\/'), encodeURIComponent(KEY), ...codes, ...secrets];
    expect(hidden.filter((secret) => disclosed.includes(secret))).toEqual([]);
    expect(exchanges.length > FAULTS.length).toBe(true);
    expect(vendor.requests.filter(({ path }) => hidden.some((secret) => path.includes(secret)))).toEqual([]);
    // Guards against a vacuous pass: the requests must contain the secrets.
    expect(vendor.requests.some((request) => [KEY, ...secrets].some((secret) => contains(request, secret)))).toBe(true);
  });
}

/** Answers that echo the request: the status, and the `slice` end that cuts off the last characters. */
const REPEATED: readonly (readonly [status: number, cut?: number])[] = [[200], [400], [500], [200, -1]];

/** Returns the result of the work and everything printed while it runs. */
async function capture(work: () => Promise<unknown[]>): Promise<unknown[]> {
  const printed: unknown[] = [];
  const restore = [process.stdout, process.stderr].map((stream) => {
    const write = stream.write.bind(stream);
    stream.write = (chunk: unknown) => printed.push(chunk) > 0;
    return () => (stream.write = write);
  });
  try {
    printed.push(await work());
    await new Promise(setImmediate); // exchanges are reported after their calls
    return printed;
  } finally {
    for (const again of restore) again();
  }
}

/** Tells whether a request holds the secret: in the clear, form-encoded, or as HTTP Basic (RFC 7617). */
function contains({ headers, body }: SimulatedRequest, secret: string): boolean {
  const [, basic = ''] = /^Basic (\S+)$/.exec(headers.authorization ?? '') ?? [];
  const places = [JSON.stringify(headers), body, Buffer.from(basic, 'base64').toString()];
  return places.some((place) => place.includes(secret) || place.includes(encodeURIComponent(secret)));
}
