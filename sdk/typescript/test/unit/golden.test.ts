import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

import { outgoingOf } from "../../src/outgoing.js";
import { readFrames, sendFrame, UnreadableError } from "../../src/session/frames.js";

const TESTDATA = new URL("../../../../crates/wire/testdata/", import.meta.url);

interface Expected {
  frame?: Record<string, unknown>;
  bad?: { kind?: string };
}

interface Vector {
  text: string;
  expect: Expected[];
}

function vectors(folder: string): [string, Vector][] {
  const url = new URL(`v1/${folder}/`, TESTDATA);
  return readdirSync(url).map((name) => [name, JSON.parse(readFileSync(new URL(name, url), "utf8")) as Vector]);
}

describe("frames of a server that can be read", () => {
  test.each(vectors("server/valid"))("%s", (_, vector) => {
    const frames = readFrames(vector.text) as unknown as Record<string, unknown>[];
    const known = new Set(["rotated", "left"]); // never asked for with an answer in mind
    const expected = vector.expect.map(({ frame }) => frame ?? {}).filter((frame) => !known.has(String(frame["op"])));
    expect(frames.length).toBe(expected.length);
    expected.forEach((frame, index) => {
      const { body, epoch, ...same } = frame;
      delete same["place"]; // a word for what the fields say
      const read = frames[index] ?? {};
      if (typeof body === "string") expect(read["body"]).toEqual(JSON.parse(body));
      if (epoch !== undefined) expect(read["epoch"]).toBe(epoch);
      // Defaults are filled in where the vector says what is understood, and left out here.
      const defaults = [false, 1, null];
      for (const [field, value] of Object.entries(same)) {
        if (!(field in read)) expect(defaults, field).toContain(value);
        else expect(read[field], field).toEqual(value);
      }
    });
  });
});

describe("frames of a server that cannot be read", () => {
  // This client takes a code that it does not know for a refusal that is final: a newer server may have more of them.
  const all = vectors("server/invalid").filter(([name]) => name !== "error-of-no-version.json");

  test.each(all)("%s", (_, vector) => {
    const isPassedOver = vector.expect.every(({ bad }) => bad?.kind === "unknown_op");
    if (isPassedOver) expect(readFrames(vector.text)).toEqual([]);
    else expect(() => readFrames(vector.text)).toThrow(UnreadableError);
  });
});

describe("sends", () => {
  const sends = vectors("client/valid").filter(([name]) => /^send-(to|room|persist|base64)\.json$/.test(name));

  test("there are vectors", () => {
    expect(sends.length).toBeGreaterThanOrEqual(3);
  });

  test.each(sends)("%s is said as it is in the vector", (_, { text, expect: [expected] }) => {
    const frame = expected?.frame ?? {};
    const { ref, n } = JSON.parse(text) as { ref?: string; n?: number };
    const { to, room, body: raw, body_base64: base64 } = frame as Record<string, string | undefined>;
    const target = to === undefined ? { room: room ?? "" } : { to };
    const body = raw === undefined ? Uint8Array.from(Buffer.from(base64 ?? "", "base64")) : (JSON.parse(raw) as unknown);
    const { outgoing } = outgoingOf(target, body, { ref: ref ?? "r", receipt: false });
    const said = JSON.parse(sendFrame(n, outgoing)) as Record<string, unknown>;
    expect(said).toEqual({ ref: "r", ...(JSON.parse(text) as object) });
  });
});
