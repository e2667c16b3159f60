/** Figures as decisions tell them to people. */

export const mbit = (bitsPerSecond: number): string => `${(bitsPerSecond / 1e6).toFixed(2)} Mbit/s`;
export const percent = (share: number): string => `${Math.round(share * 100)} %`;
