/** The menu of renditions: what the viewer wishes for, and what is played where the choice is the server's. */
import { make, makeButton } from "./make.ts";
import type { PlayerView } from "./player-view.ts";

interface Choice {
	readonly name: string;
	readonly label: string;
}

/** By key: from the item that has the focus to the one that gets it. */
const MOVES: Readonly<Record<string, (index: number, count: number) => number>> = {
	ArrowDown: (index, count) => (index + 1) % count,
	ArrowUp: (index, count) => (index + count - 1) % count,
	Home: () => 0,
	End: (_, count) => count - 1,
};

export class QualityMenu {
	readonly element: HTMLElement;
	readonly #player: PlayerView;
	readonly #button: HTMLButtonElement;
	readonly #list = make("div", { role: "menu", part: "menu", class: "menu", "aria-label": "Quality" });
	/** What the items stand for, to make them anew only when it changes. */
	#made = "";

	constructor(player: PlayerView) {
		this.#player = player;
		this.#button = makeButton("quality-button", "quality", "Quality", () => this.toggle());
		this.#button.setAttribute("aria-haspopup", "menu");
		this.element = make("div", { class: "quality" }, this.#button, this.#list);
		this.element.addEventListener("keydown", (event) => this.#key(event));
		this.element.addEventListener("focusout", ({ relatedTarget }) => {
			if (!this.element.contains(relatedTarget as Node | null)) this.toggle(false);
		});
		this.toggle(false);
	}

	get isOpen(): boolean {
		return !this.#list.hidden;
	}

	toggle(open = !this.isOpen): void {
		this.#list.hidden = !open;
		this.#button.setAttribute("aria-expanded", String(open));
		if (open) (this.#items.find((item) => item.ariaChecked === "true") ?? this.#items[0])?.focus();
	}

	update(): void {
		const { description, rendition, statistics } = this.#player;
		const shown = statistics?.rendition;
		const choices: Choice[] = (description?.renditions ?? []).map(({ name, height, bitrateBps }) => ({
			name,
			label: [name, height && `${height}p`, bitrateBps && megabits(bitrateBps)].filter(Boolean).join(" · "),
		}));
		this.element.hidden = choices.length < 2;
		const auto = rendition === "auto" && shown?.name !== undefined ? `auto · now ${shown.name}` : "auto";
		this.#offer([{ name: "auto", label: auto }, ...choices]);
		for (const item of this.#items) {
			const isChosen = item.dataset["name"] === rendition;
			item.setAttribute("aria-checked", String(isChosen));
			item.tabIndex = isChosen ? 0 : -1;
		}
	}

	get #items(): readonly HTMLElement[] {
		return [...this.#list.children] as HTMLElement[];
	}

	#offer(choices: readonly Choice[]): void {
		const names = JSON.stringify(choices.map(({ name }) => name));
		if (names !== this.#made) {
			this.#made = names;
			this.#list.replaceChildren(...choices.map(({ name }) => this.#item(name)));
		}
		for (const [index, { label }] of choices.entries()) {
			const item = this.#items[index]!;
			if (item.textContent !== label) item.textContent = label;
		}
	}

	#item(name: string): HTMLElement {
		const item = make("button", { type: "button", role: "menuitemradio", part: "menu-item", "data-name": name });
		item.addEventListener("click", () => {
			this.#player.rendition = name;
			this.toggle(false);
			this.#button.focus();
		});
		return item;
	}

	#key(event: KeyboardEvent): void {
		const { key } = event;
		const items = this.#items;
		const move = MOVES[key];
		if (key === "Escape" && this.isOpen) {
			this.toggle(false);
			this.#button.focus();
		} else if (move !== undefined && this.isOpen) {
			const root = this.element.getRootNode() as ShadowRoot;
			items[move(items.indexOf(root.activeElement as HTMLElement), items.length)]!.focus();
		} else if (key === "ArrowDown" && event.target === this.#button) {
			this.toggle(true);
		} else {
			return;
		}
		event.preventDefault();
		event.stopPropagation();
	}
}

const megabits = (bps: number): string => `${(bps / 1e6).toFixed(bps < 1e6 ? 2 : 1)} Mbit/s`;
