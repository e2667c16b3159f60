/** The element's own style sheet. A page reaches in by custom properties and by `::part()`. */

const TEXT = `
:host{--penstock-accent:#5fc6d6;--penstock-live:#ff5a5f;--penstock-background:#000;--penstock-panel:rgb(16 18 22/.88);
--penstock-text:#fff;--penstock-font:system-ui,sans-serif;
display:inline-block;position:relative;box-sizing:border-box;width:640px;max-width:100%;aspect-ratio:16/9;overflow:hidden;
background:var(--penstock-background);color:var(--penstock-text);font:14px/1.35 var(--penstock-font)}
:host([hidden]),[hidden]{display:none!important}
:host(:focus-visible){outline:3px solid var(--penstock-accent);outline-offset:-3px}
.frame{position:absolute;inset:0;container-type:size;touch-action:manipulation}
.place{position:absolute;inset:0}
.place>*{display:block}
button,input{font:inherit;color:inherit;margin:0}
button{border:0;border-radius:6px;padding:0;background:none;cursor:pointer}
:focus-visible{outline:2px solid var(--penstock-accent);outline-offset:-2px}
.aside{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.controls{position:absolute;inset:auto 0 0;display:flex;align-items:center;gap:2px;padding:4px 6px;
background:var(--penstock-panel);transition:opacity .2s}
.idle:not(:focus-within) .controls{opacity:0;pointer-events:none}
.idle{cursor:none}
.controls>button,.quality>button{flex:none;width:40px;height:40px;display:grid;place-items:center}
button:hover{background:rgb(255 255 255/.16)}
button[aria-pressed=true],button[aria-expanded=true]{color:var(--penstock-accent)}
svg{width:22px;height:22px}
.filled{fill:currentColor}
.line{fill:none;stroke:currentColor;stroke-width:2;stroke-linecap:round;stroke-linejoin:round}
input[type=range]{width:80px;height:24px;accent-color:var(--penstock-accent);cursor:pointer}
.live{display:flex;align-items:center;gap:6px;padding:0 8px;font-variant-numeric:tabular-nums;white-space:nowrap}
.live b{font-weight:600}
.live::before{content:"";width:8px;height:8px;border-radius:50%;background:#8a919c}
.live.on::before{background:var(--penstock-live)}
.space{flex:1}
.menu{position:absolute;right:6px;bottom:52px;display:grid;min-width:170px;max-width:calc(100% - 12px);
max-height:calc(100cqh - 64px);overflow:auto;padding:4px;border-radius:8px;background:var(--penstock-panel)}
.menu button{padding:8px 12px 8px 28px;text-align:start;position:relative}
.menu button[aria-checked=true]::before{content:"✓";position:absolute;left:10px}
.message{position:absolute;inset:0 0 48px;display:grid;place-content:center;justify-items:center;gap:12px;padding:8px;
text-align:center;pointer-events:none;animation:come .2s .5s both}
.message p{margin:0;max-width:60ch;overflow-wrap:anywhere}
.message p:not(:empty){padding:8px 12px;border-radius:8px;background:var(--penstock-panel);max-height:60cqh;overflow:auto;pointer-events:auto}
.message button{padding:10px 18px;background:var(--penstock-accent);color:#06262c;font-weight:600;pointer-events:auto}
.message[data-state=failed],.message[data-state=quiet]{animation:none}
.message[data-state=quiet]{inset:8px auto auto 8px;padding:0;display:flex}
.spinner{width:36px;height:36px;border-radius:50%;border:4px solid rgb(255 255 255/.3);border-top-color:var(--penstock-text);
animation:turn 1s linear infinite}
.statistics{position:absolute;top:8px;right:8px;max-width:calc(100% - 16px);max-height:calc(100% - 72px);overflow:auto;
box-sizing:border-box;margin:0;padding:8px 12px;border-radius:8px;background:var(--penstock-panel);font-size:12px;font-variant-numeric:tabular-nums}
.statistics div{display:grid;grid-template-columns:7.5em 1fr;gap:8px}
dt{color:#b9c0ca}
dd{margin:0;overflow-wrap:anywhere}
@container (max-width:460px){input[type=range],.controls>[part~=picture-button]{display:none}}
@container (max-width:330px){.controls{padding:2px;gap:0}.controls>button,.quality>button{width:32px;height:32px}
.live{padding:0 4px}.live span,.controls>[part~=statistics-button],.statistics{display:none}.menu{bottom:40px}.message{font-size:12px;bottom:36px;gap:6px}}
@keyframes turn{to{transform:rotate(1turn)}}
@keyframes come{from{visibility:hidden;opacity:0}}
@media (prefers-reduced-motion:reduce){.controls{transition:none}.message{animation-duration:1ms}.spinner{animation:none;border-style:dotted}}
@media (forced-colors:active){.filled{fill:ButtonText}.line{stroke:ButtonText}}
`;

let sheet: CSSStyleSheet | undefined;

/** One for all players of a page. */
export function styleSheet(): CSSStyleSheet {
	if (sheet === undefined) {
		sheet = new CSSStyleSheet();
		sheet.replaceSync(TEXT);
	}
	return sheet;
}
