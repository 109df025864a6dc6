/**
 * The scripts that run inside Photopea, and the shape of what each says back.
 *
 * The one idea: a script is text made here, and every value in it is a JSON literal, so a layer's name can never become
 * code. Photopea's interpreter is its own: ES5 only; no `finally`; no `return` within `try`; reading a property of
 * undefined ends the script in silence. So scripts are short, look before they reach, say one thing, and leave sums to us.
 * What scripts may do: photopea.com/learn/scripts (Adobe's "Photoshop JavaScript reference", largely).
 */
import * as v from 'valibot';

export interface Script<Reply> {
  /** Functions of the script's own: they stand outside of its `try`, for a `return` within one is lost. */
  readonly functions?: string;
  readonly body: string;
  readonly reply: v.GenericSchema<unknown, Reply>;
  /** A file comes besides the reply. */
  readonly sendsFile?: boolean;
  /** Opens, exports or resizes pictures: may take minutes. */
  readonly slow?: boolean;
}

/** What a script says instead of its reply when it cannot do its work. */
export type Problem = 'no-document' | 'no-layer' | 'no-copy' | 'no-history' | 'too-large' | 'other-document';

/** How our temporary documents are called; what a broken run leaves is found and closed by this. */
export const TEMPORARY = 'KernelFusion (temporary)';

/** A side of a document or layer, in pixels; positions may be fractions and negative. */
const size = v.pipe(v.number(), v.minValue(0));
const id = v.pipe(v.union([v.string(), v.number()]), v.transform(String));
const box = v.tuple([v.number(), v.number(), v.number(), v.number()]);

const documentReply = v.object({
  name: v.string(),
  source: v.string(),
  width: size,
  height: size,
  active: v.nullable(id),
});
const layerReply = v.object({
  id,
  name: v.string(),
  kind: v.picklist(['pixels', 'text', 'shape', 'group', 'adjustment', 'other']),
  visible: v.boolean(),
  depth: v.number(),
  /** Of what is not transparent; null while a selection is active, for then Photopea tells the selection's. */
  box: v.nullable(box),
});

/** Enough to know a document again: Photopea gives documents no identity. */
export type DocumentMark = v.InferOutput<typeof documentReply>;
export type ScriptLayer = v.InferOutput<typeof layerReply>;

const nothing = v.object({});

/** A value as it may stand in a script. U+2028 and U+2029 end a line in ES5 even within a text. */
export function literal(value: unknown): string {
  return JSON.stringify(value)
    .replace(/\u2028/g, '\\u2028')
    .replace(/\u2029/g, '\\u2029');
}

/** How every answer to request `id` begins. */
export const answerPrefix = (id: string) => `@${id}:`;
/** What follows the prefix when a request has ended, and before the message of an error. */
export const END = '$';
export const ERROR = '!';

/**
 * A whole script: helpers, the body, and marks by which its answers are known among all that Photopea sends. All within
 * a function: no name of ours is left behind, or meets one of the page's where a version runs scripts there.
 */
export function wrap(id: string, { functions = '', body }: Pick<Script<unknown>, 'functions' | 'body'>): string {
  return `(function(){
var __prefix=${literal(answerPrefix(id))};${HELPERS}${functions}
try{
${body}
}catch(__error){app.echoToOE(__prefix+${literal(ERROR)}+String(__error&&__error.message?__error.message:__error));}
app.echoToOE(__prefix+${literal(END)});
})();`;
}

/*
 * `__px`: a number from a number or a UnitValue. `__layers`: all layers, top first, with their depth in groups.
 * `__kind`: kinds are compared with `LayerKind` over there, for they have been numbers and names in different versions.
 */
const HELPERS = `
function __say(value){app.echoToOE(__prefix+JSON.stringify(value));}
function __px(value){return value&&value.value!==undefined?value.value:Number(value);}
function __box(layer){var b=layer.bounds;if(!b||b.length!==4){return null;}return [__px(b[0]),__px(b[1]),__px(b[2]),__px(b[3])];}
function __layers(parent,depth,out){var all=parent.layers;if(!all){return out;}for(var i=0;i<all.length;i++){var one=all[i];out.push({layer:one,depth:depth});if(one.typename==="LayerSet"){__layers(one,depth+1,out);}}return out;}
function __find(document,id){var all=__layers(document,0,[]);for(var i=0;i<all.length;i++){if(String(all[i].layer.id)===id){return all[i].layer;}}return null;}
function __selected(document){var b=null;try{if(document.selection){b=document.selection.bounds;}}catch(e){b=null;}return b?true:false;}
function __mark(document){var a=document.activeLayer;return {name:String(document.name),source:String(document.source||""),width:__px(document.width),height:__px(document.height),active:a?a.id:null};}
function __is(document,mark){var m=__mark(document);return m.name===mark.name&&m.source===mark.source&&m.width===mark.width&&m.height===mark.height&&(mark.active===null||String(m.active)===mark.active);}
function __isTemporary(document){return String(document.name).indexOf(${literal(TEMPORARY)})===0;}
`;

const ADJUSTMENTS = [
  ...['BRIGHTNESSCONTRAST', 'LEVELS', 'CURVES', 'EXPOSURE', 'VIBRANCE', 'HUESATURATION', 'COLORBALANCE'],
  ...['BLACKANDWHITE', 'PHOTOFILTER', 'CHANNELMIXER', 'COLORLOOKUP', 'INVERSION', 'POSTERIZE', 'THRESHOLD'],
  ...['SELECTIVECOLOR', 'GRADIENTMAP'],
];
const KINDS: readonly (readonly [name: string, kind: ScriptLayer['kind']])[] = [
  ['NORMAL', 'pixels'],
  ['TEXT', 'text'],
  ...['SOLIDFILL', 'GRADIENTFILL', 'PATTERNFILL'].map((name) => [name, 'shape'] as const),
  ...ADJUSTMENTS.map((name) => [name, 'adjustment'] as const),
];
const KIND_HELPER = `
var __names=${literal(KINDS)};
function __kind(layer){if(layer.typename==="LayerSet"){return "group";}var k=layer.kind;if(k===undefined||typeof LayerKind==="undefined"){return "other";}for(var i=0;i<__names.length;i++){if(LayerKind[__names[i][0]]===k){return __names[i][1];}}return "other";}
`;

/** Runs `body` with `d`, the active document. */
const withDocument = (body: string) =>
  `if(!app.documents.length){__say({problem:"no-document"});}else{var d=app.activeDocument;\n${body}\n}`;

/** Runs `body` with `d` and `layer`, the layer of that id in it. */
const withLayer = (layerId: string, body: string) =>
  withDocument(`var layer=__find(d,${literal(layerId)});if(!layer){__say({problem:"no-layer"});}else{\n${body}\n}`);

/** Answers, and does nothing. */
export const ping = (): Script<unknown> => ({ body: '__say({});', reply: nothing });

const inspection = v.object({
  document: v.nullable(documentReply),
  selection: v.boolean(),
  layers: v.array(layerReply),
});
export type Inspection = v.InferOutput<typeof inspection>;

/** The active document and its layers, top first. */
export const inspect = (): Script<Inspection> => ({
  functions: KIND_HELPER,
  body: `if(!app.documents.length){__say({document:null,selection:false,layers:[]});}else{var d=app.activeDocument;
var selection=__selected(d);var all=__layers(d,0,[]);var out=[];
for(var i=0;i<all.length;i++){var l=all[i].layer;out.push({id:l.id,name:String(l.name),kind:__kind(l),visible:l.visible?true:false,depth:all[i].depth,box:selection?null:__box(l)});}
__say({document:__mark(d),selection:selection,layers:out});}`,
  reply: inspection,
});

const exported = v.object({ x: v.number(), y: v.number(), width: size, height: size });

/**
 * A layer alone as a PNG, from a temporary document that is left open: `closeTemporary` is to follow once the file is
 * here. The user's document and its history stay as they are. Layer styles and masks are drawn; opacity is not. The
 * picture is as large as the document, and larger where the layer lies partly outside; x, y are its corner's place.
 */
export const exportCopy = (layerId: string, maxArea: number): Script<v.InferOutput<typeof exported>> => ({
  body: withLayer(
    layerId,
    `var w=__px(d.width);var h=__px(d.height);
app.documents.add(w,h,72,${literal(TEMPORARY)},NewDocumentMode.RGB,DocumentFill.TRANSPARENT);
var t=app.activeDocument;
if(!__isTemporary(t)){__say({problem:"no-copy"});}else{
var old=[];for(var i=0;i<t.layers.length;i++){old.push(t.layers[i].id);}
app.activeDocument=d;layer.duplicate(t,ElementPlacement.PLACEATBEGINNING);app.activeDocument=t;
var copy=null;for(var j=0;j<t.layers.length;j++){var one=t.layers[j];if(old.indexOf(one.id)<0){copy=one;}else{one.visible=false;}}
if(!copy){__say({problem:"no-copy"});}else{
copy.visible=true;copy.opacity=100;if(copy.grouped){copy.grouped=false;}
var b=__box(copy);if(!b){b=[0,0,w,h];}
var left=Math.min(0,Math.floor(b[0]));var top=Math.min(0,Math.floor(b[1]));
var wide=Math.max(w,Math.ceil(b[2]))-left;var high=Math.max(h,Math.ceil(b[3]))-top;
if(wide*high>${literal(maxArea)}){__say({problem:"too-large"});}else{
if(wide>w||high>h){t.resizeCanvas(wide,high,AnchorPosition.TOPLEFT);if(left<0||top<0){copy.translate(-left,-top);}}
t.saveToOE("png");__say({x:left,y:top,width:wide,height:high});
}}}`,
  ),
  reply: exported,
  sendsFile: true,
  slow: true,
});

/** An empty picture of one pixel by the same way: the self-test's. */
export const exportEmpty = (): Script<unknown> => ({
  body: `app.documents.add(1,1,72,${literal(TEMPORARY)},NewDocumentMode.RGB,DocumentFill.TRANSPARENT);
var t=app.activeDocument;if(!__isTemporary(t)){__say({problem:"no-copy"});}else{t.saveToOE("png");__say({});}`,
  reply: nothing,
  sendsFile: true,
});

const closed = v.object({ closed: v.number(), found: v.boolean() });

/** Closes our temporary documents and makes the user's the active one again. */
export const closeTemporary = (mark: DocumentMark | null): Script<v.InferOutput<typeof closed>> => ({
  body: `var count=0;
for(var i=app.documents.length-1;i>=0;i--){var t=app.documents[i];if(__isTemporary(t)){app.activeDocument=t;t.close(SaveOptions.DONOTSAVECHANGES);count++;}}
var mark=${literal(mark)};var found=mark===null;
for(var j=0;j<app.documents.length;j++){if(!found&&__is(app.documents[j],mark)){app.activeDocument=app.documents[j];found=true;}}
__say({closed:count,found:found});`,
  reply: closed,
});

const looks = v.object({ layers: v.array(v.object({ id, visible: v.boolean(), opacity: v.number() })) });
export type Looks = v.InferOutput<typeof looks>;

/** What `exportAlone` will change, so that `restoreLooks` can put it back whatever happens. */
export const readLooks = (layerId: string): Script<Looks> => ({
  body: withLayer(
    layerId,
    `var all=__layers(d,0,[]);var out=[];for(var i=0;i<all.length;i++){var one=all[i].layer;out.push({id:one.id,visible:one.visible?true:false,opacity:one.opacity});}
__say({layers:out});`,
  ),
  reply: looks,
});

/** The other way to a layer alone: all others are hidden in the user's document. Parts outside of it are cut off. */
export const exportAlone = (layerId: string): Script<v.InferOutput<typeof exported>> => ({
  body: withLayer(
    layerId,
    `var all=__layers(d,0,[]);var at=0;for(var i=0;i<all.length;i++){if(String(all[i].layer.id)===${literal(layerId)}){at=i;}}
var show=[];for(var j=0;j<all.length;j++){show.push(j===at);}
var depth=all[at].depth;for(var k=at-1;k>=0;k--){if(all[k].depth<depth){show[k]=true;depth=all[k].depth;if(all[k].layer.opacity!==100){all[k].layer.opacity=100;}}}
for(var m=at+1;m<all.length&&all[m].depth>all[at].depth;m++){show[m]=all[m].layer.visible;}
for(var n=0;n<all.length;n++){if(all[n].layer.visible!==show[n]){all[n].layer.visible=show[n];}}
if(layer.opacity!==100){layer.opacity=100;}
d.saveToOE("png");__say({x:0,y:0,width:__px(d.width),height:__px(d.height)});`,
  ),
  reply: exported,
  sendsFile: true,
  slow: true,
});

export const restoreLooks = ({ layers }: Looks): Script<unknown> => ({
  body: withDocument(
    `var was=${literal(layers)};var all=__layers(d,0,[]);
for(var i=0;i<all.length;i++){for(var j=0;j<was.length;j++){var one=all[i].layer;if(String(one.id)===was[j].id){
if(one.visible!==was[j].visible){one.visible=was[j].visible;}if(one.opacity!==was[j].opacity){one.opacity=was[j].opacity;}}}}
__say({});`,
  ),
  reply: nothing,
});

/** Drops the selection: with one, Photopea tells the selection's box for every layer's. */
export const deselect = (): Script<unknown> => ({
  body: withDocument('d.selection.deselect();__say({});'),
  reply: nothing,
});

const sizeReply = v.object({ width: size, height: size });

/** Enlarges the document with all its layers. */
export const resizeDocument = (width: number, height: number): Script<v.InferOutput<typeof sizeReply>> => ({
  body: withDocument(
    `d.resizeImage(${literal(width)},${literal(height)},null,ResampleMethod.BICUBIC);var now=app.activeDocument;__say({width:__px(now.width),height:__px(now.height)});`,
  ),
  reply: sizeReply,
  slow: true,
});

/** Has a picture placed as a smart object above a layer. It may be there only later: `findNew` tells. */
export const openAbove = (layerId: string, address: string): Script<unknown> => ({
  body: withLayer(layerId, `d.activeLayer=layer;app.open(${literal(address)},null,true);__say({});`),
  reply: nothing,
  slow: true,
});

/** Copies the layer of the active document (opened from a file) above a layer of the marked one, and closes the former. */
export const copyAcross = (mark: DocumentMark, layerId: string): Script<unknown> => ({
  body: withDocument(
    `var mark=${literal(mark)};var goal=null;for(var i=0;i<app.documents.length;i++){if(!goal&&__is(app.documents[i],mark)){goal=app.documents[i];}}
if(!goal||__is(d,mark)){__say({problem:"other-document"});}else{
d.activeLayer.duplicate(goal,ElementPlacement.PLACEATBEGINNING);d.close(SaveOptions.DONOTSAVECHANGES);app.activeDocument=goal;
var layer=__find(goal,${literal(layerId)});if(layer){goal.activeLayer=layer;}__say({});}`,
  ),
  reply: nothing,
  slow: true,
});

const arrival = v.object({ id: v.nullable(id), box: v.nullable(box), inPlace: v.boolean() });

/** The layer that was not there before, if it is there yet, and whether it lies right above the one named. */
export const findNew = (before: readonly string[], aboveId: string): Script<v.InferOutput<typeof arrival>> => ({
  body: withDocument(
    `var before=${literal(before)};var all=__layers(d,0,[]);var at=-1;
for(var i=0;i<all.length;i++){if(before.indexOf(String(all[i].layer.id))<0){at=i;}}
if(at<0){__say({id:null,box:null,inPlace:false});}else{
var next=at+1<all.length?all[at+1]:null;
__say({id:all[at].layer.id,box:__box(all[at].layer),inPlace:next&&next.depth===all[at].depth&&String(next.layer.id)===${literal(aboveId)}?true:false});}`,
  ),
  reply: arrival,
});

const boxReply = v.object({ box: v.nullable(box) });

/** Resizes a layer about its middle and moves it above another; 100 and null leave as it is. */
export const arrange = (
  layerId: string,
  percent: number,
  aboveId: string | null,
): Script<v.InferOutput<typeof boxReply>> => ({
  body: withLayer(
    layerId,
    `${percent === 100 ? '' : `layer.resize(${literal(percent)},${literal(percent)},AnchorPosition.MIDDLECENTER);`}
${aboveId === null ? '' : `var other=__find(d,${literal(aboveId)});if(other){layer.move(other,ElementPlacement.PLACEBEFORE);}`}
__say({box:__box(layer)});`,
  ),
  reply: boxReply,
});

/** Moves a layer by whole pixels and names it. */
export const settle = (
  layerId: string,
  dx: number,
  dy: number,
  name: string,
): Script<v.InferOutput<typeof boxReply>> => ({
  body: withLayer(
    layerId,
    `${dx === 0 && dy === 0 ? '' : `layer.translate(${literal(dx)},${literal(dy)});`}
layer.name=${literal(name)};__say({box:__box(layer)});`,
  ),
  reply: boxReply,
});

const stepsReply = v.object({ steps: v.number() });

/** Gives a layer the opacity and blend mode of another, which are a step of the history each. */
export const dress = (layerId: string, likeId: string): Script<v.InferOutput<typeof stepsReply>> => ({
  body: withLayer(
    layerId,
    `var like=__find(d,${literal(likeId)});var steps=0;
if(like&&like.opacity!==layer.opacity){layer.opacity=like.opacity;steps++;}
if(like&&like.typename!=="LayerSet"&&like.blendMode!==layer.blendMode){layer.blendMode=like.blendMode;steps++;}
__say({steps:steps});`,
  ),
  reply: stepsReply,
});

/** Names the one layer of a document just opened from a file. */
export const nameOpened = (
  before: DocumentMark | null,
  count: number,
  name: string,
): Script<{ id: string | null }> => ({
  body: `if(app.documents.length<=${literal(count)}){__say({id:null});}else{var d=app.activeDocument;var before=${literal(before)};
if(before!==null&&__is(d,before)){__say({id:null});}else{var l=d.activeLayer;if(!l){__say({id:null});}else{l.name=${literal(name)};__say({id:l.id});}}}`,
  reply: v.object({ id: v.nullable(id) }),
});

export const countDocuments = (): Script<{ count: number }> => ({
  body: '__say({count:app.documents.length});',
  reply: v.object({ count: v.number() }),
});

/** What a document has to be like again to be as it was before an insertion. */
export interface Before {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly selection: boolean;
  readonly layers: readonly string[];
}

const undone = v.object({ same: v.boolean() });

/**
 * Goes back through the history, at most `steps` steps, until the document is as it was before an insertion; stays where
 * it was when that is not reached. Stopping by the document's looks, not by count, never undoes the user's own work.
 */
export const goBack = (before: Before, steps: number): Script<v.InferOutput<typeof undone>> => ({
  functions: `
var before=${literal(before)};
function __same(d){if(__px(d.width)!==before.width||__px(d.height)!==before.height||__selected(d)!==before.selection){return false;}var all=__layers(d,0,[]);for(var i=0;i<all.length;i++){if(before.layers.indexOf(String(all[i].layer.id))<0){return false;}}return true;}
`,
  body: withDocument(
    `var states=d.historyStates;
if(String(d.name)!==before.name){__say({problem:"other-document"});}else if(!states||!states.length){__say({problem:"no-history"});}else{
var last=states.length-1;var back=0;var same=__same(app.activeDocument);
while(!same&&back<${literal(steps)}&&back<last){back++;d.activeHistoryState=states[last-back];same=__same(app.activeDocument);}
if(!same&&back>0){d.activeHistoryState=states[last];}
__say({same:same});}`,
  ),
  reply: undone,
  slow: true,
});
