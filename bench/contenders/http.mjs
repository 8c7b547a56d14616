import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';

import { Body, Controller, Inject, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { toNodeHandler } from 'better-auth/node';

import { IN_FLIGHT, newAddress, newPhone } from '../support.mjs';
import { BASELINE, newBaselineRow } from './baseline.mjs';

/** Both run behind a proxy on this machine, which the load imitates: each request comes from its own address. */
export const ADAPTERS = {
  Express: () => {
    const adapter = new ExpressAdapter();
    adapter.set('trust proxy', '127.0.0.1');
    return adapter;
  },
  Fastify: () => new FastifyAdapter({ trustProxy: '127.0.0.1' }),
};

/** @returns a function that makes a listening application from a module */
export const listening = (adapter) => async (module, logger) => {
  const app = await NestFactory.create(module, adapter, { logger });
  await app.listen(0, '127.0.0.1');
  return app;
};

/** A Nest application with two routes that run the baseline's statements and nothing else. */
export async function bareApp(pool, adapter) {
  class Bare {
    constructor(connections) {
      this.pool = connections;
    }
    async start({ id, phone, mac }) {
      await this.pool.query(BASELINE.insert, [id, phone, Buffer.from(mac, 'base64')]);
      return { id };
    }
    async verify({ id, mac }) {
      const { rows } = await this.pool.query(BASELINE.update, [id, Buffer.from(mac, 'base64')]);
      return { phone: rows[0].phone };
    }
  }
  const handler = (name) => {
    Post(name)(Bare.prototype, name, Object.getOwnPropertyDescriptor(Bare.prototype, name));
    Body()(Bare.prototype, name, 0);
  };
  handler('start');
  handler('verify');
  Inject('pool')(Bare, undefined, 0);
  Controller('bare')(Bare);

  class App {}
  Module({ controllers: [Bare], providers: [{ provide: 'pool', useValue: pool }] })(App);
  return listening(adapter)(App, ['error', 'warn']);
}

/** better-auth's routes on plain node:http. */
export async function betterAuthServer(auth) {
  const handle = toNodeHandler(auth);
  const server = createServer((request, response) => void handle(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/**
 * The load: a separate process that sends requests over kept-alive connections, with the same concurrency as in
 * process.
 */
export async function startLoad() {
  const child = fork(new URL('../children/load.mjs', import.meta.url));
  await once(child, 'message');
  return {
    /** @returns {Promise<{ ms: number, answers: object[] }>} the bodies of the answers, in the order of the requests */
    async send(origin, requests) {
      child.send({ origin, requests, inFlight: IN_FLIGHT });
      const [{ error, ...result }] = await once(child, 'message');
      if (error) throw new Error(error);
      return result;
    },
    stop: async () => child.kill(),
  };
}

const post = (path, body) => ({ path, body: JSON.stringify(body), address: newAddress() });

export function bareTurn(load, origin) {
  return async (count) => {
    const rows = Array.from({ length: count }, newBaselineRow).map((row) => ({
      ...row,
      mac: row.mac.toString('base64'),
    }));
    const started = await load.send(
      origin,
      rows.map((row) => post('/bare/start', row)),
    );
    const verified = await load.send(
      origin,
      rows.map(({ id, mac }) => post('/bare/verify', { id, mac })),
    );
    return started.ms + verified.ms;
  };
}

export function routesTurn(load, origin, outbox) {
  const purpose = 'registration';
  return async (count) => {
    const phones = Array.from({ length: count }, newPhone);
    const started = await load.send(
      origin,
      phones.map((phone) => post('/otp/start', { phone, purpose })),
    );
    const verified = await load.send(
      origin,
      started.answers.map(({ challenge }, index) =>
        post('/otp/verify', { challenge, purpose, code: outbox.take(phones[index]) }),
      ),
    );
    return started.ms + verified.ms;
  };
}

/** Accounts already exist and no session is created: the minimum work of its verify route. */
export function betterAuthTurn(load, origin, { codes, pool }) {
  return async (count) => {
    const phones = Array.from({ length: count }, newPhone);
    await pool.query(
      `INSERT INTO "user" (id, name, email, "emailVerified", "createdAt", "updatedAt", "phoneNumber")
       SELECT p, p, p || '@bench.example', false, now(), now(), p FROM unnest($1::text[]) p`,
      [phones],
    );
    const started = await load.send(
      origin,
      phones.map((phoneNumber) => post('/api/auth/phone-number/send-otp', { phoneNumber })),
    );
    const verified = await load.send(
      origin,
      phones.map((phoneNumber) =>
        post('/api/auth/phone-number/verify', { phoneNumber, code: codes.get(phoneNumber), disableSession: true }),
      ),
    );
    return started.ms + verified.ms;
  };
}
