/** Elements in one line, and icons. */

/** @param attributes `undefined` leaves one out */
export function make<Tag extends keyof HTMLElementTagNameMap>(
	tag: Tag,
	attributes: Readonly<Record<string, string | undefined>> = {},
	...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Tag] {
	const element = document.createElement(tag);
	for (const [name, value] of Object.entries(attributes)) if (value !== undefined) element.setAttribute(name, value);
	element.append(...children);
	return element;
}

const SVG = "http://www.w3.org/2000/svg";

/** On 24 × 24: what is filled, and what is drawn with a line. */
const ICONS = {
	play: ["M7 4v16l13-8z", ""],
	pause: ["M6 4h4v16H6zM14 4h4v16h-4z", ""],
	loud: ["M3 9v6h4l5 5V4L7 9z", "M15.5 8.5a5 5 0 0 1 0 7M18 5.5a9 9 0 0 1 0 13"],
	mute: ["M3 9v6h4l5 5V4L7 9z", "M16 9l6 6m0-6l-6 6"],
	quality: ["", "M4 6h16M4 12h16M4 18h16M9 3.5v5M16 9.5v5M7 15.5v5"],
	statistics: ["", "M4 20V10M10 20V4M16 20v-8M21 20H3"],
	picture: ["M12 12h8v6h-8z", "M3 5h18v14H3z"],
	fullscreen: ["", "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5"],
	leave: ["", "M9 4v5H4M20 9h-5V4M15 20v-5h5M4 15h5v5"],
} as const;
export type IconName = keyof typeof ICONS;

function icon(name: IconName): SVGElement {
	const svg = document.createElementNS(SVG, "svg");
	svg.setAttribute("viewBox", "0 0 24 24");
	svg.setAttribute("aria-hidden", "true");
	for (const [index, d] of ICONS[name].entries()) {
		const path = document.createElementNS(SVG, "path");
		path.setAttribute("d", d);
		path.setAttribute("class", index === 0 ? "filled" : "line");
		svg.append(path);
	}
	return svg;
}

/** @param part by which a page's style reaches it: `penstock-player::part(mute-button)` */
export function makeButton(part: string, name: IconName, label: string, onClick: () => void): HTMLButtonElement {
	const button = make("button", { type: "button", part: `button ${part}` });
	button.addEventListener("click", onClick);
	setButton(button, name, label);
	return button;
}

/** Changes nothing where it is so already, so that nobody hears it again. */
export function setButton(button: HTMLButtonElement, name: IconName, label: string): void {
	if (button.dataset["icon"] !== name) button.replaceChildren(icon(name));
	button.dataset["icon"] = name;
	if (button.getAttribute("aria-label") === label) return;
	button.setAttribute("aria-label", label);
	button.title = label;
}
