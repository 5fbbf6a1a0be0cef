// Signing in with headless Chromium: keepsake with config/examples/sign-in in front of its Flask backend.

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';

import { chromium } from 'playwright-core';

import { launch } from './chromium.mjs';
import { freePort, startSignIn, startSignInBackend, stopAll } from './programs.mjs';

const deep = '/account/orders?year=2024&q=a%20b';
const routes = `  - {path: /theme, set: {theme: theme}, redirect: back}
  - {path: "/staff/*", backend: app, require: {role: [admin]}, else: /login}
`;

let browser;
let site;
let otherSite;
before(async () => {
  const ports = { backend: await freePort(), keepsake: await freePort() };
  await startSignInBackend(ports.backend);
  await startSignIn({ port: ports.keepsake, backendPort: ports.backend, routes });
  site = `http://127.0.0.1:${ports.keepsake}`;
  otherSite = `http://localhost:${ports.keepsake}`;
  browser = await chromium.launch(launch);
});
after(async () => {
  await browser?.close();
  await stopAll();
});

let profile;
let page;
beforeEach(async () => {
  profile = await browser.newContext();
  page = await profile.newPage();
  page.setDefaultTimeout(60_000);
});
afterEach(() => profile.close());

async function fillIn(tab, password = 'correct horse') {
  await tab.getByLabel('Name').fill('ada');
  await tab.getByLabel('Password').fill(password);
  await Promise.all([tab.waitForNavigation(), tab.getByRole('button', { name: 'Sign in' }).click()]);
}

async function signIn(tab) {
  await tab.goto(`${site}/account`);
  await fillIn(tab);
}

const heading = (tab) => tab.locator('h1').textContent();
const cookieNames = async () => (await profile.cookies()).map(({ name }) => name).sort();

// What a script of the page gets: status and body, or how the browser refused.
const fetched = (tab, path, options = {}) => tab.evaluate(async ([url, init]) => {
  try {
    const response = await fetch(url, init);
    return { status: response.status, type: response.headers.get('Content-Type'), body: await response.text() };
  } catch (error) {
    return { error: error.message };
  }
}, [path, options]);

test('a deep link leads to the login page and back, query and all', async () => {
  await page.goto(site + deep);
  assert.equal(page.url(), `${site}/login`);
  assert.deepEqual(await cookieNames(), ['session-return']);
  const second = await profile.newPage();
  await second.goto(`${site}/`);
  await second.goto(`${site}/login`);
  await fillIn(page, 'wrong');
  assert.equal(await heading(page), 'Sign in');
  await fillIn(page);
  assert.equal(page.url(), site + deep);
  assert.equal(await heading(page), 'Hello ada');
  assert.deepEqual(await cookieNames(), ['session']);
  await second.goto(`${site}/account`);
  assert.equal(await heading(second), 'Hello ada');
});

test('the session gets a new id when its visitor signs in', async () => {
  await page.goto(`${site}/`);
  await fetched(page, '/theme', { method: 'POST', body: new URLSearchParams({ theme: 'dark' }).toString(),
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' } });
  const [planted] = await profile.cookies();
  await signIn(page);
  const mallory = await browser.newContext();
  await mallory.addCookies([planted]);
  const tab = await mallory.newPage();
  await tab.goto(`${site}/account`);
  assert.equal(tab.url(), `${site}/login`);
  await mallory.close();
});

test('the Back button shows nothing personal after the logout', async () => {
  await signIn(page);
  await page.goto(site + deep);
  assert.equal(await heading(page), 'Hello ada');
  await Promise.all([page.waitForNavigation(), page.getByRole('button', { name: 'Sign out' }).click()]);
  assert.equal(page.url(), `${site}/`);
  await page.goBack();
  assert.equal(page.url(), `${site}/login`);
  assert.equal(await page.getByText('Hello ada').count(), 0);
});

test('fetch gets a status and no page', async () => {
  await page.goto(`${site}/`);
  const stranger = await fetched(page, '/account/orders');
  assert.equal(stranger.status, 401);
  assert.equal(stranger.type, 'application/problem+json');
  assert.equal(JSON.parse(stranger.body).status, 401);
  assert.deepEqual(await cookieNames(), []);
  await signIn(page);
  assert.equal((await fetched(page, '/account/orders')).status, 200);
});

test('an image or a frame of the page leaves no way back', async () => {
  await page.goto(`${site}/`);
  await page.evaluate(() => new Promise((done) => {
    const image = new Image();
    image.onerror = done;
    image.src = '/account/image';
    document.body.append(image);
  }));
  await page.evaluate(() => new Promise((done) => {
    const frame = document.createElement('iframe');
    frame.onload = done;
    frame.src = '/account/frame';
    document.body.append(frame);
  }));
  assert.deepEqual(await cookieNames(), []);
});

test('scripts of the page read and write the session, those of other sites do not', async () => {
  await signIn(page);
  const json = { 'Content-Type': 'application/json', Accept: 'application/json' };
  const theme = JSON.stringify({ theme: 'dark' });
  assert.equal((await fetched(page, '/theme', { method: 'POST', headers: json, body: theme })).status, 204);
  assert.deepEqual(JSON.parse((await fetched(page, '/session')).body), { user: 'ada' });
  const foreign = await profile.newPage();
  await foreign.goto(`${otherSite}/`);
  assert.ok((await fetched(foreign, `${site}/session`, { credentials: 'include' })).error);
  const blind = { method: 'POST', mode: 'no-cors', credentials: 'include', body: new URLSearchParams({ user: 'ada', password: 'correct horse' }).toString(),
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' } };
  const [refused] = await Promise.all([
    foreign.waitForResponse((response) => response.url() === `${site}/login`),
    fetched(foreign, `${site}/login`, blind),
  ]);
  assert.equal(refused.status(), 403);
});

test('a form with redirect: back leads to the page that it was on', async () => {
  await page.goto(`${site}/login?from=menu`);
  await page.evaluate(() => {
    document.body.innerHTML = '<form method="post" action="/theme"><input name="theme" value="dark"><button>Set</button></form>';
  });
  await Promise.all([page.waitForNavigation(), page.getByRole('button', { name: 'Set' }).click()]);
  assert.equal(page.url(), `${site}/login?from=menu`);
});
