/**
 * The server put together: configuration in, listeners and channels out. The only place that knows all parts.
 */
import type { AddressInfo } from "node:net";
import type { FastifyInstance } from "fastify";
import type { Clock } from "../base/clock.ts";
import type { Name } from "../base/name.ts";
import { milliseconds } from "../base/units.ts";
import { MediaEndpoint } from "../delivery/media-endpoint.ts";
import type { Programmes } from "../delivery/programme.ts";
import { loadSocketOptions } from "../delivery/socket-options.ts";
import { Viewers } from "../delivery/viewers.ts";
import { flv } from "../media/flv/flv.ts";
import { fmp4 } from "../media/fmp4/fmp4.ts";
import { mpegTs } from "../media/mpegts/mpegts.ts";
import type { Packaging } from "../media/packaging.ts";
import { rtp } from "../media/rtp/rtp.ts";
import { ServerLoad } from "../switching/server-load.ts";
import type { ServerFigures } from "../switching/state.ts";
import { AccessHost } from "./access-host.ts";
import { createApi } from "./api.ts";
import { ApiLogin } from "./api-login.ts";
import type { ChannelHost } from "./channel-host.ts";
import { ChannelSet } from "./channel-set.ts";
import type { ChannelConfig, Config, ServerConfig } from "./config.ts";
import { DistributionHost, reloadRules } from "./distribution-host.ts";
import { HostedDistribution } from "./distribution-model.ts";
import { checkFfmpeg } from "./ffmpeg-check.ts";
import { type ChannelSurroundings, type OpenedChannel, openChannel } from "./hosted-channel.ts";
import { formatListenAddress, type ListenAddress, listenError } from "./listen-address.ts";
import type { Log } from "./log.ts";
import { LogLimiter } from "./log-limiter.ts";
import { Machine } from "./machine.ts";
import { nodeReadings } from "./machine-readings.ts";
import { MadeChannels } from "./made-channels.ts";
import { addressOf, MediaListeners } from "./media-listeners.ts";
import { MediaRoutes } from "./media-routes.ts";
import { nodeClock } from "./node-time.ts";
import { Pages } from "./pages.ts";
import { createPolicy } from "./policies.ts";
import { Publishing } from "./publishing.ts";
import { PushRoutes } from "./push-routes.ts";
import type { RtspAddresses } from "./relay/rtsp-listeners.ts";
import { RtspService } from "./relay/rtsp-service.ts";
import { reloadSecrets } from "./reload-secrets.ts";
import { ReportServices } from "./report-services.ts";
import type { RtmpAddresses } from "./rtmp-listeners.ts";
import { ServerModel } from "./server-model.ts";
import { SessionWishes } from "./session-wishes.ts";
import { packageVersion } from "./version.ts";
import { ViewerDoor } from "./viewer-door.ts";
import { loadWebFiles } from "./web-files.ts";

export interface RunningServer {
	/** Where viewers come; where there are several listeners, the first; undefined where there is none. */
	readonly http: ListenAddress | undefined;
	/** Where the API and the metrics are. */
	readonly api: ListenAddress;
	/** Of the packagings that it has, without the dot. */
	readonly extensions: readonly string[];
	/**
	 * Reads again what can be while the server runs: the file with the distribution plane's rules, certificates; and of
	 * the configuration, where it has been read anew, the section `access` and the API's token. What is wrong goes to the
	 * log, and what was in force stays.
	 */
	reload(fresh: Config | undefined): Promise<void>;
	/** Takes no new viewer, lets the others end at the end of their unit, stops the encoders. Idempotent. */
	drain(): Promise<void>;
}

const PACKAGINGS: readonly Packaging[] = [mpegTs, flv, fmp4, rtp];
const EXTENSIONS = PACKAGINGS.map(({ extension }) => extension);

/**
 * Starts everything that the configuration names.
 * @throws PenstockError POLICY_MODULE, FFMPEG_MISSING, FFMPEG_TOO_OLD, FFMPEG_CAPABILITY, LISTEN_ADDRESS, RULES_FILE,
 * ENGINE_UNAVAILABLE, ACCESS_SECRET, ACCESS_SETTING, TLS_CERTIFICATE; nothing is left running then
 */
export async function startServer(config: Config, { log }: { readonly log: Log }): Promise<RunningServer> {
	const clock = nodeClock();
	if (config.channels.length + config.templates.length > 0) await checkFfmpeg(config, clock);
	const parts = await assemble(config, log, clock);
	const { listeners, api, channels, viewers, model, reports, distribution, publishing } = parts;
	try {
		// Before the channels, whose input it may be.
		await distribution?.start();
		const { routes } = parts;
		await listeners.listen(
			(request, response, listener) => routes.handle(request, response, listener),
			(request) => routes.isEndless(request),
		);
		const published = await publishing?.start();
		const relayed = await parts.rtsp?.start();
		const [httpAddress, ...more] = listeners.addresses;
		const apiAddress = addressOf(await listenApi(api, config.api.listen));
		channels.start();
		reports.start();
		const others = more.length > 0 ? { others: more.map(urlOf) } : {};
		const http = httpAddress && { http: urlOf(httpAddress) };
		const ways = urlsOf({ ...published, ...relayed });
		log.info({ ...http, api: urlOf(apiAddress), ...ways, ...others }, "listening");
		let draining: Promise<void> | undefined;
		const drain = async (): Promise<void> => {
			model.draining = true;
			log.info({ viewers: viewers.size, deadlineMs: config.delivery.drain }, "draining");
			listeners.stopAccepting();
			channels.turnAway();
			await viewers.drain(config.delivery.drain);
			await parts.close();
			log.info("stopped");
		};
		const reload = async (fresh: Config | undefined): Promise<void> => {
			if (distribution !== undefined) await reloadRules(distribution, log);
			if (fresh !== undefined) await reloadSecrets(parts, fresh, log);
		};
		const where = { http: httpAddress, api: apiAddress, extensions: EXTENSIONS };
		return { ...where, reload, drain: () => (draining ??= drain()) };
	} catch (error) {
		await parts.close();
		throw error;
	}
}

interface Parts {
	readonly channels: ChannelSet;
	readonly viewers: Viewers;
	readonly model: ServerModel;
	readonly reports: ReportServices;
	readonly distribution: DistributionHost | undefined;
	readonly access: AccessHost | undefined;
	readonly login: ApiLogin | undefined;
	readonly publishing: Publishing | undefined;
	readonly rtsp: RtspService | undefined;
	readonly listeners: MediaListeners;
	readonly routes: MediaRoutes;
	readonly api: FastifyInstance;
	/** Ends all of them, at once. */
	close(): Promise<void>;
}

/** Makes the parts and connects them; nothing listens and no encoder runs yet. */
async function assemble(config: Config, log: Log, clock: Clock): Promise<Parts> {
	const { delivery } = config;
	const limiter = new LogLimiter(clock, (kind, fields, message, times) =>
		log.warn({ kind, times, ...fields }, message),
	);
	const faults = { policy: 0 };
	const policy = await createPolicy(config.policy, (text) => {
		faults.policy++;
		limiter.note("POLICY", { policy: policy.name }, `a viewer is left as it is: the policy ${text}`);
	});
	const viewers = new Viewers({ clock, maxViewers: delivery.maxViewers, stallTimeout: delivery.stallTimeout });
	const version = packageVersion();
	const distribution =
		config.distribution && new DistributionHost({ config: config.distribution, clock, log, version });
	const access = config.access && (await AccessHost.open(config.access, { clock, log }));
	const login = config.api.login && (await ApiLogin.open(config.api.login, clock));
	const channels = createChannels(config, {
		...{ clock, limiter, log, distribution },
		onGone: (label) => publishing?.forget(label),
		expel: (host) => {
			for (const { programme, viewer } of endpoint.sessions())
				if (programme === host) viewers.expel(viewer, "deadline");
		},
	});
	const publishing =
		config.publish &&
		access &&
		new Publishing({
			...{ config: config.publish, access, channels, clock, log, limiter },
			droppedOf: (channel) => channels.find(channel)?.host.ladderStatus.dropped ?? 0,
		});
	const rtsp =
		config.publish?.rtsp &&
		access &&
		new RtspService({
			...{ config: config.publish.rtsp, publish: config.publish, access, distribution, clock, log, limiter, version },
			publications: publishing!.publications,
			places: viewers,
			...{ channels, pulled: channels.pulled, networks: config.access?.settings.networks ?? [] },
		});
	const door = access && new ViewerDoor({ access, clock });
	const listeners = new MediaListeners({ config: config.http, clock, limiter });
	const listening = (): readonly ListenAddress[] => listeners.addresses;
	const socketOptions = await loadSocketOptions();
	if (!socketOptions.available) {
		log.warn("koffi is not installed: half-open viewers are found later than they could be");
	}
	const pages = new Pages(loadWebFiles());
	if (pages.trouble !== undefined) log.warn(`there are no pages, for they have not been built: ${pages.trouble}`);
	const { corsOrigins } = config.http;
	const cors = { origins: corsOrigins };
	const serverFigures = (): ServerFigures => machine.figures;
	const reports = await ReportServices.create({ config: config.reports, corsOrigins, clock, log, serverFigures });
	const machine = watchMachine(config.server, { clock, log, viewers, channels });
	const endpoint = new MediaEndpoint({
		...{ viewers, clock, socketOptions, log, maxLag: delivery.maxLag, stallTimeout: delivery.stallTimeout },
		programmes: programmesOf(channels, () => config.api.listChannelsTo404 && access?.isOpenToViewers !== false),
		packagings: PACKAGINGS,
		...{ policy, serverFigures, watch: reports, cors },
		...(door && { door }),
	});
	const model = new ServerModel({
		...{ clock, channels, endpoint, viewers, reports, listening, version },
		distribution: distribution && new HostedDistribution(distribution),
		...{ publishing, access, players: rtsp?.players },
		...(rtsp && { rtsp: () => rtsp.figures }),
		requestsRefused: listeners.refused,
		machine: serverFigures,
		policy: policy.name,
		policyErrors: () => faults.policy,
		packagings: PACKAGINGS,
		startedAt: clock.wall(),
		apiListen: config.api.listen,
		setUpTroubles: pages.trouble === undefined ? [] : [pages.trouble],
	});
	const wishes = new SessionWishes({
		...{ clock, corsOrigins, log, addressRate: config.reports.addressRate },
		sessionOf: (key) => reports.viewers.session(key),
		onFault: (thrown) => log.error({ err: thrown }, "a session's wish failed inside the server"),
	});
	const push =
		config.publish?.http === true && publishing !== undefined
			? new PushRoutes({
					...{ publications: publishing.publications, clock, cors, log },
					idleTimeout: config.publish.idleTimeout,
				})
			: undefined;
	const routes = new MediaRoutes({
		...{ endpoint, reports, wishes, pages, push, door, channels, cors, log, listening },
		packagings: PACKAGINGS,
		draining: () => model.draining,
	});
	const api = await createApi({ config: config.api, model, pages, login, log, version });
	const close = async (): Promise<void> => {
		await publishing?.stop();
		await rtsp?.stop();
		await Promise.all([channels.stop(), listeners.close(), api.close()]);
		await access?.settled();
		await distribution?.stop();
		await reports.close();
		machine.close();
		limiter.close();
	};
	const hosts = { channels, viewers, model, reports, distribution, access, login, publishing, rtsp };
	return { ...hosts, listeners, routes, api, close };
}

interface ChannelParts extends Pick<ChannelSurroundings, "clock" | "limiter" | "log" | "distribution"> {
	/** No list has the channel any more: `app/stream`. */
	readonly onGone: (label: string) => void;
	/** Ends the connections of those who watch it. */
	readonly expel: (host: ChannelHost) => void;
}

function createChannels({ channels, templates, delivery, publish }: Config, parts: ChannelParts): ChannelSet {
	const { clock, log, onGone, expel } = parts;
	const { startTimeout, drain } = delivery;
	const surroundings = { ...parts, startTimeout, returnWithin: publish?.returnWithin };
	const open = (config: ChannelConfig): OpenedChannel => openChannel(config, surroundings);
	const made = new MadeChannels({
		...{ templates, open, drain, clock, log, onGone, expel },
		most: publish?.maxStreams ?? 0,
		returnWithin: publish?.returnWithin ?? milliseconds(0),
	});
	return new ChannelSet({ channels, open, made });
}

/** @param isListed where one has to show something to watch, no list of streams is given to strangers */
function programmesOf(channels: ChannelSet, isListed: () => boolean): Programmes {
	return {
		find: (app: Name, stream: Name) => channels.find(`${app}/${stream}`)?.host,
		listed: () => (isListed() ? channels.all().map(({ config }) => `/${config.label}`) : []),
	};
}

type MachineParts = Pick<Parts, "channels" | "viewers"> & { readonly clock: Clock; readonly log: Log };

/** The server's own capability, from now on. */
function watchMachine(config: ServerConfig, { clock, log, viewers, channels }: MachineParts): Machine {
	const { load, egressLimit } = config;
	return new Machine({
		...{ clock, readings: nodeReadings(), egressLimit },
		load: load && new ServerLoad(load),
		work: {
			bytesSent: () => viewers.bytesSent,
			encoderSpeed: () => {
				const speeds = channels.all().flatMap(({ host }) => host.encoderSpeed ?? []);
				return speeds.length === 0 ? undefined : Math.min(...speeds);
			},
		},
		onDuress(duress, { cpuIdle, egress, eventLoopDelayMs, memoryUsed }) {
			const figures = { cpuIdle, egress, eventLoopDelayMs, memoryUsed };
			if (duress === undefined) log.info(figures, "the server bears all renditions again");
			else if (duress.level === "freeze") log.warn(figures, `nobody is switched up: ${duress.text}`);
			else log.warn(figures, `the best rendition is withdrawn from everybody: ${duress.text}`);
		},
	});
}

async function listenApi(api: FastifyInstance, address: ListenAddress): Promise<AddressInfo> {
	try {
		await api.listen({ host: address.host, port: address.port });
	} catch (thrown) {
		throw listenError(thrown, "api.listen", address);
	}
	return api.server.address() as AddressInfo;
}

const urlOf = (address: ListenAddress): string => `http://${formatListenAddress(address)}`;

/** By the names of their protocols. */
const urlsOf = (addresses: RtmpAddresses & RtspAddresses): Readonly<Record<string, string>> =>
	Object.fromEntries(
		Object.entries(addresses).map(([scheme, address]) => [scheme, `${scheme}://${formatListenAddress(address)}`]),
	);
