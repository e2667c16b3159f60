/** Which kind of `MediaSource` there is, in a page or in a worker. */

/** Safari's own kind (the only one on its phones) says when it wants media. */
interface ManagedSource extends MediaSource {
	readonly streaming: boolean;
}

interface SourceConstructor {
	new (): MediaSource;
	isTypeSupported(type: string): boolean;
	readonly canConstructInDedicatedWorker?: boolean;
}

interface SourceScope {
	readonly ManagedMediaSource?: SourceConstructor;
	readonly MediaSource?: SourceConstructor;
}

/** The plain kind first: where both are, it is a computer, and nothing needs to be saved. */
export function mediaSourceHere(): SourceConstructor | undefined {
	const { MediaSource: plain, ManagedMediaSource: managed } = globalThis as SourceScope;
	return plain ?? managed;
}

/** For a worker: whether sources can be made there and handed to the page's element. */
export const canMakeSourceInWorker = (): boolean => mediaSourceHere()?.canConstructInDedicatedWorker === true;

/** A managed source that has enough for now. */
export const isHeld = (source: MediaSource): boolean => (source as Partial<ManagedSource>).streaming === false;

/** What a worker gives to the page in a source's stead. */
export const handleOf = (source: MediaSource): MediaSourceHandle =>
	(source as MediaSource & { readonly handle: MediaSourceHandle }).handle;
