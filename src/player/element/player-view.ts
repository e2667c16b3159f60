/** What the parts of the element's surface may know and do of the player behind it. */
import type { ChannelDescription } from "../../wire/channel-description.ts";
import type { PlayerProblem, PlayerState, PlayerStatistics } from "../player-model.ts";

export interface PlayerView {
	readonly state: PlayerState;
	readonly paused: boolean;
	readonly problem: PlayerProblem | undefined;
	readonly statistics: PlayerStatistics | undefined;
	readonly description: ChannelDescription | undefined;
	volume: number;
	muted: boolean;
	rendition: string;
	play(): void;
	pause(): void;
}
