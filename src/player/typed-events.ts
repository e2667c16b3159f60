/** Event targets whose events are known by name, with what their `detail` is. */

type Listener<Detail> = (event: CustomEvent<Detail>) => void;

/** In front of an `EventTarget` in an intersection: then a known name gives its listener's type. */
export interface TypedEvents<Events> {
	addEventListener<Name extends keyof Events & string>(
		type: Name,
		listener: Listener<Events[Name]>,
		options?: boolean | AddEventListenerOptions,
	): void;
	removeEventListener<Name extends keyof Events & string>(
		type: Name,
		listener: Listener<Events[Name]>,
		options?: boolean | EventListenerOptions,
	): void;
}
