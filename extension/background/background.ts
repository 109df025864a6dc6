/**
 * Opens the panel when the toolbar's button is clicked, in a side panel where the browser has one (Chrome, Edge), else in its
 * sidebar (Firefox), and tells a panel that is open already which tab it was clicked in. Nothing else.
 *
 * The click is what lets us into the tab (`activeTab`). Both browsers open a panel only as the first thing done in answer to
 * a click, so nothing is awaited before; and Chrome's own "open on click" is left off, for it grants no `activeTab`.
 */
import type { Browser, Tabs } from 'webextension-polyfill';

/** What every page of ours is told by `runtime.onMessage`. */
export interface Clicked {
  /** Id of the tab that the browser lets us into from now on. */
  readonly clickedIn: number;
  /** Id of its window, which has a panel of its own. */
  readonly inWindow: number;
}

/** What of Chrome's side panel is used: the types are Firefox's and do not know it. */
interface SidePanelBrowser extends Browser {
  readonly sidePanel?: { open(options: { windowId: number }): Promise<void> };
}

const world = globalThis as typeof globalThis & { browser?: SidePanelBrowser; chrome?: SidePanelBrowser };
const api = (world.browser ?? world.chrome) as SidePanelBrowser;

api.action.onClicked.addListener(({ id, windowId }: Tabs.Tab) => {
  const opened = api.sidePanel && windowId !== undefined ? api.sidePanel.open({ windowId }) : api.sidebarAction.open();
  if (id !== undefined && windowId !== undefined) {
    const clicked: Clicked = { clickedIn: id, inWindow: windowId };
    // Where no panel was open nobody hears it, which is no failure: the one that opens now asks by itself.
    api.runtime.sendMessage(clicked).catch(() => {});
  }
  return opened;
});
