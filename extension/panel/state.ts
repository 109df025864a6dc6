/**
 * All that the panel shows, as one value: what a component can draw without asking anybody, and what it can ask for.
 *
 * Each part is a union told apart by `is`, so that a component that switches on it cannot forget a case.
 */
import type { ErrorCode } from '../../shared/errors.ts';
import type { Kernel, Scale } from '../../shared/kernel.ts';
import type { Preset } from '../../shared/options.ts';
import type { PreviewPicture } from '../../shared/protocol/frames.ts';
import type { EditorDocument, InsertMode, LayerInfo, SelfTestStep } from '../editors/editor.ts';
import type { Picture } from '../editors/picture.ts';
import type { Estimate, JobProgress } from './helper-client.ts';
import type { JobFacts, JobRecord } from './records.ts';
import type { Settings } from './settings.ts';

export interface Failure {
  readonly code: ErrorCode;
  readonly sentence: string;
}

export type HelperState =
  | { readonly is: 'connecting' }
  /** No program answers. */
  | { readonly is: 'absent' }
  | { readonly is: 'unpaired'; readonly isPairing: boolean; readonly failure: Failure | null }
  /** It is there, but will not do: wrong version, too many panels, another program. */
  | { readonly is: 'refused'; readonly failure: Failure }
  | { readonly is: 'ready'; readonly name: string };

export type EditorState =
  | { readonly is: 'connecting' }
  | { readonly is: 'none'; readonly failure: Failure }
  | {
      readonly is: 'ready';
      readonly name: string;
      readonly modes: readonly InsertMode[];
      readonly hasSelfTest: boolean;
      readonly document: EditorDocument;
      readonly layer: LayerInfo | null;
      readonly thumbnail: Picture | null;
    };

export type EstimateState =
  | { readonly is: 'none' }
  | { readonly is: 'asking' }
  | { readonly is: 'known'; readonly estimate: Estimate }
  | { readonly is: 'failed'; readonly failure: Failure };

/** What the person's job is at. Shares are 0..1. */
export type Work =
  | { readonly is: 'idle' }
  | { readonly is: 'reading'; readonly share: number }
  | { readonly is: 'uploading'; readonly share: number }
  /** `shortage`: what the helper has too little of, for now. */
  | { readonly is: 'queued'; readonly position: number; readonly shortage: Failure | null }
  | {
      readonly is: 'running';
      readonly progress: JobProgress | null;
      readonly kernel: Kernel | null;
      readonly preview: PreviewPicture | null;
    }
  /** The helper went away; the job is found again when it is back. */
  | { readonly is: 'away' }
  | { readonly is: 'fetching'; readonly share: number }
  | { readonly is: 'inserting'; readonly share: number; readonly record: FinishedRecord }
  | { readonly is: 'cancelling' }
  /** `canUndo`: it was inserted by this panel, just now. */
  | {
      readonly is: 'done';
      readonly record: FinishedRecord;
      readonly canUndo: boolean;
      readonly trouble: Trouble | null;
    }
  | { readonly is: 'failed'; readonly failure: Failure };

/** What could not be done with a result. */
export interface Trouble extends Failure {
  readonly with: 'keeping' | 'inserting' | 'undoing';
}

export type FinishedRecord = JobRecord & { readonly result: NonNullable<JobRecord['result']> };
export type FinishedFacts = JobFacts & { readonly result: NonNullable<JobFacts['result']> };

export interface PanelState {
  readonly helper: HelperState;
  readonly editor: EditorState;
  readonly settings: Settings;
  /** A kernel to use instead of estimating one, where it comes from, and what had to be changed in it. */
  readonly kernel: { readonly kernel: Kernel; readonly name: string; readonly notes: readonly string[] } | null;
  readonly estimate: EstimateState;
  readonly work: Work;
  /** Newest first. */
  readonly history: readonly FinishedFacts[];
  /** Null until it was asked for. */
  readonly selfTest: readonly SelfTestStep[] | null;
}

/** What a person can ask for. What goes wrong is told in the state, none of these throws. */
export interface PanelActions {
  setPort(port: number): void;
  pair(code: string): void;
  /** Connects to helper and editor at once, if they are not. */
  reconnect(): void;
  allow(origin: string): void;
  /** Asks the editor again for its active layer. */
  refresh(): void;
  setScale(scale: Scale): void;
  setPreset(preset: Preset): void;
  setInsertWhenDone(wanted: boolean): void;
  setMode(mode: InsertMode): void;
  /** Null: estimate it. A kernel belongs to a scale, which is chosen with it. */
  setKernel(kernel: PanelState['kernel']): void;
  upscale(): void;
  cancel(): void;
  insert(): void;
  undo(): void;
  /** Puts a result or a failure away. */
  close(): void;
  show(id: string): void;
  remove(id: string): void;
  runSelfTest(): void;
}

/** Whether the person has to wait for something that can be cancelled. */
export const isBusy = ({ is }: Work): boolean => is !== 'idle' && is !== 'done' && is !== 'failed';
