/**
 * Every state of the panel that a person can meet, as values: what the accessibility check goes through and the pictures of
 * docs/panel are made of. The order is that of a person's way.
 */
import type { LayerInfo } from '../../extension/editors/editor.ts';
import type { Picture } from '../../extension/editors/picture.ts';
import { DEFAULT_SETTINGS } from '../../extension/panel/settings.ts';
import type { EditorState, FinishedRecord, PanelState } from '../../extension/panel/state.ts';
import type { Kernel } from '../../shared/kernel.ts';
import { DEFAULT_OPTIONS } from '../../shared/options.ts';

/** What is in the pictures: a layer, what became of it at 2 times its size, and the kernel, found and on the way. */
export interface Exhibits {
  readonly original: Picture;
  readonly enlarged: Picture;
  readonly kernel: Kernel;
  readonly kernelSoFar: Kernel;
}

export interface Exhibit {
  /** What the state is, in a few words. */
  readonly about: string;
  readonly state: PanelState;
  /** Parts that are opened by a click, by their words. */
  readonly opened?: readonly string[];
}

/** By the name of its picture. */
export function everyState({ original, enlarged, kernel, kernelSoFar }: Exhibits): Readonly<Record<string, Exhibit>> {
  const { width, height } = original;
  const layer: LayerInfo = {
    ...{ id: '7', name: 'Otter', kind: 'pixels', visible: true, refusal: null, x: 12, y: 8 },
    ...{ width, height },
  };
  const document = { name: 'river.psd', width: 2 * width, height: 2 * height };
  const editor: EditorState & { is: 'ready' } = {
    ...{ is: 'ready', name: 'photopea', hasSelfTest: true, document, layer, thumbnail: original },
    modes: ['keep-document', 'enlarge-document', 'new-document'],
  };
  const ready: PanelState = {
    ...{ helper: { is: 'ready', name: 'kernelfusion 0.1.0' }, editor, settings: DEFAULT_SETTINGS, kernel: null },
    estimate: { is: 'known', estimate: { seconds: 74, memory: 5.1e8, disk: 3e6, refusal: null } },
    ...{ work: { is: 'idle' }, history: [], selfTest: null },
  };
  const record: FinishedRecord = {
    ...{ id: 'a', created: Date.UTC(2026, 0, 5, 14, 7), isUploaded: true, editor: 'photopea', document, layer },
    ...{ original: { ...original, x: 12, y: 8 }, options: DEFAULT_OPTIONS, mode: 'keep-document' },
    ...{ insertWhenDone: true, givenKernel: null, inserted: { layerId: '8', undoSteps: 4 } },
    result: {
      ...{ picture: enlarged, kernel },
      facts: {
        layer: { width: enlarged.width, height: enlarged.height, channels: 4, depth: 8 },
        ...{ bytes: enlarged.rgba.length, kernelSource: 'estimated', confidence: 0.72, notes: [], noise: 0.8 },
        ...{ lrConsistency: 46.2, timings: { total: 71.4 }, versions: {}, seed: 1 },
      },
    },
  };
  const history = [
    record,
    { ...record, id: 'b', created: Date.UTC(2026, 0, 5, 13, 52), layer: { ...layer, name: 'Street sign' } },
    { ...record, id: 'c', created: Date.UTC(2026, 0, 4, 9, 30), options: { ...DEFAULT_OPTIONS, scale: 4 as const } },
  ];
  const done = { ...ready, history, work: { is: 'done', record, canUndo: true, trouble: null } } as const;
  const without = { editor: { ...editor, layer: null, thumbnail: null }, estimate: { is: 'none' } } as const;

  return {
    'not-paired': {
      about: 'Not paired yet',
      state: { ...ready, helper: { is: 'unpaired', isPairing: false, failure: null }, estimate: { is: 'none' } },
    },
    'wrong-code': {
      about: 'A code that is not the right one',
      state: {
        ...ready,
        estimate: { is: 'none' },
        helper: {
          ...{ is: 'unpaired', isPairing: false },
          failure: { code: 'WRONG_CODE', sentence: 'That is not the code the helper shows.' },
        },
      },
    },
    disconnected: {
      about: 'The helper does not run: how to start it',
      state: { ...ready, helper: { is: 'absent' }, estimate: { is: 'none' } },
    },
    'wrong-version': {
      about: 'Panel and helper do not fit',
      state: {
        ...ready,
        estimate: { is: 'none' },
        helper: {
          is: 'refused',
          failure: {
            code: 'HELPER_OUTDATED',
            sentence: 'The panel is newer than the helper: please update the helper.',
          },
        },
      },
    },
    'no-permission': {
      about: 'The browser does not let the panel into the tab yet',
      state: {
        ...ready,
        estimate: { is: 'none' },
        editor: { is: 'none', failure: { code: 'NO_PERMISSION', sentence: 'The browser keeps us out.' } },
      },
    },
    'no-editor': {
      about: 'The tab holds no editor',
      state: {
        ...ready,
        estimate: { is: 'none' },
        editor: {
          is: 'none',
          failure: {
            code: 'NO_EDITOR',
            sentence: 'This page is no editor that KernelFusion knows, or it is still loading.',
          },
        },
      },
    },
    'no-layer': { about: 'An editor with no layer selected', state: { ...ready, ...without } },
    'layer-refused': {
      about: 'A layer that cannot be worked on',
      state: {
        ...ready,
        estimate: { is: 'none' },
        editor: {
          ...editor,
          thumbnail: null,
          layer: {
            ...layer,
            ...{ name: 'Curves 1', kind: 'adjustment' },
            refusal: 'This is an adjustment layer: it has no pixels of its own. Select the layer that it changes.',
          },
        },
      },
    },
    ready: { about: 'Ready: the layer, the options, what it will take', state: { ...ready, history } },
    'kernel-chosen': {
      about: 'Ready, with the kernel of an earlier picture',
      state: { ...ready, kernel: { kernel, name: 'Street sign', notes: [] } },
    },
    'self-test': {
      about: 'Photopea checked',
      opened: ['Check Photopea'],
      state: {
        ...ready,
        selfTest: [
          { step: 'Photopea answers', ok: true, detail: 'By way of the shim.' },
          { step: 'The open document is read', ok: true, detail: '“river.psd”, 256 × 256, 3 layers.' },
          { step: 'A picture comes back', ok: true, detail: '67 bytes.' },
          { step: 'The temporary document is closed', ok: false, detail: '0 were closed, and there was one.' },
        ],
      },
    },
    sending: { about: 'The layer on its way', state: { ...ready, work: { is: 'uploading', share: 0.62 } } },
    busy: {
      about: 'The helper is busy with other jobs',
      state: { ...ready, work: { is: 'queued', position: 2, shortage: null } },
    },
    short: {
      about: 'The helper waits for memory',
      state: {
        ...ready,
        work: {
          ...{ is: 'queued', position: 0 },
          shortage: { code: 'NOT_ENOUGH_MEMORY', sentence: 'This takes about 4.2 GB of memory, and 1.1 GB are free.' },
        },
      },
    },
    estimating: {
      about: 'At work: the kernel takes shape',
      state: {
        ...ready,
        work: {
          ...{ is: 'running', kernel: kernelSoFar, preview: null },
          progress: { phase: 'kernel', fraction: 0.46, etaSeconds: 38 },
        },
      },
    },
    running: {
      about: 'At work: the kernel is found, and the picture gets sharp',
      state: {
        ...ready,
        work: {
          ...{ is: 'running', kernel },
          progress: { phase: 'image', fraction: 0.82, etaSeconds: 12 },
          preview: { ...enlarged, rgba: new Uint8Array(enlarged.rgba) },
        },
      },
    },
    away: { about: 'The helper went away in the middle of a job', state: { ...ready, work: { is: 'away' } } },
    done: { about: 'Done: before and after, lens, kernel', state: done },
    export: { about: 'The kernel leaves for other programs', state: done, opened: ['Export kernel'] },
    uncertain: {
      about: 'Done, but the kernel is uncertain: what to do',
      state: {
        ...done,
        work: {
          ...done.work,
          record: { ...record, result: { ...record.result, facts: { ...record.result.facts, confidence: 0.31 } } },
        },
      },
    },
    'not-inserted': {
      about: 'Done, but the document is another one now',
      state: {
        ...done,
        work: {
          ...{ is: 'done', canUndo: false },
          record: {
            ...record,
            inserted: null,
            result: {
              ...record.result,
              facts: {
                ...record.result.facts,
                ...{ kernelSource: 'bicubic', confidence: null },
                notes: ['The layer tells too little about its blur, so the plain bicubic kernel was used.'],
              },
            },
          },
          trouble: {
            ...{ with: 'inserting', code: 'DOCUMENT_CHANGED' },
            sentence: 'This picture belongs to the layer "Otter" of "river.psd". Bring it back as it was, then insert.',
          },
        },
      },
    },
    failed: {
      about: 'Failed: what happened, what to do',
      state: {
        ...ready,
        work: {
          is: 'failed',
          failure: {
            code: 'OUT_OF_MEMORY',
            sentence:
              'The computer has too little memory for this layer: close other programs, or choose a smaller scale.',
          },
        },
      },
    },
    history: { about: 'Pictures that were made before', state: { ...ready, history }, opened: ['History'] },
  };
}

/** The longest words there may be, which nothing of the panel may overflow by. */
export function longWords(state: PanelState): PanelState {
  if (state.editor.is !== 'ready' || !state.editor.layer) return state;
  const name = 'Untitled-design-final-version-'.repeat(7).slice(0, 200);
  const document = { ...state.editor.document, name };
  const history = state.history.map((record) => ({ ...record, layer: { ...record.layer, name } }));
  return {
    ...{ ...state, history, editor: { ...state.editor, document, layer: { ...state.editor.layer, name } } },
    ...(state.kernel && { kernel: { ...state.kernel, name } }),
    ...(state.work.is === 'done' && {
      work: { ...state.work, record: { ...state.work.record, layer: { ...state.work.record.layer, name } } },
    }),
  };
}
