/**
 * The few globals that every JavaScript engine has and that the pure rooms may use.
 * They get no `node` and no DOM types, so that a timer, a socket or `console` does not type-check there.
 */
declare class TextEncoder {
	encode(text: string): Uint8Array<ArrayBuffer>;
}
declare class TextDecoder {
	constructor(label?: string, options?: { fatal?: boolean });
	decode(bytes: Uint8Array): string;
}
declare class URLSearchParams {
	constructor(init?: string);
	get(name: string): string | null;
	getAll(name: string): string[];
	has(name: string): boolean;
}
