/**
 * HTML from template literals in which every inserted text is escaped: only what was itself made here goes in as it is.
 */

/** Markup that is safe to insert. */
export class Html {
  readonly markup: string;
  constructor(markup: string) {
    this.markup = markup;
  }
}

type Insert = Html | string | number | readonly Insert[];

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text as it may stand between tags and in quoted attributes; control characters, which HTML forbids, become U+FFFD. */
export function escapeHtml(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  const printable = text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, '\ufffd');
  return printable.replace(/[&<>"']/g, (c) => ENTITIES[c]);
}

function insert(value: Insert): string {
  if (value instanceof Html) return value.markup;
  if (Array.isArray(value)) return value.map(insert).join('');
  return escapeHtml(String(value));
}

/** html`<p>${text}</p>`: text and numbers are escaped, `Html` is not, lists are joined. */
export function html(parts: TemplateStringsArray, ...values: readonly Insert[]): Html {
  return new Html(parts.reduce((markup, part, i) => markup + insert(values[i - 1]) + part));
}
