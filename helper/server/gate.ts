/**
 * Who may open a socket: decided on what the request for it says, before the 101, without knowing any secret.
 *
 * Every web page can reach a port of this computer, so three things have to be right, each compared as a whole and never by
 * its beginning or end (CVE-2024-28224 and its like): the Host, which a page that had its own name point to 127.0.0.1 cannot
 * forge; the Origin, which no page can forge; the path. Programs on this computer can forge all three: for them there is the
 * token, which is checked by whoever called this.
 */
import { SOCKET_PATH } from '../../shared/protocol/address.ts';
import { SUBPROTOCOL, TOKEN_PREFIX } from '../../shared/protocol/limits.ts';

/** What of a request counts. Node's `IncomingMessage` is one. */
export interface UpgradeFacts {
  readonly method?: string | undefined;
  /** As it stands in the request's first line. */
  readonly url?: string | undefined;
  /** Names and values in turn, as they came: a header that came twice is there twice. */
  readonly rawHeaders: readonly string[];
}

export interface GateRules {
  /** The port the helper listens on. */
  readonly port: number;
  /** Ids of the Chrome extensions that may come. */
  readonly chromeIds: ReadonlySet<string>;
}

export type Verdict =
  /** `token` as it was offered, unchecked; `null`: none, all it may do is pair. */
  | { readonly admitted: true; readonly origin: string; readonly token: string | null }
  /** The status to answer with, and for the log which rule it was: nothing of the request itself. */
  | { readonly admitted: false; readonly status: 400 | 403 | 404 | 405 | 421; readonly rule: string };

const CHROME = 'chrome-extension://';
/** The address Firefox made up for the extension at its installation: which one is ours only the pairing can tell. */
const FIREFOX = /^moz-extension:\/\/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const TOKEN = /^[A-Za-z0-9_-]{43}$/;

const refused = (status: 400 | 403 | 404 | 405 | 421, rule: string): Verdict => ({ admitted: false, status, rule });

export function judge({ method, url, rawHeaders }: UpgradeFacts, { port, chromeIds }: GateRules): Verdict {
  const hosts = valuesOf(rawHeaders, 'host');
  const names = [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`];
  if (hosts.length !== 1 || !names.includes(hosts[0].toLowerCase())) return refused(421, 'host');

  const origins = valuesOf(rawHeaders, 'origin');
  if (origins.length !== 1 || !isExtension(origins[0], chromeIds)) return refused(403, 'origin');

  if (method !== 'GET') return refused(405, 'method');
  if (url !== SOCKET_PATH) return refused(404, 'path');

  const protocols = valuesOf(rawHeaders, 'sec-websocket-protocol').flatMap((value) => value.split(',').map(trimmed));
  if (!protocols.includes(SUBPROTOCOL)) return refused(400, 'subprotocol');
  const tokens = protocols.filter((name) => name.startsWith(TOKEN_PREFIX)).map((t) => t.slice(TOKEN_PREFIX.length));
  if (tokens.length > 1 || !tokens.every((token) => TOKEN.test(token))) return refused(400, 'token form');
  return { admitted: true, origin: origins[0], token: tokens[0] ?? null };
}

function isExtension(origin: string, chromeIds: ReadonlySet<string>): boolean {
  return FIREFOX.test(origin) || (origin.startsWith(CHROME) && chromeIds.has(origin.slice(CHROME.length)));
}

const trimmed = (text: string) => text.trim();

function valuesOf(rawHeaders: readonly string[], name: string): string[] {
  return rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1].toLowerCase() === name);
}
