import { createHash } from 'node:crypto';
import { Html, html } from './html.ts';
import { style } from './style.ts';

export interface Section {
  readonly title: string;
  /** What the section shows, in a sentence or two. */
  readonly lead?: string | Html;
  readonly body: Html;
}

export interface Page {
  readonly title: string;
  /** Which kind of page this is, in two or three words above the title. */
  readonly kicker: string;
  readonly lead: string | Html;
  /** Names and values that identify what the page is about. */
  readonly facts: readonly (readonly [string, string | Html])[];
  readonly sections: readonly Section[];
}

const styleHash = createHash('sha256').update(style).digest('base64');

/** Scripts, forms, frames and other hosts are out; pictures and sounds lie in the page itself. */
function policy(styleSource: string): string {
  return `default-src 'none'; style-src ${styleSource}; img-src data:; media-src data:; base-uri 'none'; form-action 'none'`;
}

/**
 * For the header of an answer that is a page. Both this and the page's own policy hold; a page that an earlier version has
 * made has another style, so that only the page itself can name it.
 */
export const pagePolicy = `${policy("'unsafe-inline'")}; frame-ancestors 'none'`;

/** A page that stands by itself: one file that needs no script, no network and no other file. */
export function renderPage({ title, kicker, lead, facts, sections }: Page): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy(`'sha256-${styleHash}'`)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="icon" href="data:,">
<style>${new Html(style)}</style>
</head>
<body>
<header>
<p class="kicker">${kicker}</p>
<h1><bdi>${title}</bdi></h1>
<p class="lead">${lead}</p>
<dl class="facts">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
</header>
<main>
${sections.map(renderSection)}
</main>
<footer>Made by Lambent. The page stands by itself: no script, no network.</footer>
</body>
</html>
`.text;
}

function renderSection({ title, lead, body }: Section): Html {
  return html`<section>
<h2>${title}</h2>
${lead && html`<p>${lead}</p>`}
${body}
</section>
`;
}
