/** The one style of all pages: calm, readable at 320 to 1,600 pixels, light and dark, and on paper. */
export const style = `
:root { color-scheme: light dark; --page: #faf9f6; --card: #ffffff; --ink: #1c2430; --soft: #5d6673; --line: #e5e2db;
  --accent: #0f6b63; --accent-soft: #d5e9e5; --wrong: #b4451f; --wrong-soft: #f6e2d9; --third: #6b5ca5; --fourth: #a37b12; --shade: #f3f1ec; }
@media (prefers-color-scheme: dark) { :root { --page: #13171c; --card: #1a2027; --ink: #e6e9ed; --soft: #98a3b0; --line: #2b333d;
  --accent: #5fbfb1; --accent-soft: #1e3a38; --wrong: #ee8f68; --wrong-soft: #43281d; --third: #aa9be0; --fourth: #d8b24a; --shade: #20272f; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; overflow-wrap: anywhere; }
main, body > header, body > footer { max-width: 72rem; margin: 0 auto; padding: 0 clamp(1rem, 4vw, 2.5rem); }
body > header { padding-top: clamp(1.5rem, 5vw, 3.5rem); }
.kicker { margin: 0 0 .5rem; color: var(--accent); font-size: .8125rem; font-weight: 600; letter-spacing: .06em; text-transform: uppercase; }
h1 { margin: 0; font-size: clamp(1.6rem, 4.5vw, 2.5rem); line-height: 1.15; letter-spacing: -.02em; text-wrap: balance; }
h2 { margin: 0 0 .25rem; font-size: 1.25rem; line-height: 1.3; letter-spacing: -.01em; }
h3 { margin: 0 0 .5rem; font-size: 1rem; }
p { margin: 0 0 .75rem; max-width: 44rem; }
.lead { margin-top: .75rem; font-size: 1.0625rem; color: var(--soft); }
.lead strong, .facts dd { color: var(--ink); }
.facts { display: flex; flex-wrap: wrap; gap: .5rem 2rem; margin: 1.25rem 0 0; padding: 1rem 0 0; border-top: 1px solid var(--line); font-size: .875rem; }
.facts dt { color: var(--soft); }
.facts dd { margin: 0; font-variant-numeric: tabular-nums; }
section { margin: clamp(2rem, 5vw, 3.25rem) 0; }
section > p { color: var(--soft); }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 10.5rem), 1fr)); gap: .75rem; margin: 0; padding: 0; list-style: none; }
.tile, .card, figure.chart { margin: 0; border: 1px solid var(--line); border-radius: .75rem; background: var(--card); }
.tile { padding: .9rem 1rem; }
.tile b { display: block; font-size: 1.7rem; font-weight: 600; line-height: 1.25; letter-spacing: -.02em; font-variant-numeric: tabular-nums; }
.tile span, .tile small { display: block; font-size: .8125rem; color: var(--soft); font-variant-numeric: tabular-nums; }
.tile.main { border-color: var(--accent); background: var(--accent-soft); }
.tile.main span, .tile.main small { color: var(--ink); }
.tile svg { display: block; width: 100%; height: .75rem; margin: .35rem 0 .1rem; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: .75rem; }
figure.chart { padding: 1rem 1rem .75rem; min-width: 0; }
figure.chart figcaption { margin-bottom: .5rem; font-size: .9375rem; font-weight: 600; }
figure.chart figcaption small { display: block; font-weight: 400; color: var(--soft); }
figure.chart > svg { display: block; width: 100%; max-width: 32rem; height: auto; margin: 0 auto; }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: .75rem; background: var(--card); }
.pair { display: flex; flex-wrap: wrap; gap: .75rem; align-items: flex-start; }
.pair > * { min-width: 0; max-width: 100%; } .pair > .beside { flex: 1 1 18rem; }
.scroll.wide svg { display: block; margin: 1rem; max-width: none; height: auto; }
table { width: 100%; border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
th, td { padding: .5rem .75rem; text-align: left; vertical-align: top; border-top: 1px solid var(--line); overflow-wrap: break-word; }
thead th { border-top: 0; color: var(--soft); font-weight: 500; white-space: nowrap; }
table { overflow-wrap: break-word; } tbody th { min-width: 5.5rem; font-weight: 600; }
td.number, th.number { text-align: right; white-space: nowrap; }
td small, th small { display: block; color: var(--soft); font-weight: 400; }
td svg { display: block; width: 100%; min-width: 4.5rem; height: .75rem; margin-top: .3rem; }
.bars { display: grid; grid-template-columns: minmax(4rem, max-content) 1fr max-content; gap: .35rem .75rem; align-items: center; margin: 0; padding: 0; list-style: none; font-size: .875rem; }
.bars li { display: contents; }
.bars svg { width: 100%; height: .875rem; border-radius: .2rem; background: var(--shade); }
.bars span:last-child { text-align: right; font-variant-numeric: tabular-nums; color: var(--soft); }
.gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 13rem), 1fr)); gap: .75rem; margin: 0; padding: 0; list-style: none; }
.gallery.broad { grid-template-columns: repeat(auto-fill, minmax(min(100%, 21rem), 1fr)); }
.card { overflow: hidden; display: flex; flex-direction: column; font-size: .875rem; }
.card > .media { display: flex; align-items: center; justify-content: center; min-height: 8rem; background: var(--shade); }
.card > .media.low { min-height: 0; padding: .75rem; }
.card img { display: block; max-width: 100%; max-height: 12rem; }
.card img.small { width: 7rem; image-rendering: pixelated; }
.card .layers { position: relative; display: flex; }
.card .layers svg { position: absolute; inset: 0; width: 100%; height: 100%; }
.card dl.row { margin-bottom: .5rem; padding-bottom: .5rem; border-bottom: 1px solid var(--line); }
.card audio { width: 100%; }
.card > div:not(.media) { padding: .75rem 1rem; }
.card blockquote { margin: 0 0 .6rem; font-size: .9375rem; white-space: pre-wrap; }
.card dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem .75rem; margin: 0; }
.card dt { color: var(--soft); }
.card dd { margin: 0; }
.card .source { margin: .5rem 0 0; font-size: .75rem; color: var(--soft); }
.right { color: var(--accent); } .wrong { color: var(--wrong); }
del { color: var(--wrong); background: var(--wrong-soft); } ins { color: var(--accent); background: var(--accent-soft); text-decoration: none; }
.notes { margin: 0; padding-left: 1.1rem; color: var(--soft); font-size: .9375rem; max-width: 44rem; }
body > footer { padding-top: 1.5rem; padding-bottom: 2.5rem; color: var(--soft); font-size: .8125rem; }
svg text { fill: var(--soft); font-size: 11px; font-family: inherit; }
svg .strong { fill: var(--ink); } svg .on { fill: var(--card); } svg .middle { text-anchor: middle; } svg .end { text-anchor: end; } svg .box { fill: none; stroke-width: 2; vector-effect: non-scaling-stroke; } svg .box.found { stroke-dasharray: 5 3; }
svg .axis { stroke: var(--line); stroke-width: 1; fill: none; } svg .guide { stroke: var(--soft); stroke-dasharray: 3 4; fill: none; }
svg .line { fill: none; stroke-width: 2; stroke-linejoin: round; }
svg .fill { fill: var(--accent); } svg .soft { fill: var(--accent-soft); } svg .bad { fill: var(--wrong); } svg .ground { fill: var(--shade); }
svg .ink { stroke: var(--ink); stroke-width: 2; } svg .range { stroke: var(--accent); stroke-width: 3; stroke-linecap: round; } svg .track { stroke: var(--line); stroke-width: 1; }
svg .s0 { stroke: var(--accent); } svg .s1 { stroke: var(--wrong); } svg .s2 { stroke: var(--third); } svg .s3 { stroke: var(--fourth); } svg .s4 { stroke: var(--soft); }
.key { display: flex; flex-wrap: wrap; gap: .15rem 1rem; margin: .5rem 0 0; padding: 0; list-style: none; font-size: .8125rem; color: var(--soft); }
.key svg { display: inline-block; width: 1.1rem; height: .5rem; margin-right: .4rem; vertical-align: middle; }
a { color: var(--accent); }
code, pre { font: .875em/1.5 ui-monospace, monospace; }
pre { margin: .75rem 0 0; padding: .6rem .75rem; background: var(--shade); border-radius: .5rem; overflow-x: auto; }
details { margin: .4rem 0; padding: 0 1rem; border: 1px solid var(--line); border-radius: .75rem; background: var(--card); overflow: hidden; }
details[open] { padding-bottom: .75rem; } details small { color: var(--soft); font-size: .875rem; } details h3 { margin: 1rem 0 .25rem; }
summary { display: flex; flex-wrap: wrap; gap: .1rem .75rem; align-items: baseline; margin: 0 -1rem; padding: .6rem 1rem; cursor: pointer; }
summary b { min-width: 4.2rem; color: var(--accent); font-size: .8125rem; } summary:focus-visible { outline: 2px solid var(--accent); outline-offset: -2px; }
.fields { margin: 0; padding-left: 1.1rem; }
@media print { :root { --page: #fff; --card: #fff; --ink: #000; --soft: #444; --line: #ccc; --accent: #0f6b63; --accent-soft: #e6f2f0; --wrong: #b4451f; --wrong-soft: #f6e2d9; --shade: #f4f4f4; }
  body { font-size: 11pt; } main, body > header, body > footer { max-width: none; padding: 0; } section { margin: 1.5rem 0; } h2 { break-after: avoid; }
  .tile, .card, figure.chart, tr { break-inside: avoid; } .scroll { overflow: visible; } audio { display: none; } * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
`;
