// The load of the HTTP measurements, in its own process.
import { once } from 'node:events';
import http from 'node:http';

import { inFlight, timed } from '../support.mjs';

const agents = new Map();

process.on('message', ({ origin, requests, inFlight: width }) => {
  let answers;
  timed(async () => {
    answers = await inFlight(requests, (request) => send(origin, request, width), width);
  }).then(
    (ms) => process.send({ ms, answers }),
    (error) => process.send({ error: error.message }),
  );
});
process.once('disconnect', () => process.exit());
process.send('ready');

async function send(origin, { path, body, address, headers }, connections) {
  if (!agents.has(origin)) agents.set(origin, new http.Agent({ keepAlive: true, maxSockets: connections }));
  const request = http.request(origin + path, {
    method: 'POST',
    agent: agents.get(origin),
    headers: {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      'x-forwarded-for': address,
      ...headers,
    },
  });
  request.end(body);
  const [response] = await once(request, 'response');
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  if (response.statusCode >= 300) throw new Error(`${path} answered ${response.statusCode}: ${text}`);
  return JSON.parse(text);
}
