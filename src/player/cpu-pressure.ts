/** How busy the viewer's CPU is, where the browser tells (Compute Pressure). */

/** nominal, fair, serious, critical */
type PressureState = string;

interface PressureObserver {
	observe(source: "cpu", options: { readonly sampleInterval: number }): Promise<void>;
	disconnect(): void;
}
type CreatePressureObserver = new (
	callback: (records: readonly { readonly state: PressureState }[]) => void,
) => PressureObserver;

const SAMPLE_INTERVAL_MS = 1000;

export class CpuPressure {
	/** Undefined where the browser does not say. */
	state: PressureState | undefined;
	readonly #observer: PressureObserver | undefined;

	constructor() {
		const { PressureObserver } = globalThis as { PressureObserver?: CreatePressureObserver };
		if (PressureObserver === undefined) return;
		this.#observer = new PressureObserver((records) => (this.state = records.at(-1)?.state));
		// Refused where the machine has no such sensor, or the page's policy forbids it.
		this.#observer.observe("cpu", { sampleInterval: SAMPLE_INTERVAL_MS }).catch(() => undefined);
	}

	destroy(): void {
		this.#observer?.disconnect();
	}
}
