import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bundled } from '../../doubles/photopea/site.ts';

type Click = (tab: { id?: number; windowId?: number }) => unknown;

/** Runs the background with a browser's interface of which nothing is there but `more`; returns its answer to a click. */
async function clickIn(name: 'browser' | 'chrome', more: object, called: unknown[][]): Promise<Click> {
  const { text } = await bundled('extension/background/background.ts');
  const listeners: { click?: Click } = {};
  const api = {
    action: { onClicked: { addListener: (listener: Click) => Object.assign(listeners, { click: listener }) } },
    runtime: {
      sendMessage(message: unknown) {
        called.push(['sendMessage', message]);
        return Promise.reject(new Error('Could not establish connection. Receiving end does not exist.'));
      },
    },
    ...more,
  };
  new Function('globalThis', text)({ [name]: api });
  assert.ok(listeners.click, 'nothing listens to the click');
  return listeners.click;
}

test('a click opens Chrome’s side panel before anything else, and tells an open panel the tab', async () => {
  const called: unknown[][] = [];
  const sidePanel = { open: (options: unknown) => called.push(['open', options]) };
  const click = await clickIn('chrome', { sidePanel }, called);
  click({ id: 7, windowId: 3 });
  assert.deepEqual(called, [
    ['open', { windowId: 3 }],
    ['sendMessage', { clickedIn: 7, inWindow: 3 }],
  ]);
});

test('a click opens Firefox’s sidebar, and does not close it when it is open', async () => {
  const called: unknown[][] = [];
  const sidebarAction = { open: () => called.push(['open']), toggle: () => called.push(['toggle']) };
  const click = await clickIn('browser', { sidebarAction }, called);
  click({ id: 8, windowId: 3 });
  assert.deepEqual(called, [['open'], ['sendMessage', { clickedIn: 8, inWindow: 3 }]]);
});
