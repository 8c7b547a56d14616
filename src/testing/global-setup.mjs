import { postgresFor } from './postgres.mjs';

/**
 * `globalSetup` of Jest and of Vitest: a PostgreSQL for the whole run, whose URL is in `DATABASE_URL`. Without one in the
 * environment an embedded one is started, which ends with the run, however that ends.
 * @example globalSetup: 'nestjs-phone-otp/testing/global-setup'
 * @returns {Promise<() => Promise<void>>} the tear-down, for Vitest
 */
export default async function globalSetup() {
  const { url, stop } = await postgresFor(process.env);
  process.env.DATABASE_URL = url;
  return stop;
}
