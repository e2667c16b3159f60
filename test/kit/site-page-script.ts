/**
 * The page's half of `site-page.ts`: shows `<penstock-player>` elements and keeps what they tell until the test takes
 * it. Bundled for the page by the kit; runs in a browser only.
 */

import type { PenstockPlayerElement } from "../../src/player/element/player-element.ts";
import type { PlayerProblem, PlayerState, PlayerStatistics, SignalReading } from "../../src/player/player-model.ts";

/** Of one player, what was told since it was last asked, and how it is now. */
export interface PlayerSight {
	readonly state: PlayerState;
	readonly problem: PlayerProblem | undefined;
	readonly statistics: PlayerStatistics | undefined;
	readonly viewer: string | undefined;
	readonly src: string;
	readonly readings: readonly SignalReading[];
	readonly problems: readonly PlayerProblem[];
	readonly states: readonly PlayerState[];
}

interface Shown {
	readonly element: PenstockPlayerElement;
	readings: SignalReading[];
	problems: PlayerProblem[];
	states: PlayerState[];
}

class Site {
	readonly #shown: Shown[] = [];

	/** @param attributes of each player, in order */
	show(attributes: readonly Readonly<Record<string, string>>[]): void {
		for (const one of attributes) {
			const element = document.createElement("penstock-player");
			const shown: Shown = { element, readings: [], problems: [], states: [] };
			element.addEventListener("signal", ({ detail }) => shown.readings.push(...detail.readings));
			element.addEventListener("error", ({ detail }) => shown.problems.push(detail));
			element.addEventListener("statechange", ({ detail }) => shown.states.push(detail.state));
			for (const [name, value] of Object.entries(one)) element.setAttribute(name, value);
			this.#shown.push(shown);
			document.body.append(element);
		}
	}

	/** What is taken is not kept. */
	take(): PlayerSight[] {
		return this.#shown.map((shown) => {
			const { element, readings, problems, states } = shown;
			Object.assign(shown, { readings: [], problems: [], states: [] } satisfies Partial<Shown>);
			const { state, problem, statistics, viewer, src } = element;
			return { state, problem, statistics, viewer, src, readings, problems, states };
		});
	}

	play(index: number): void {
		this.#shown[index]!.element.play();
	}

	pause(index: number): void {
		this.#shown[index]!.element.pause();
	}
}

(globalThis as unknown as { site: Site }).site = new Site();
