import { createRequire } from 'node:module';

import { betterAuth } from 'better-auth';
import { getMigrations } from 'better-auth/db/migration';
import { phoneNumber } from 'better-auth/plugins';
import pg from 'pg';

import { inFlight, newPhone, POOL_SIZE, timed } from '../support.mjs';

/** Resolved there, since `npm ci` installs it nowhere else. */
export const BETTER_AUTH_VERSION = createRequire(import.meta.url)('../package.json').dependencies['better-auth'];

/** better-auth with its phone-number plugin, set up as its manual says, on its own schema. */
export async function betterAuthApp({ url, schema }) {
  const codes = new Map();
  const pool = new pg.Pool({ connectionString: url, max: POOL_SIZE, options: `-c search_path=${schema}` });
  const auth = betterAuth({
    baseURL: 'http://127.0.0.1',
    secret: 'a-secret-for-the-bench-only-0123456789-abcdef',
    database: pool,
    telemetry: { enabled: false },
    rateLimit: { enabled: false },
    advanced: { disableCSRFCheck: true },
    plugins: [
      phoneNumber({
        sendOTP: ({ phoneNumber: phone, code }) => void codes.set(phone, code),
        signUpOnVerification: { getTempEmail: (phone) => `${phone.slice(1)}@bench.example` },
      }),
    ],
  });
  await (await getMigrations(auth.options)).runMigrations();
  return { auth, pool, codes, close: () => pool.end() };
}

/** Sends every code, then checks every one, without an account. */
export const consumeTurn = ({ auth, codes }) =>
  turn(auth, (body) => auth.api.consumePhoneNumberOTP({ body: { ...body, code: codes.get(body.phoneNumber) } }));

/** Sends every code, then checks every one and creates its account and session. */
export const signUpTurn = ({ auth, codes }) =>
  turn(auth, (body) => auth.api.verifyPhoneNumber({ body: { ...body, code: codes.get(body.phoneNumber) } }));

const turn = (auth, verify) => (count) => {
  const bodies = Array.from({ length: count }, () => ({ phoneNumber: newPhone() }));
  return timed(async () => {
    await inFlight(bodies, (body) => auth.api.sendPhoneNumberOTP({ body }));
    await inFlight(bodies, async (body) => {
      const { status } = await verify(body);
      if (status !== true) throw new Error('better-auth refused a code');
    });
  });
};
