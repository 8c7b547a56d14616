import { randomBytes } from 'node:crypto';

/** The settings in the environment; all have defaults. */
export interface Settings {
  /** 127.0.0.1 by default: the inbox shows codes to anyone, so it stays on this machine. */
  host: string;
  port: number;
  /** The key that hashes codes. A new one per start is fine for a demo: pending codes end with the process. */
  pepper: string;
  /** Signs access tokens. A new one per start signs all customers out. */
  tokenSecret: string;
}

export class SettingsError extends Error {}

export function readSettings(env: NodeJS.ProcessEnv): Settings {
  return {
    host: env.HOST || '127.0.0.1',
    port: readPort(env.PORT || '3000'),
    pepper: env.OTP_PEPPER || newSecret(),
    tokenSecret: readTokenSecret(env.TOKEN_SECRET || newSecret()),
  };
}

function readPort(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) < 65_536) return Number(text);
  throw new SettingsError('PORT must be a number from 0 to 65535; 0 chooses a free port.');
}

function readTokenSecret(secret: string): string {
  if (Buffer.byteLength(secret) >= 32) return secret;
  throw new SettingsError('TOKEN_SECRET must have at least 32 bytes: use the output of "openssl rand -base64 48".');
}

function newSecret(): string {
  return randomBytes(48).toString('base64');
}
