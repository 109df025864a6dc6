/**
 * The entry of the panel page: puts the browser, the helper and the store together, and draws the state.
 *
 * The panel works with the tab whose number its address carries (`?tab=7`: a panel opened as a tab), else with the tab in
 * front of it when it was opened.
 */
import { render } from 'preact';
import { useEffect, useLayoutEffect, useState } from 'preact/hooks';
import browser from 'webextension-polyfill';
import { KernelFusionError } from '../../shared/errors.ts';
import type { Clicked } from '../background/background.ts';
import { App } from './components/app.tsx';
import { Notice } from './components/notice.tsx';
import { createEditorLink } from './editor-link.ts';
import { connectHelper, knock, pairWithHelper } from './helper-client.ts';
import { openRecords } from './records.ts';
import { failureOf, openStore, type Store } from './store.ts';
import { STRINGS } from './strings.ts';

const told = new URLSearchParams(location.search).get('tab');

async function tab(): Promise<number> {
  if (told !== null) return Number(told);
  const [front] = await browser.tabs.query({ active: true, currentWindow: true });
  if (front?.id === undefined) throw new KernelFusionError('NO_EDITOR', 'There is no tab to work with.');
  return front.id;
}

/** Milliseconds between looks at the active layer while the panel is seen. */
const LOOK = 2500;

function Panel({ store }: { readonly store: Store }) {
  const [state, show] = useState(store.state());
  useLayoutEffect(() => {
    const draw = () => show(store.state());
    draw(); // What has changed since the first drawing.
    return store.subscribe(draw);
  }, [store]);
  useEffect(() => {
    const look = () => {
      const { editor, work } = store.state();
      // Photopea runs a script of ours for each look, which a person may notice: there only a return to the panel counts.
      if (document.visibilityState === 'visible' && editor.is === 'ready' && work.is === 'idle')
        store.actions.refresh();
    };
    const timer = setInterval(() => {
      const { editor } = store.state();
      if (editor.is === 'ready' && editor.name !== 'photopea') look();
    }, LOOK);
    window.addEventListener('focus', look);
    return () => {
      clearInterval(timer);
      window.removeEventListener('focus', look);
    };
  }, [store]);
  return <App state={state} actions={store.actions} />;
}

async function open(place: HTMLElement): Promise<void> {
  const store = await openStore({
    storage: browser.storage.local,
    records: await openRecords(),
    locks: navigator.locks,
    link: createEditorLink(browser),
    helper: { connect: connectHelper, knock, pair: pairWithHelper },
    tab,
    allow: (origin) => browser.permissions.request({ origins: [origin] }),
    client: `panel ${browser.runtime.getManifest().version}`,
  });
  const { id: here } = await browser.windows.getCurrent();
  browser.runtime.onMessage.addListener((message: unknown) => {
    const { clickedIn, inWindow } = message as Partial<Clicked>;
    const isForUs = told === null ? inWindow === here : clickedIn === Number(told);
    if (typeof clickedIn === 'number' && isForUs) store.clickedIn(clickedIn);
  });
  render(<Panel store={store} />, place);
}

const place = document.getElementById('panel') as HTMLElement;
open(place).catch((error) => render(<Notice title={STRINGS.notOpened} failure={failureOf(error)} />, place));
