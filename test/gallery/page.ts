/** Runs in a page: draws a state of the panel with the panel's own components, when told to. */
import { h, render } from 'preact';
import { App } from '../../extension/panel/components/app.tsx';
import { Presets } from '../../extension/panel/components/presets.tsx';
import type { PanelActions } from '../../extension/panel/state.ts';
import { makeKernel } from '../../shared/kernel.ts';
import type { Sent } from './gallery.ts';
import { type Exhibit, everyState, longWords } from './states.ts';

/** Nothing happens when something is pressed. */
const actions = new Proxy({} as PanelActions, { get: () => () => {} });

const picture = ({ width, height, rgba }: Sent['original']) => ({
  ...{ width, height },
  rgba: Uint8ClampedArray.from(rgba),
});
const kernel = ({ size, scale, data }: Sent['kernel']) => makeKernel(size, scale, data);

let states: Readonly<Record<string, Exhibit>> = {};

const gallery = {
  /** Has to come first. Returns every state's name, and what it is. */
  hang({ original, enlarged, ...kernels }: Sent): Record<string, string> {
    states = everyState({
      ...{ original: picture(original), enlarged: picture(enlarged) },
      ...{ kernel: kernel(kernels.kernel), kernelSoFar: kernel(kernels.kernelSoFar) },
    });
    return Object.fromEntries(Object.entries(states).map(([name, { about }]) => [name, about]));
  },
  /** Draws the choice among presets, of which there may be others than today's; the first is chosen. */
  showPresets(words: Record<string, { name: string; about: string }>): void {
    const root = document.querySelector('#panel') as HTMLElement;
    const draw = (chosen: string) =>
      render(h(Presets, { ...{ presets: Object.keys(words), words, chosen }, onChoose: draw }), root);
    render(null, root);
    draw(Object.keys(words)[0]);
  },
  /** Draws a state anew, with its parts opened; `isLong`: with the longest names there may be. */
  show(name: string, isLong: boolean): void {
    const { state, opened = [] } = states[name];
    const root = document.querySelector('#panel') as HTMLElement;
    render(null, root);
    render(h(App, { state: isLong ? longWords(state) : state, actions }), root);
    for (const summary of document.querySelectorAll('summary')) {
      if (opened.some((words) => summary.textContent?.startsWith(words))) summary.click();
    }
  },
};
Object.assign(globalThis, { gallery });

export type Gallery = typeof gallery;
