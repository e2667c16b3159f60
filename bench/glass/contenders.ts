/** Who is measured, and by what name. */
import { PACKAGINGS, type PackagingName } from "../kit/report.ts";
import type { PlayOrder } from "./page-model.ts";

export const RENDERERS = ["webcodecs", "mse"] as const;
export type RendererName = (typeof RENDERERS)[number];

/** Everybody plays this one, and stays on it. */
export const RENDITION = "mid";

/** Where the same encode can be had. */
export interface Addresses {
	readonly penstock: (packaging: PackagingName) => string;
	readonly hls: string;
	readonly nodeMediaServer: string;
}

export interface Contender {
	/** As results begin. */
	readonly name: string;
	/** Contenders of the same group are one in figures of the first picture. */
	readonly group: string;
	readonly order: (addresses: Addresses) => PlayOrder;
}

const PENSTOCK: readonly Contender[] = RENDERERS.flatMap((renderer) =>
	PACKAGINGS.map((packaging) => ({
		...{ name: `${renderer}.${packaging}`, group: renderer },
		order: ({ penstock }: Addresses): PlayOrder => ({
			...{ player: "penstock", src: penstock(packaging), renderer, rendition: RENDITION },
		}),
	})),
);

const PEERS: readonly Contender[] = [
	{
		...{ name: "hls", group: "hls" },
		order: ({ hls }) => ({ player: "hls", src: hls, settings: "lowest" }),
	},
	{
		...{ name: "hlsDefault", group: "hlsDefault" },
		order: ({ hls }) => ({ player: "hls", src: hls, settings: "default" }),
	},
	{
		...{ name: "nodeMediaServer", group: "nodeMediaServer" },
		order: ({ nodeMediaServer }) => ({ player: "mpegts", src: nodeMediaServer }),
	},
];

export const CONTENDERS: readonly Contender[] = [...PENSTOCK, ...PEERS];
