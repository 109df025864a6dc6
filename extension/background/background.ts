/**
 * Opens the panel when the toolbar's button is clicked, and nothing else: in a side panel where the browser has one (Chrome,
 * Edge), else in its sidebar (Firefox).
 *
 * The click is what lets us into the tab (`activeTab`). Both browsers open a panel only as the first thing done in answer to
 * a click, so nothing is awaited before; and Chrome's own "open on click" is left off, for it grants no `activeTab`.
 */
import type { Browser, Tabs } from 'webextension-polyfill';

/** What of Chrome's side panel is used: the types are Firefox's and do not know it. */
interface SidePanelBrowser extends Browser {
  readonly sidePanel?: { open(options: { windowId: number }): Promise<void> };
}

const world = globalThis as typeof globalThis & { browser?: SidePanelBrowser; chrome?: SidePanelBrowser };
const api = (world.browser ?? world.chrome) as SidePanelBrowser;

api.action.onClicked.addListener((tab: Tabs.Tab) => {
  if (!api.sidePanel) return api.sidebarAction.toggle();
  if (tab.windowId !== undefined) return api.sidePanel.open({ windowId: tab.windowId });
});
