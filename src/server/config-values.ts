/**
 * The kinds of single values that a configuration has. Each says in one phrase what it allows; the phrase ends the
 * sentence "`http.listen` is … but must be …". Text from the environment and from YAML goes through the same code, so
 * a number may also be written as text.
 */
import * as z from "zod";
import { type Network, parseNetwork } from "../distribution/network.ts";
import type { FrameRate } from "../ladder/ladder-config.ts";
import { type ListenAddress, parseListenAddress } from "./listen-address.ts";
import { parseNatsUrl } from "./nats-url.ts";

/** A value of any type that `read` turns into a `Value`, or into undefined where it is not `allowed`. */
function value<Value>(allowed: string, read: (raw: unknown) => Value | undefined): z.ZodType<Value> {
	return z.unknown().transform((raw, context) => {
		const found = read(raw);
		if (found !== undefined) return found;
		context.issues.push({ code: "custom", message: allowed, input: raw });
		return z.NEVER;
	});
}

interface NumberForm {
	readonly min: number;
	readonly max: number;
	readonly fractions?: boolean;
	/** Suffixes by what they multiply with; suffixed numbers may have fractions, the product is rounded. */
	readonly suffixes?: Readonly<Record<string, number>>;
}

function numberFrom(raw: unknown, suffixes: Readonly<Record<string, number>> = {}): number | undefined {
	if (typeof raw === "number") return raw;
	if (typeof raw !== "string") return undefined;
	const match = /^([0-9]+(?:\.[0-9]+)?)([A-Za-z]*)$/.exec(raw);
	if (match === null) return undefined;
	const number = Number(match[1]);
	if (match[2] === "") return number;
	const factor = Object.hasOwn(suffixes, match[2]!) ? suffixes[match[2]!] : undefined;
	return factor === undefined ? undefined : Math.round(number * factor);
}

function numberValue(form: NumberForm, what: string): z.ZodType<number> {
	const { min, max, fractions = false, suffixes } = form;
	return value(`${what} from ${min} to ${max}`, (raw) => {
		const number = numberFrom(raw, suffixes);
		if (number === undefined || !(number >= min && number <= max)) return undefined;
		return fractions || Number.isInteger(number) ? number : undefined;
	});
}

export const wholeNumber = (min: number, max: number): z.ZodType<number> => numberValue({ min, max }, "a whole number");

export const evenNumber = (min: number, max: number): z.ZodType<number> =>
	value(`an even number from ${min} to ${max}`, (raw) => {
		const number = numberFrom(raw);
		return number !== undefined && number >= min && number <= max && number % 2 === 0 ? number : undefined;
	});

/** A number that may have a fraction. */
export const factor = (min: number, max: number): z.ZodType<number> =>
	numberValue({ min, max, fractions: true }, "a number");

/** A share from 0 to 1. */
export const share = (): z.ZodType<number> => numberValue({ min: 0, max: 1, fractions: true }, "a share");

export const durationMs = (min: number, max: number): z.ZodType<number> =>
	numberValue({ min, max, suffixes: { ms: 1, s: 1000 } }, 'a duration in milliseconds (or "500ms", "2s")');

export const bitrateBps = (min: number, max: number): z.ZodType<number> =>
	numberValue({ min, max, suffixes: { k: 1e3, M: 1e6, G: 1e9 } }, 'a bit rate in bits per second (or "500k", "3M")');

export const flag = (): z.ZodType<boolean> =>
	value("true or false", (raw) => {
		if (raw === true || raw === "true") return true;
		return raw === false || raw === "false" ? false : undefined;
	});

export const text = (what: string): z.ZodType<string> =>
	value(`${what}, as text`, (raw) => (typeof raw === "string" && raw !== "" ? raw : undefined));

export const oneOf = <const Word extends string>(words: readonly Word[]): z.ZodType<Word> =>
	value(`one of ${words.join(", ")}`, (raw) => words.find((word) => word === raw));

/** Those that AAC has, ISO/IEC 14496-3 table 1.18. */
const SAMPLE_RATES = [8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 64_000, 88_200, 96_000];

export const sampleRate = (): z.ZodType<number> =>
	value(`one of ${SAMPLE_RATES.join(", ")}`, (raw) => SAMPLE_RATES.find((rate) => rate === numberFrom(raw)));

const LISTEN_ADDRESS = 'an address to listen on such as "127.0.0.1:8080" or "[::1]:8080"';

const listenAddressFrom = (raw: unknown, bareHost: string): ListenAddress | undefined =>
	typeof raw === "string" || typeof raw === "number" ? parseListenAddress(String(raw), bareHost) : undefined;

/** @param bareHost where a bare port listens */
export const listenAddress = (bareHost: string): z.ZodType<ListenAddress> =>
	value(LISTEN_ADDRESS, (raw) => listenAddressFrom(raw, bareHost));

const MOST_LISTENERS = 16;

/** One address, or several: in a list, or (for the environment) in one text with commas between. */
export const listenAddresses = (bareHost: string): z.ZodType<readonly ListenAddress[]> =>
	z.unknown().transform((raw, context) => {
		const given: readonly unknown[] = Array.isArray(raw) ? raw : textWithCommas(raw);
		if (given.length === 0 || given.length > MOST_LISTENERS) {
			const message = `${LISTEN_ADDRESS}, or a list of 1 to ${MOST_LISTENERS} of them`;
			context.issues.push({ code: "custom", message, input: raw });
			return z.NEVER;
		}
		return given.flatMap((one, index) => {
			const address = listenAddressFrom(one, bareHost);
			if (address !== undefined) return address;
			const path = Array.isArray(raw) ? [index] : [];
			context.issues.push({ code: "custom", message: LISTEN_ADDRESS, input: one, path });
			return [];
		});
	});

const textWithCommas = (raw: unknown): readonly unknown[] =>
	typeof raw === "string" ? raw.split(",").map((one) => one.trim()) : [raw];

export const corsOrigin = (): z.ZodType<string> =>
	value('"*" or an origin such as "https://example.net"', (raw) => {
		if (raw === "*") return "*";
		if (typeof raw !== "string" || !/^https?:\/\//.test(raw) || !URL.canParse(raw)) return undefined;
		return new URL(raw).origin === raw.toLowerCase() ? raw.toLowerCase() : undefined;
	});

export const natsUrl = (): z.ZodType<URL> =>
	value('the URL of a NATS server such as "nats://127.0.0.1:4222"', (raw) =>
		typeof raw === "string" ? parseNatsUrl(raw) : undefined,
	);

export const network = (): z.ZodType<Network> =>
	value('a network such as "10.0.0.0/8" or "fd00::/8", without bits behind its prefix', (raw) =>
		typeof raw === "string" ? parseNetwork(raw) : undefined,
	);

export interface PortRange {
	readonly first: number;
	readonly last: number;
}

/** Ports that are nobody's by right, in pairs. */
const LOWEST_PORT = 1024;
const FEWEST_PORTS = 100;

export const portRange = (): z.ZodType<PortRange> =>
	value(`a range of at least ${FEWEST_PORTS} ports from ${LOWEST_PORT} to 65535, such as "20000-29999"`, (raw) => {
		const match = typeof raw === "string" ? /^(\d{4,5})-(\d{4,5})$/.exec(raw) : null;
		const [first, last] = [Number(match?.[1] ?? 0), Number(match?.[2] ?? 0)];
		return first >= LOWEST_PORT && last <= 65_535 && last - first >= FEWEST_PORTS - 1 ? { first, last } : undefined;
	});

const HIGHEST_FRAME_RATE = 240;

/** Frames per second: 30, 12.5, "30000/1001"; 23.976, 29.97 and 59.94 mean the fractions that they are short for. */
export const frameRate = (): z.ZodType<FrameRate> =>
	value(`frames per second from 1 to ${HIGHEST_FRAME_RATE}, such as 30 or "30000/1001"`, (raw) => {
		const rate = fractionFrom(raw);
		if (rate === undefined) return undefined;
		const perSecond = rate.numerator / rate.denominator;
		return perSecond >= 1 && perSecond <= HIGHEST_FRAME_RATE ? rate : undefined;
	});

function fractionFrom(raw: unknown): FrameRate | undefined {
	const fraction = typeof raw === "string" ? /^([1-9][0-9]{0,8})\/([1-9][0-9]{0,8})$/.exec(raw) : null;
	if (fraction !== null) return { numerator: Number(fraction[1]), denominator: Number(fraction[2]) };
	const number = numberFrom(raw);
	if (number === undefined || !(number > 0)) return undefined;
	const nominal = Math.ceil(number);
	const isNtsc = number !== nominal && [24, 30, 60].includes(nominal) && Math.abs(number - nominal / 1.001) < 0.005;
	if (isNtsc) return { numerator: nominal * 1000, denominator: 1001 };
	const numerator = Math.round(number * 1000);
	const divisor = greatestCommonDivisor(numerator, 1000);
	return { numerator: numerator / divisor, denominator: 1000 / divisor };
}

function greatestCommonDivisor(a: number, b: number): number {
	return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
