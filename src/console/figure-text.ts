/** Figures as people read them. All are given in the unit that their API names end in. */

/** Where a figure is not known. */
export const UNKNOWN = "–";

type Maybe = number | null | undefined;

const known = (value: Maybe): value is number => value !== undefined && value !== null && Number.isFinite(value);
const when = (value: Maybe, text: (value: number) => string): string => (known(value) ? text(value) : UNKNOWN);

const counts = new Intl.NumberFormat("en-GB");

export const countText = (value: Maybe): string => when(value, (count) => counts.format(count));

/** `480 kbit/s`, `2.48 Mbit/s`, `1.20 Gbit/s` */
export const bitrateText = (bps: Maybe): string =>
	when(bps, (value) => {
		if (value >= 999.5e6) return `${threeDigits(value / 1e9)} Gbit/s`;
		if (value >= 999.5e3) return `${threeDigits(value / 1e6)} Mbit/s`;
		return `${Math.round(value / 1e3)} kbit/s`;
	});

/** Packets a second: `0.4 /s`, `1,250 /s`, `1.25 M/s` */
export const packetRateText = (perSecond: Maybe): string =>
	when(perSecond, (value) => {
		if (value >= 999.5e3) return `${threeDigits(value / 1e6)} M/s`;
		return `${value > 0 && value < 9.95 ? value.toFixed(1) : counts.format(Math.round(value))} /s`;
	});

export const bytesText = (bytes: Maybe): string =>
	when(bytes, (value) => {
		if (value >= 999.5e6) return `${threeDigits(value / 1e9)} GB`;
		if (value >= 999.5e3) return `${threeDigits(value / 1e6)} MB`;
		return `${Math.round(value / 1e3)} kB`;
	});

/** A share of 1 as a percentage. */
export const shareText = (share: Maybe): string => when(share, (value) => `${Math.round(value * 100)} %`);

/** `87 ms`, `1.25 s`, `12 s` */
export const delayText = (ms: Maybe): string =>
	when(ms, (value) => {
		if (value < 999.5) return `${value < 9.95 && value > 0 ? value.toFixed(1) : Math.round(value)} ms`;
		return value < 9_995 ? `${(value / 1000).toFixed(2)} s` : `${Math.round(value / 1000)} s`;
	});

/** `42 s`, `3 min 05 s`, `2 h 04 min`, `3 d 2 h` */
export function spanText(ms: Maybe): string {
	return when(ms, (value) => {
		const seconds = Math.max(0, Math.round(value / 1000));
		const [minutes, hours, days] = [Math.floor(seconds / 60), Math.floor(seconds / 3600), Math.floor(seconds / 86_400)];
		if (days > 0) return `${days} d ${hours % 24} h`;
		if (hours > 0) return `${hours} h ${twoDigits(minutes % 60)} min`;
		return minutes > 0 ? `${minutes} min ${twoDigits(seconds % 60)} s` : `${seconds} s`;
	});
}

/** How fast an encoder is: `1.00×`. */
export const speedText = (speed: Maybe): string => when(speed, (value) => `${value.toFixed(2)}×`);

export const sizeText = (width: Maybe, height: Maybe): string =>
	known(width) && known(height) ? `${width}×${height}` : UNKNOWN;

/** The time of day by the reader's own clock. */
export const timeText = (iso: string): string =>
	new Date(iso).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

const threeDigits = (value: number): string =>
	value >= 99.95 ? value.toFixed(0) : value.toFixed(value >= 9.995 ? 1 : 2);
const twoDigits = (value: number): string => String(value).padStart(2, "0");
