// @nestjs/throttler is CommonJS and requires Nest, which is ESM: Node can load that, Jest's module loader cannot (on
//   Node 20 and 22 not at all). Jest maps the package to this file, which evaluates its CommonJS sources with Jest's
//   own instance of Nest instead of what they require. Outside Jest the package itself is used.
import * as common from '@nestjs/common';
import * as core from '@nestjs/core';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const nest = { '@nestjs/common': common, '@nestjs/core': core };
const requireBuiltin = createRequire(import.meta.url);
const modules = new Map();

function load(file) {
  if (!modules.has(file)) {
    const module = { exports: {} };
    modules.set(file, module);
    const require = (id) =>
      nest[id] ?? (id.startsWith('.') ? load(path.resolve(path.dirname(file), `${id}.js`)) : requireBuiltin(id));
    // oxlint-disable-next-line typescript/no-implied-eval
    new Function('module', 'exports', 'require', readFileSync(file, 'utf8'))(module, module.exports, require);
  }
  return modules.get(file).exports;
}

// ESM needs every name spelled out; a spec that misses one says "does not provide an export named …".
export const {
  DEFAULT_IPV6_SUBNET_PREFIX,
  DEFAULT_SWEEP_INTERVAL,
  InjectThrottlerOptions,
  InjectThrottlerStorage,
  SkipThrottle,
  Throttle,
  ThrottlerException,
  ThrottlerGuard,
  ThrottlerModule,
  ThrottlerStorage,
  ThrottlerStorageService,
  days,
  getOptionsToken,
  getStorageToken,
  hours,
  minutes,
  normalizeIp,
  seconds,
  throttlerMessage,
  weeks,
} = load(path.resolve(import.meta.dirname, '../../node_modules/@nestjs/throttler/dist/index.js'));
