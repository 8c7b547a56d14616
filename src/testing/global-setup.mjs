import { postgresFor } from './postgres.mjs';

/**
 * The `globalSetup` of Jest and Vitest: one PostgreSQL for the whole run, with its URL in `DATABASE_URL`. If the
 * environment has no `DATABASE_URL`, an embedded server is started. It ends with the run, even if the run is killed.
 * @example globalSetup: 'nestjs-phone-otp/testing/global-setup'
 * @returns {Promise<() => Promise<void>>} the teardown, for Vitest
 */
export default async function globalSetup() {
  const { url, stop } = await postgresFor(process.env);
  process.env.DATABASE_URL = url;
  return stop;
}
