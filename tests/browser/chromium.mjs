// How the tests start Chromium, and what axe-core and the width of a page say about it.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

export const launch = {
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  headless: true,
  // Debian's package starts no sandbox for root, and tests in containers are root.
  chromiumSandbox: process.getuid() !== 0,
  args: ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'],
};

// What a page must be accessible on: name, and options of a profile.
export const looks = ['light', 'dark'].flatMap((colorScheme) => [
  [`${colorScheme}, phone`, { colorScheme, viewport: { width: 320, height: 568 } }],
  [`${colorScheme}, desktop`, { colorScheme, viewport: { width: 1280, height: 800 } }],
]);

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

// Everything that is wrong with the page that a tab shows.
export async function faults(tab) {
  await tab.evaluate(axe);
  const { violations, passes } = await tab.evaluate(() => axe.run(document));
  const found = violations.map(({ id, help, nodes }) => `${id}: ${help} (${nodes.map((n) => n.html)})`);
  // Without a colour that was looked at, nothing was looked at.
  if (!passes.some(({ id }) => id === 'color-contrast')) {
    found.push('axe-core has seen no text');
  }
  const [content, room] = await tab.evaluate(() => [
    document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  if (content > room) {
    found.push(`${content} px of page in ${room} px`);
  }
  return found;
}
