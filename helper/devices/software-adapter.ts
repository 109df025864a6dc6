/**
 * Whether WebGPU has found a graphics card, or a program that plays one on the processor (SwiftShader, llvmpipe), many times
 * slower than the processor used directly.
 *
 * ONNX Runtime does not tell the adapter it took. On Linux the system does: without a device file of a card there is none, and
 * a driver list in the environment that holds only such programs leaves nothing else. Windows' own one (WARP) cannot be told
 * apart this way; the probe then finds it slow. macOS has none.
 * Source: Vulkan loader, LoaderDriverInterface.md (VK_DRIVER_FILES, VK_ICD_FILENAMES).
 */
import { readdir } from 'node:fs/promises';
import type { Device } from './catalogue.ts';

/** Names in driver files: SwiftShader's, and that of Mesa's lavapipe, which is llvmpipe for Vulkan. */
const SOFTWARE = /swiftshader|lvp|lavapipe/i;
/** Device files of cards: Mesa's and the kernel's drivers, NVIDIA's, and Windows' card in WSL. */
const CARD = /^(renderD\d+|nvidia\d+|dxg)$/;

/** What computes in place of a card, or null where a card does (or it cannot be told). */
export async function softwareAdapter(
  { provider }: Pick<Device, 'provider'>,
  platform: NodeJS.Platform = process.platform,
  env: NodeJS.ProcessEnv = process.env,
  listFiles: (folder: string) => Promise<readonly string[]> = (folder) => readdir(folder).catch(() => []),
): Promise<string | null> {
  if (provider !== 'webgpu' || platform !== 'linux') return null;
  const drivers = (env.VK_DRIVER_FILES || env.VK_ICD_FILENAMES || '').split(':').filter(Boolean);
  if (drivers.length > 0 && drivers.every((file) => SOFTWARE.test(file)))
    return 'a software driver (SwiftShader or llvmpipe)';
  const files = [...(await listFiles('/dev')), ...(await listFiles('/dev/dri'))];
  return files.some((file) => CARD.test(file)) ? null : 'a software driver, for there is no graphics card';
}
