/** A hundred switches by Media Source Extensions, in each packaging. */
import { describeMseSwitches } from "../kit/mse-switches.ts";

describeMseSwitches("mp4", "flv");
describeMseSwitches("ts", "rtp");
