// The pages of errors that Keepsake answers itself, in headless Chromium: on a phone and a desktop, light and dark.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { chromium } from 'playwright-core';

import { faults, launch, looks } from './chromium.mjs';
import { freePort, newSecret, startBackend, startDemo, startKeepsakeWith, stopAll } from './programs.mjs';

let browser;
let site;
let demo;
before(async () => {
  const [port, demoPort, backendPort, nobody] = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
  await startBackend(backendPort);
  // Nobody listens at the store's port either: a form that is fine cannot be kept.
  await startKeepsakeWith(`
listen: [{address: "127.0.0.1:${port}"}]
backends:
  app: {servers: ["http://127.0.0.1:${backendPort}"]}
  nobody: {servers: ["http://127.0.0.1:${nobody}"]}
routes:
  - {path: /setName, set: {myName: name}, redirect: /headers}
  - {path: /headers, backend: app}
  - {path: /slow, backend: app, timeouts: {response: 100ms}}
  - {path: /nobody, backend: nobody}
  - {path: /denied, backend: app, deny: [127.0.0.0/8]}
  - {path: /rare, backend: app, rate_limit: {per: client, requests: 1, every: 1h, burst: 1}}
session:
  secrets: [{env: SESSION_KEY}]
  store: redis
  redis: {url: "redis://127.0.0.1:${nobody}/0"}
log: {access: false}
`, port, newSecret());
  await startDemo(demoPort);
  site = `http://127.0.0.1:${port}`;
  demo = `http://127.0.0.1:${demoPort}`;
  browser = await chromium.launch(launch);
});
after(async () => {
  await browser?.close();
  await stopAll();
});

const open = (path) => (tab, address) => tab.goto(address + path);

// Submits a form from a page of the same site that lets scripts put one there.
const submit = (path, fields) => async (tab, address) => {
  await tab.goto(`${address}/headers`);
  const [answer] = await Promise.all([
    tab.waitForNavigation(),
    tab.evaluate(([action, entries]) => {
      const form = document.createElement('form');
      Object.assign(form, { method: 'post', action });
      for (const [name, value] of Object.entries(entries)) {
        form.append(Object.assign(document.createElement('input'), { name, value }));
      }
      document.body.append(form);
      form.submit();
    }, [path, fields]),
  ]);
  return answer;
};

const twice = (path) => async (tab, address) => {
  await tab.goto(address + path);
  return tab.goto(address + path);
};

// Of one tab that turns from a phone to a desktop, from light to dark.
async function faultsOnEverything(tab) {
  const found = [];
  for (const [name, { colorScheme, viewport }] of looks) {
    await tab.setViewportSize(viewport);
    await tab.emulateMedia({ colorScheme });
    assert.equal(await tab.evaluate((scheme) => matchMedia(`(prefers-color-scheme: ${scheme})`).matches, colorScheme), true);
    found.push(...(await faults(tab)).map((fault) => `${name}: ${fault}`));
  }
  return found;
}

async function newTab() {
  const tab = await browser.newPage({ reducedMotion: 'reduce' });
  tab.setDefaultTimeout(60_000);
  return tab;
}

async function isAccessible(address, status, visit) {
  const tab = await newTab();
  const answer = await visit(tab, address);
  assert.equal(answer.status(), status);
  assert.equal(answer.headers()['content-type'], 'text/html; charset=utf-8');
  assert.match(await tab.locator('h1').textContent(), /\w/);
  assert.equal(await tab.locator('.status').textContent(), String(status));
  assert.match(await tab.locator('.id code').textContent(), /^[0-9a-f]{32}$/);
  assert.deepEqual(await faultsOnEverything(tab), []);
  await tab.close();
}

for (const [status, visit] of [
  [400, submit('/setName', { other: 'x' })],
  [403, open('/denied')],
  [404, open('/missing')],
  [405, open('/setName')],
  [413, submit('/setName', { name: 'w'.repeat(257) })],
  [429, twice('/rare')],
  [502, open('/nobody')],
  [503, submit('/setName', { name: 'Ada' })],
  [504, open('/slow?ms=600000')],
]) {
  test(`the page of a ${status} is accessible on a phone and a desktop, light and dark`, () =>
    isAccessible(site, status, visit));
}

for (const [status, visit] of [
  [400, submit('/setName', { other: 'x' })],
  [405, open('/setName')],
  [413, submit('/setName', { name: 'w'.repeat(257) })],
]) {
  test(`so is that of a ${status} of run --demo`, () => isAccessible(demo, status, visit));
}

test('so is the page of run --demo itself', async () => {
  const tab = await newTab();
  await tab.goto(`${demo}/`);
  assert.deepEqual(await faultsOnEverything(tab), []);
  await tab.close();
});
