import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { AddressInfo } from 'node:net';
import { OtpConfigError } from 'nestjs-phone-otp';
import { postgresFor } from 'nestjs-phone-otp/testing';

import { AppModule } from './app.module.js';
import { mountDocs } from './docs.js';
import { readSettings, SettingsError } from './settings.js';
import { mountPage } from './static-page.js';
import { setUpHttp } from './strict-http.js';
import { Vendors } from './vendors.js';

async function main(): Promise<void> {
  const settings = readSettings(process.env);
  const vendors = await Vendors.open(process.env);
  const postgres = await postgresFor(process.env);
  const close = async () => {
    await vendors.close();
    await postgres.stop();
  };
  try {
    const app = await NestFactory.create<NestExpressApplication>(AppModule.forRoot(postgres.url, settings, vendors), {
      abortOnError: false,
      logger: ['warn', 'error'],
      bodyParser: false, // setUpHttp adds a parser with a size limit
      forceCloseConnections: true,
    });
    setUpHttp(app);
    mountDocs(app);
    await mountPage(app);
    await app.listen(settings.port, settings.host);
    app.useLogger(['debug', 'log', 'warn', 'error']); // from here on: what happens to codes
    endWith(async () => {
      await app.close();
      await close();
    });
    welcome((app.getHttpServer().address() as AddressInfo).port, vendors);
  } catch (error) {
    await close();
    throw error;
  }
}

function welcome(port: number, vendors: Vendors): void {
  const url = `http://localhost:${port}`;
  process.stdout.write(`
Demo Bank is open:  ${url}
Its API, to try:    ${url}/docs
Its vendor:         ${vendors.about}
${weaknesses(vendors)}
To begin with:
  curl -s ${url}/otp/start -H 'Content-Type: application/json' -d '{"phone":"0512345678","purpose":"registration"}'

The message then appears in ${url}/demo/inbox, and the traffic with the vendor in ${url}/demo/wire

`);
}

/** Weaknesses of a vendor that the demo accepts by option and a bank should not. */
function weaknesses({ provider: { mode, capabilities } }: Vendors): string {
  const short =
    mode !== 'delivery' && capabilities.codeLength !== 'unknown' && [capabilities.codeLength].flat()[0]! < 6;
  const accepted = [
    ...(short ? ['"acceptShortCodes": codes with fewer than 6 digits'] : []),
    ...(capabilities.fixedText ? ['"acceptFixedText": a text that names neither amount nor payee'] : []),
  ];
  return accepted.map((what) => `Accepted for the demo: ${what}\n`).join('');
}

/** Shuts down once, in order, on a signal or when npm ends. */
function endWith(close: () => Promise<void>): void {
  let ending = false;
  const end = () => {
    if (ending) return;
    ending = true;
    close().then(() => process.exit(0), fail);
  };
  process.once('SIGINT', end).once('SIGTERM', end);

  // npm passes a SIGTERM to its shell, which ends without notifying this process: a new parent is the only sign.
  const parent = process.ppid;
  if (process.env.npm_lifecycle_event) setInterval(() => process.ppid !== parent && end(), 250).unref();
}

function fail(error: unknown): void {
  const { code, port, message, stack } = error as NodeJS.ErrnoException & { port?: number };
  const sentence =
    code === 'EADDRINUSE'
      ? `Port ${port} is taken. Stop the process that uses it, or choose another port: PORT=${Number(port) + 1} npm start`
      : error instanceof SettingsError || error instanceof OtpConfigError
        ? message
        : stack;
  process.stderr.write(`\nDemo Bank did not open. ${sentence}\n`);
  process.exit(1);
}

main().catch(fail);
