/** The one style sheet of /docs. */
export const pageStyle = `
:root { color-scheme: light dark; --line: light-dark(#d8dde3, #333a43); --soft: light-dark(#f5f7f9, #1b2026);
  --quiet: light-dark(#57606a, #9aa5b1); --ink: light-dark(#16191d, #e8ebee); --link: light-dark(#0b57a4, #7db7f5); }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 62rem; padding: 1rem 1rem 4rem; font: 16px/1.5 system-ui, sans-serif; color: var(--ink);
  background: light-dark(#fff, #12161a); overflow-wrap: anywhere; }
h1 { margin: .5rem 0 0; font-size: 1.6rem; } h2 { margin: 2.5rem 0 .25rem; font-size: 1.25rem; }
h3 { margin: 1.25rem 0 .25rem; font-size: .95rem; }
p { margin: .25rem 0 .75rem; } a { color: var(--link); }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin: .5rem 0; padding: 0; list-style: none; }
code, pre { font: .875em/1.5 ui-monospace, monospace; }
pre { margin: .25rem 0; padding: .6rem .75rem; background: var(--soft); border-radius: .4rem; overflow-x: auto; }
details.operation, details.schema { margin: .4rem 0; border: 1px solid var(--line); border-radius: .5rem; }
details[open] > summary { border-bottom: 1px solid var(--line); }
summary { display: flex; flex-wrap: wrap; gap: .15rem .75rem; align-items: baseline; padding: .55rem .75rem; cursor: pointer; }
summary:focus-visible { outline: 2px solid var(--link); outline-offset: 1px; border-radius: .5rem; }
summary .says { color: var(--quiet); }
.inside { padding: .25rem .75rem .9rem; }
.method { min-width: 4.2rem; padding: .05rem .4rem; border-radius: .3rem; font-size: .75rem; font-weight: 700; text-align: center;
  color: #fff; background: #55606c; }
.get { background: #1a6e3c; } .post { background: #0b57a4; } .put { background: #8a5a00; } .delete { background: #b3261e; }
ul.fields { margin: 0; padding-left: 1.1rem; } ul.fields li { margin: .1rem 0; }
.type, .note { color: var(--quiet); }
`;
