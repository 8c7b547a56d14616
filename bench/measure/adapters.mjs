import { load, median, race, row } from '../support.mjs';

/**
 * Adapters whose vendors check the codes, each with its entry point, its vendor's simulator and a number that it
 * serves.
 */
const ADAPTERS = [
  ['LamahOtp', 'lamah', 'LamahSimulator', '+218911234567'],
  ['NinetyNineVerify', 'ninety-nine', 'NinetyNineSimulator', '+972502345678'],
  ['SgateOtp', 'sgate', 'SgateSimulator', '+966555123456'],
  ['TaqnyatVerify', 'taqnyat', 'TaqnyatSimulator', '+966512345678'],
  ['TermiiSendToken', 'termii', 'TermiiSimulator', '+2348109477743'],
  ['TermiiVoiceToken', 'termii', 'TermiiSimulator', '+2348109477743'],
  ['TwilioVerify', 'twilio', 'TwilioSimulator', '+966512345678'],
  ['UnifonicAuthenticate', 'unifonic', 'UnifonicSimulator', '+966512345678'],
  ['VonageVerify', 'vonage', 'VonageSimulator', '+966512345678'],
];
/** RSA for every request and answer: twenty times the rest of the work. */
const SIGNED = ['SgateOtp'];
const BUDGET_MS = 0.2;

/**
 * The adapter's own work per call: building and signing the request, reading the answer. The simulator's answers are
 * recorded once and then replayed without a network.
 */
export default async function adapters({ seconds }) {
  const contenders = [];
  for (const [name, entry, simulator, phone] of ADAPTERS) {
    const pair = await playedBack(name, entry, simulator, phone);
    const count = SIGNED.includes(name) ? 20 : 300;
    contenders.push({ name, count, turn: (times) => busy(() => repeated(pair, times)) });
  }
  const times = await race(contenders, { prepare: () => undefined, seconds: seconds(10) });
  return Object.entries(times).map(([name, pairs]) => {
    const calls = pairs.map((ms) => ms / 2);
    return row(
      `${name}: own work per call`,
      { value: median(calls), note: `${Math.min(...calls).toFixed(2)} to ${Math.max(...calls).toFixed(2)}` },
      SIGNED.includes(name) ? undefined : { atMost: BUDGET_MS },
      ' ms',
    );
  });
}

/** @returns milliseconds of processor time, which other load on the machine does not affect */
async function busy(work) {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** @returns a start and its check, without a network */
async function playedBack(name, entry, simulatorName, phone) {
  const { [name]: Adapter } = await load(`nestjs-phone-otp/${entry}`);
  const { [simulatorName]: Simulator } = await load('nestjs-phone-otp/simulators');
  const simulator = await new Simulator().start();
  const answers = [];
  const record = startAndCheck(
    new Adapter({
      ...simulator.access,
      fetch: async (url, init) => {
        const answer = await fetch(url, init);
        const { status, headers } = answer;
        answers.push({ text: await answer.clone().text(), status, headers });
        return answer;
      },
    }),
    phone,
    () => simulator.lastCode(phone),
  );
  await record();
  await simulator.stop();

  let calls = 0;
  const answering = async () => {
    const { text, ...rest } = answers[calls++ % answers.length];
    return new Response(text, rest);
  };
  const code = simulator.lastCode(phone);
  return startAndCheck(new Adapter({ ...simulator.access, fetch: answering }), phone, () => code);
}

function startAndCheck(adapter, phone, code) {
  const recipient = { phone, region: 'SA', attemptId: '0193f1d2-6a0b-7c3d-8e4f-5a6b7c8d9e0f-1' };
  const wishes = { purpose: 'login', locale: 'en', appName: 'Acme', codeLength: 6, ttlSeconds: 300, maxAttempts: 5 };
  const { signal } = new AbortController();
  return async () => {
    const { outcome, reference } = await adapter.start({ ...recipient, ...wishes }, { signal });
    const checked = await adapter.check({ ...recipient, reference, code: code() }, { signal });
    // A refusal would be less work.
    if (outcome !== 'sent' || checked.outcome !== 'verified') {
      throw new Error(`${adapter.name} answered "${outcome}" and "${checked.outcome}"`);
    }
  };
}

async function repeated(work, times) {
  for (let time = 0; time < times; time++) await work();
}
