import { createRequire } from 'node:module';

import { OtpConfigError } from '../errors/otp.error.js';

const require = createRequire(import.meta.url);

/**
 * An optional peer that only this entry needs. With `import`, an application without it would see Node's error instead of one that says
 * what to install.
 * @throws {@link OtpConfigError} with the command that installs it
 */
export function requirePeer<Module>(name: string): Module {
  try {
    return require(name) as Module;
  } catch (error) {
    if ((error as { code?: string }).code !== 'MODULE_NOT_FOUND') throw error;
    throw new OtpConfigError(
      `"nestjs-phone-otp/routes" needs "${name}": run "npm install @nestjs/throttler class-validator class-transformer".`,
    );
  }
}
