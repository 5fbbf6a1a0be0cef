// The story of the demo in headless Chromium: keepsake with config/demo.yaml in front of demo-backend.

import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, afterEach, test } from 'node:test';

import { chromium } from 'playwright-core';

import { faults, launch, looks } from './chromium.mjs';
import {
  freePort, freshFolder, newSecret, root, startBackend, startKeepsake, stopAll,
} from './programs.mjs';

const script = '<script>alert(1)</script>';
const out = join(root, 'tests/browser/out');

let browser;
let backend;
let keepsake;
let ports;
let site;
const secret = newSecret();
before(async () => {
  mkdirSync(out, { recursive: true });
  ports = { backend: await freePort(), keepsake: await freePort() };
  backend = await startBackend(ports.backend);
  keepsake = await startKeepsake({ port: ports.keepsake, backendPort: ports.backend, secret });
  site = `http://127.0.0.1:${ports.keepsake}`;
  browser = await chromium.launch(launch);
});
after(async () => {
  await browser?.close();
  await stopAll();
});

// One profile per test, and nothing may pop up in it or go wrong in its console.
let context;
let page;
const complaints = [];
async function newPage(options = {}) {
  const profile = await browser.newContext({ reducedMotion: 'reduce', ...options });
  const tab = await profile.newPage();
  tab.setDefaultTimeout(60_000);
  tab.on('dialog', (dialog) => { complaints.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  tab.on('pageerror', (error) => complaints.push(`error: ${error.message}`));
  tab.on('console', (message) => {
    // A refusal is in the console too, and the tests look at its status themselves.
    if (message.type() === 'error' && !/Failed to load resource|favicon/.test(message.text())) {
      complaints.push(`console: ${message.text()}`);
    }
  });
  return tab;
}
beforeEach(async () => {
  complaints.length = 0;
  page = await newPage();
  context = page.context();
});
afterEach(async () => {
  await Promise.all(browser.contexts().map((profile) => profile.close()));
  assert.deepEqual(complaints, []);
});

async function enter(tab, name, address = site) {
  await tab.goto(`${address}/`);
  await submit(tab, name);
}
async function submit(tab, name) {
  await tab.getByLabel('Your name').fill(name);
  const [answer] = await Promise.all([
    tab.waitForResponse((response) => response.url().endsWith('/setName')),
    tab.waitForNavigation(),
    tab.getByRole('button', { name: 'Submit' }).click(),
  ]);
  return answer;
}
const shownName = (tab) => tab.evaluate(() => document.querySelector('h1')?.textContent ?? null);

test('a name that was typed is the heading, and stays after a reload', async () => {
  await page.goto(`${site}/`);
  assert.equal(await shownName(page), null);
  const answer = await submit(page, 'Ada Lovelace');
  assert.equal(answer.status(), 303);
  assert.equal(page.url(), `${site}/`);
  assert.equal(await shownName(page), 'Ada Lovelace');
  await page.reload();
  assert.equal(await shownName(page), 'Ada Lovelace');
  const other = await context.newPage();
  await other.goto(`${site}/?anything`);
  assert.equal(await shownName(other), 'Ada Lovelace');
});

test('Enter submits as the button does, and a later name replaces the first', async () => {
  await enter(page, 'Ada');
  await page.getByLabel('Your name').fill('Grace');
  await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
  assert.equal(await shownName(page), 'Grace');
});

test('a second profile sees no name', async () => {
  await enter(page, 'Ada');
  const stranger = await newPage();
  await stranger.goto(`${site}/`);
  assert.equal(await shownName(stranger), null);
  await submit(stranger, 'Grace');
  await page.reload();
  assert.equal(await shownName(page), 'Ada');
  assert.equal(await shownName(stranger), 'Grace');
});

test('the name is gone when the browser was quit, in the same profile', async () => {
  const folder = freshFolder();
  const visit = async (act) => {
    const profile = await chromium.launchPersistentContext(folder, launch);
    try {
      const tab = await profile.newPage();
      await tab.goto(`${site}/`);
      await tab.evaluate(() => { document.cookie = 'witness=here; Max-Age=3600; Path=/'; });
      return await act(tab, profile);
    } finally {
      await profile.close();
    }
  };
  await visit(async (tab) => {
    await submit(tab, 'Ada');
    assert.equal(await shownName(tab), 'Ada');
  });
  const profile = await chromium.launchPersistentContext(folder, launch);
  try {
    // The profile is the same one: what was to stay has stayed.
    const names = (await profile.cookies(site)).map((cookie) => cookie.name);
    assert.deepEqual(names, ['witness']);
    const tab = await profile.newPage();
    await tab.goto(`${site}/`);
    assert.equal(await shownName(tab), null);
  } finally {
    await profile.close();
  }
});

test('Reset forgets the name', async () => {
  await enter(page, 'Ada');
  await Promise.all([page.waitForNavigation(), page.getByRole('button', { name: 'Reset' }).click()]);
  assert.equal(page.url(), `${site}/`);
  assert.equal(await shownName(page), null);
  assert.deepEqual(await context.cookies(), []);
  await page.reload();
  assert.equal(await shownName(page), null);
});

test('an empty name forgets too', async () => {
  await enter(page, 'Ada');
  await submit(page, '');
  assert.equal(await shownName(page), null);
  assert.deepEqual(await context.cookies(), []);
});

for (const [what, name] of [
  ['a script', script],
  ['an emoji and a diaeresis', 'Zoë 🎉'],
  ['a quote, an ampersand and an umlaut', 'O\'Brien & Söhne'],
  ['256 bytes of ASCII', 'a'.repeat(256)],
  ['256 bytes of emoji', '🎉'.repeat(64)],
  ['percent signs and pluses', '100% +1 %41 %zz a+b'],
  ['spaces around and between', '  a  b  '],
  ['right-to-left text', 'שלום עולם'],
  ['a header in disguise', 'x; session=evil, X-Session-Name: root'],
  ['an entity', '&lt;b&gt; &amp;amp;'],
]) {
  test(`${what} shows as typed, as text`, async () => {
    await enter(page, name);
    assert.equal(await shownName(page), name);
    assert.equal(await page.locator('h1 *').count(), 0);
    await page.reload();
    assert.equal(await shownName(page), name);
  });
}

test('257 bytes of name are refused, and the old name stands', async () => {
  await enter(page, 'Ada');
  const answer = await submit(page, 'a'.repeat(257));
  assert.equal(answer.status(), 413);
  await page.goto(`${site}/`);
  assert.equal(await shownName(page), 'Ada');
});

test('the cookie is a session cookie that scripts cannot read and that says nothing', async () => {
  await enter(page, 'Ada Lovelace');
  const [cookie, ...others] = await context.cookies();
  assert.equal(others.length, 0);
  assert.equal(cookie.name, 'session');
  assert.equal(cookie.expires, -1);
  assert.equal(cookie.httpOnly, true);
  assert.equal(cookie.sameSite, 'Lax');
  assert.equal(cookie.path, '/');
  assert.equal(await page.evaluate(() => document.cookie), '');
  for (const form of ['latin1', 'base64', 'base64url', 'hex']) {
    const readable = Buffer.from(cookie.value, form).toString('latin1');
    assert.ok(!/Ada|Lovelace|myName/.test(readable), form);
  }
});

test('a garbled cookie is an anonymous visitor, who can begin anew', async () => {
  await enter(page, 'Ada');
  const [cookie] = await context.cookies();
  const middle = cookie.value.length >> 1;
  const other = cookie.value[middle] === 'A' ? 'B' : 'A';
  const value = cookie.value.slice(0, middle) + other + cookie.value.slice(middle + 1);
  await context.addCookies([{ ...cookie, value }]);
  const answer = await page.goto(`${site}/`);
  assert.equal(answer.status(), 200);
  assert.equal(await shownName(page), null);
  await submit(page, 'Grace');
  assert.equal(await shownName(page), 'Grace');
});

test('nothing is forgotten when the backend is killed and started again', async () => {
  await enter(page, 'Ada');
  assert.equal(await backend.stop('SIGKILL'), 'SIGKILL');
  const answer = await page.goto(`${site}/`);
  assert.equal(answer.status(), 502);
  backend = await startBackend(ports.backend);
  await page.reload();
  assert.equal(await shownName(page), 'Ada');
});

test('a name can be given while the backend is away', async () => {
  await page.goto(`${site}/`);
  await backend.stop('SIGKILL');
  await submit(page, 'Ada');
  backend = await startBackend(ports.backend);
  await page.goto(`${site}/`);
  assert.equal(await shownName(page), 'Ada');
});

test('two keepsakes with one secret serve the same visitor; another secret knows nobody', async () => {
  const start = async (key) => {
    const port = await freePort();
    return [await startKeepsake({ port, backendPort: ports.backend, secret: key }), `http://127.0.0.1:${port}`];
  };
  const [twin, twinSite] = await start(secret);
  const [foreign, foreignSite] = await start(newSecret());
  await enter(page, 'Ada');
  await page.goto(`${twinSite}/`);
  assert.equal(await shownName(page), 'Ada');
  await submit(page, 'Grace');
  await page.goto(`${site}/`);
  assert.equal(await shownName(page), 'Grace');
  // A browser sends one host's cookies to all of its ports, so this one gets the cookie too.
  const stranger = await newPage();
  await stranger.context().addCookies(await context.cookies());
  await stranger.goto(`${foreignSite}/`);
  assert.equal(await shownName(stranger), null);
  await Promise.all([twin.stop(), foreign.stop()]);
});

test('nothing is forgotten when keepsake is killed and started again', async () => {
  await enter(page, 'Ada');
  await keepsake.stop('SIGKILL');
  keepsake = await startKeepsake({ port: ports.keepsake, backendPort: ports.backend, secret });
  await page.reload();
  assert.equal(await shownName(page), 'Ada');
});

test('without JavaScript everything but the Reset button works', async () => {
  const plain = await newPage({ javaScriptEnabled: false });
  const heading = () => plain.locator('h1').textContent();
  await enter(plain, 'Zoë 🎉');
  assert.equal(await heading(), 'Zoë 🎉');
  await plain.reload();
  assert.equal(await heading(), 'Zoë 🎉');
  await plain.goto(`${site}/reset`);
  assert.equal(plain.url(), `${site}/`);
  assert.equal(await plain.locator('h1').count(), 0);
});

test('another site can neither set nor clear the name', async () => {
  await enter(page, 'Ada');
  // The same address under another name is another site to the browser.
  const evil = site.replace('127.0.0.1', 'localhost');
  for (const [method, path] of [['post', '/setName'], ['get', '/reset'], ['post', '/reset']]) {
    await page.route(`${evil}/trap`, (route) => route.fulfill({
      contentType: 'text/html',
      body: `<form method="${method}" action="${site}${path}"><input name="name" value="Mallory">` +
        '<button>Win a prize</button></form>',
    }));
    await page.goto(`${evil}/trap`);
    const [answer] = await Promise.all([
      page.waitForResponse((response) => response.url().startsWith(site + path)),
      page.getByRole('button').click(),
    ]);
    assert.equal(answer.status(), 403, `${method} ${path}`);
    await page.unroute(`${evil}/trap`);
    await page.goto(`${site}/`);
    assert.equal(await shownName(page), 'Ada');
  }
});

test('events and a WebSocket come through', async () => {
  // A page without the form's content security policy, which lets scripts connect to nothing.
  await page.goto(`${site}/headers`);
  const ticks = await page.evaluate(() => new Promise((resolve, reject) => {
    const source = new EventSource('/events?interval=20');
    const seen = [];
    source.onerror = () => reject(new Error('the stream broke'));
    source.addEventListener('tick', (event) => {
      seen.push(event.data);
      if (seen.length === 3) { source.close(); resolve(seen); }
    });
  }));
  assert.deepEqual(ticks, ['1', '2', '3']);
  const echo = await page.evaluate(() => new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://${location.host}/websocket`);
    const seen = [];
    const sent = ['Zoë 🎉', 'x'.repeat(200_000)];
    socket.onerror = () => reject(new Error('the socket broke'));
    socket.onopen = () => sent.forEach((text) => socket.send(text));
    socket.onmessage = (event) => {
      seen.push(event.data === sent[seen.length]);
      if (seen.length === 2) { socket.close(1000); }
    };
    socket.onclose = (event) => resolve({ seen, code: event.code });
  }));
  assert.deepEqual(echo, { seen: [true, true], code: 1000 });
});

test('the backend sees the name percent-encoded and no cookie of the session', async () => {
  await enter(page, 'Zoë');
  await context.addCookies([{ name: 'theme', value: 'dark', url: site }]);
  await page.goto(`${site}/headers`);
  const { headers } = JSON.parse(await page.evaluate(() => document.body.innerText));
  const named = (name) => headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value);
  assert.deepEqual(named('x-session-name'), ['Zo%C3%AB']);
  assert.deepEqual(named('cookie'), ['theme=dark']);
});

for (const [name, look] of looks) {
  test(`the page is accessible: ${name}`, async () => {
    const tab = await newPage(look);
    for (const given of [null, 'Zoë 🎉']) {
      await tab.goto(`${site}/`);
      if (given) { await submit(tab, given); }
      assert.deepEqual(await faults(tab), []);
    }
    // A long name without a space must not push the page sideways.
    await submit(tab, 'w'.repeat(256));
    assert.deepEqual(await faults(tab), []);
  });
}

test('the picture for the README is taken', async () => {
  const tab = await newPage({ viewport: { width: 880, height: 620 }, deviceScaleFactor: 2 });
  await enter(tab, 'Zoë 🎉');
  assert.equal(await shownName(tab), 'Zoë 🎉');
  const file = join(out, 'screenshot.png');
  const picture = await tab.screenshot({ path: file });
  assert.ok(picture.length > 10_000);
  if (process.env.UPDATE_SCREENSHOT === '1') {
    copyFileSync(file, join(root, 'demo-backend/screenshot.png'));
  }
});
