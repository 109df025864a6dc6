/**
 * What a script of the Photopea double sees: `app`, its documents and layers, and the lists of names such as `LayerKind`.
 *
 * The one idea: every read makes a new wrapper, so `===` between two reads never holds, and what a script asks to have
 * sent or opened goes to an outbox, because Photopea does neither while a script runs.
 * Sources: photopea.com/learn/scripts, Adobe's "Photoshop JavaScript reference", and the notes named in interpreter.ts.
 */
import {
  type Box,
  copyState,
  type Doc,
  duplicateLayer,
  find,
  goTo,
  type Layer,
  newDocument,
  layer as newLayer,
  opaqueBox,
  placeOf,
  remember,
} from './model.ts';

/** What a script leaves to be done after it. */
export type Errand =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'export'; readonly doc: Doc; readonly format: string }
  | { readonly kind: 'open'; readonly url: string; readonly smart: boolean }
  | { readonly kind: 'done' };

/** The application: what outlives a script. */
export interface Application {
  readonly docs: Doc[];
  /** Index of the active document, -1 for none. */
  active: number;
}

export interface HostQuirks {
  /** LayerKind is a list of numbers (older versions) and not of names. */
  readonly numberedKinds?: boolean;
  /** Documents do not tell their history. */
  readonly noHistory?: boolean;
  /** `duplicate` into another document does nothing and answers nothing (photopea/photopea#5208). */
  readonly noDuplicate?: boolean;
  /** A new document is white, whatever was asked for. */
  readonly whitePaper?: boolean;
  /** Layers end within their outermost pixels: edges of boxes are fractions, by this much of a pixel further in. */
  readonly inset?: number;
}

const KINDS = [
  ...['NORMAL', 'TEXT', 'SOLIDFILL', 'GRADIENTFILL', 'PATTERNFILL', 'SMARTOBJECT', 'LEVELS', 'CURVES', 'HUESATURATION'],
  ...['BRIGHTNESSCONTRAST', 'COLORBALANCE', 'INVERSION', 'THRESHOLD', 'POSTERIZE', 'GRADIENTMAP', 'CHANNELMIXER'],
];

const names = (...all: string[]) => Object.fromEntries(all.map((name) => [name, `enumerated ${name}`]));

const unit = (value: number) => ({ value, as: () => value, toString: () => `${value} px` });

/** The globals of one script. What it wants sent or opened is pushed to `errands`. */
export function globalsFor(application: Application, errands: Errand[], quirks: HostQuirks): Record<string, unknown> {
  const kindOf = (name: string) => (quirks.numberedKinds ? KINDS.indexOf(name) + 1 : `LayerKind.${name}`);
  const docs = new WeakMap<object, Doc>();
  const layers = new WeakMap<object, Layer>();
  const states = new WeakMap<object, number>();

  function wrapLayer(doc: Doc, one: Layer): object {
    const change = (act: () => void) => {
      act();
      remember(doc);
    };
    const wrapper = {
      id: one.id,
      typename: one.children ? 'LayerSet' : 'ArtLayer',
      kind: one.children ? undefined : kindOf(one.kind),
      allLocked: one.locked,
      get layers() {
        return one.children?.map((child) => wrapLayer(doc, child));
      },
      get bounds() {
        const inset = quirks.inset ?? 0;
        const ends = ([left, top, right, bottom]: Box) => [left + inset, top + inset, right - inset, bottom - inset];
        const box = opaqueBox(one);
        return (doc.selection ?? (box ? ends(box) : [0, 0, 0, 0])).map(unit);
      },
      get name() {
        return one.name;
      },
      set name(value: string) {
        change(() => {
          one.name = String(value);
        });
      },
      get visible() {
        return one.visible;
      },
      set visible(value: boolean) {
        change(() => {
          one.visible = value;
        });
      },
      get opacity() {
        return one.opacity;
      },
      set opacity(value: number) {
        change(() => {
          one.opacity = value;
        });
      },
      get blendMode() {
        return one.blendMode;
      },
      set blendMode(value: string) {
        change(() => {
          one.blendMode = value;
        });
      },
      remove: () =>
        change(() => {
          const place = placeOf(doc.layers, one.id)!;
          place.list.splice(place.index, 1);
          if (doc.active === one.id) doc.active = doc.layers[0]?.id ?? null;
        }),
      translate: (x: number, y: number) =>
        change(() => {
          one.x += Number(x);
          one.y += Number(y);
        }),
      /** Per cent of the present size, about the middle. */
      resize: (percent: number) =>
        change(() => {
          const side = (pixels: number) => (pixels * one.scale * (1 - percent / 100)) / 2;
          if (!one.picture) return;
          one.x += side(one.picture.width);
          one.y += side(one.picture.height);
          one.scale *= percent / 100;
        }),
      duplicate: (target?: object) => {
        const goal = (target && docs.get(target)) ?? doc;
        if (quirks.noDuplicate && goal !== doc) return undefined;
        const copy = duplicateLayer(one);
        goal.layers.unshift(copy);
        goal.active = copy.id;
        remember(goal);
        return wrapLayer(goal, copy);
      },
      move: (target: object, placement: string) =>
        change(() => {
          const from = placeOf(doc.layers, one.id)!;
          from.list.splice(from.index, 1);
          const to = placeOf(doc.layers, layers.get(target)!.id)!;
          to.list.splice(placement === 'enumerated PLACEAFTER' ? to.index + 1 : to.index, 0, one);
        }),
    };
    layers.set(wrapper, one);
    return wrapper;
  }

  function wrapDoc(doc: Doc): object {
    const scaled = (all: readonly Layer[], factor: number): void => {
      for (const one of all) {
        one.x *= factor;
        one.y *= factor;
        one.scale *= factor;
        if (one.children) scaled(one.children, factor);
      }
    };
    const wrapper = {
      typename: 'Document',
      name: doc.name,
      source: doc.source,
      width: doc.width,
      height: doc.height,
      get layers() {
        return doc.layers.map((one) => wrapLayer(doc, one));
      },
      get activeLayer() {
        const one = doc.active === null ? null : find(doc, doc.active);
        return one ? wrapLayer(doc, one) : undefined;
      },
      set activeLayer(value: object | undefined) {
        doc.active = value ? layers.get(value)!.id : null;
      },
      get selection() {
        return {
          get bounds() {
            return doc.selection?.map(unit) ?? null;
          },
          deselect: () => {
            doc.selection = null;
            remember(doc);
          },
        };
      },
      get historyStates() {
        return quirks.noHistory ? undefined : doc.history.map((_, index) => wrapState(doc, index));
      },
      get activeHistoryState() {
        return quirks.noHistory ? undefined : wrapState(doc, doc.present);
      },
      set activeHistoryState(value: object | undefined) {
        if (quirks.noHistory || !value) throw new Error('There is no such state');
        goTo(doc, states.get(value)!);
      },
      resizeImage: (width: number) => {
        scaled(doc.layers, width / doc.width);
        doc.height = Math.round((doc.height * width) / doc.width);
        doc.width = Math.round(width);
        remember(doc);
      },
      resizeCanvas: (width: number, height: number, anchor: string) => {
        if (anchor !== 'enumerated TOPLEFT') throw new Error('only the top left corner is an anchor here');
        doc.width = width;
        doc.height = height;
        remember(doc);
      },
      saveToOE: (format: string) => {
        errands.push({ kind: 'export', doc, format });
      },
      close: () => {
        application.docs.splice(application.docs.indexOf(doc), 1);
        application.active = application.docs.length - 1; // The last one, whichever was active before (#2200).
        errands.push({ kind: 'done' });
      },
    };
    docs.set(wrapper, doc);
    return wrapper;
  }

  function wrapState(doc: Doc, index: number): object {
    const wrapper = { name: `state ${index} of ${doc.name}` };
    states.set(wrapper, index);
    return wrapper;
  }

  const app = {
    get documents() {
      return Object.assign(application.docs.map(wrapDoc), {
        add: (width: number, height: number, _resolution: number, name: string) => {
          const rgba = quirks.whitePaper ? new Uint8ClampedArray(4 * width * height).fill(255) : null;
          const paper = newLayer({ name: 'Background', picture: rgba && { width, height, rgba } });
          const doc = newDocument(name, width, height, [paper]);
          application.docs.push(doc);
          application.active = application.docs.length - 1;
          errands.push({ kind: 'done' });
          return wrapDoc(doc);
        },
      });
    },
    get activeDocument() {
      if (application.active < 0) throw new Error('There is no document');
      return wrapDoc(application.docs[application.active]);
    },
    set activeDocument(value: object) {
      application.active = application.docs.indexOf(docs.get(value)!);
    },
    echoToOE: (text: unknown) => {
      errands.push({ kind: 'text', text: String(text) });
    },
    open: (url: string, _as: unknown, smart: boolean) => {
      errands.push({ kind: 'open', url, smart });
    },
  };

  return {
    ...{ app, JSON, Math, String, Number },
    LayerKind: Object.fromEntries(KINDS.map((name) => [name, kindOf(name)])),
    ElementPlacement: names('INSIDE', 'PLACEBEFORE', 'PLACEAFTER', 'PLACEATBEGINNING', 'PLACEATEND'),
    SaveOptions: names('DONOTSAVECHANGES', 'SAVECHANGES'),
    ResampleMethod: names('BICUBIC', 'BILINEAR', 'NEARESTNEIGHBOR'),
    AnchorPosition: names('TOPLEFT', 'MIDDLECENTER'),
    NewDocumentMode: names('RGB', 'GRAYSCALE'),
    DocumentFill: names('TRANSPARENT', 'WHITE'),
  };
}

/** Puts an opened picture where Photopea puts it: as a smart object over the active layer, or as a document. */
export function place(application: Application, picture: NonNullable<Layer['picture']>, smart: boolean): void {
  const doc = application.docs[application.active];
  if (!smart || !doc) {
    application.docs.push(
      newDocument('image.png', picture.width, picture.height, [newLayer({ name: 'Background', picture })]),
    );
    application.active = application.docs.length - 1;
    return;
  }
  // Shrunk to fit when it is larger than the document, and in the middle of it.
  const scale = Math.min(1, doc.width / picture.width, doc.height / picture.height);
  const one = newLayer({ name: 'image', kind: 'SMARTOBJECT', picture, scale });
  one.x = (doc.width - picture.width * scale) / 2;
  one.y = (doc.height - picture.height * scale) / 2;
  const above = doc.active === null ? null : placeOf(doc.layers, doc.active);
  if (above) above.list.splice(above.index, 0, one);
  else doc.layers.unshift(one);
  doc.active = one.id;
  remember(doc);
}

/** What a test compares before and after: everything a user would miss. */
export function picture(application: Application): {
  active: number;
  docs: (ReturnType<typeof copyState> & { name: string })[];
} {
  return { active: application.active, docs: application.docs.map((doc) => ({ ...copyState(doc), name: doc.name })) };
}

export type { Box };
