/** Time and chance, as parameters. */
export interface Clock {
  /** Milliseconds since some moment. */
  now(): number;
  /** Calls back after so many ms, unless it is cancelled by the function that it answers. */
  after(ms: number, callback: () => void): () => void;
  /** A number in [0, 1). */
  random(): number;
}

/** Those of this machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms);
    return () => {
      clearTimeout(timer);
    };
  },
  random: () => Math.random(),
};
