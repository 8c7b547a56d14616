import cluster from 'node:cluster';
import { once } from 'node:events';

import { Module } from '@nestjs/common';
import { OtpModule } from 'nestjs-phone-otp';
import { postgresFor } from 'nestjs-phone-otp/testing';

import { database, Inbox, options, routes, serve, sms } from '../support/example.js';

@Module({ imports: [database, routes, OtpModule.forRoot(sms, options), Inbox] })
class AppModule {}

if (cluster.isWorker) {
  await serve(AppModule);
} else {
  const { url } = await postgresFor(process.env);
  const port = Number(process.env.PORT ?? 3000);
  // Start one after the other, since the first runs the migrations. They share only the database and the pepper.
  for (const PORT of [port, port + 1]) {
    await once(cluster.fork({ PORT, DATABASE_URL: url, OTP_PEPPER: options.pepper }), 'listening');
  }
}
