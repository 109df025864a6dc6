/** What a prior would say if it knew the scene: nearer to it by half. `heard`: the times it was asked at. */
import type { Planes } from '../../helper/image/planes.ts';

export const knowingPrior = (scene: Planes, heard: number[] = []) => ({
  denoise: async (x: Planes, t: number): Promise<Planes> => {
    heard.push(t);
    return { ...x, data: x.data.map((v, i) => (v + scene.data[i]) / 2) };
  },
});
