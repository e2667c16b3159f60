/** A hundred switches by Media Source Extensions. Of the other packagings: `test/long/mse-switches.test.ts`. */
import { describeMseSwitches } from "../kit/mse-switches.ts";

describeMseSwitches("mp4", "flv");
