import { whySentence, type Candidate, type WhyInput } from "./why.rules.js";

const device = (reason: string | null, unmet: string | null = null): Candidate => ({
  deviceId: "dev",
  name: "laptop",
  reason: unmet ?? reason,
  unmet,
});
const queued = (candidates: Candidate[], over: Partial<WhyInput> = {}) =>
  whySentence({
    run: {
      state: "queued",
      outcome: null,
      reason: null,
      blockedReason: null,
      phase: null,
      deviceName: null,
    },
    candidates,
    ahead: 0,
    notBefore: null,
    ...over,
  });

it.each([
  [[], {}, "It waits because no device is enrolled."],
  [
    [
      device(null, "does not have the engine x"),
      device(null, "is other hardware than was asked for"),
    ],
    {},
    "No device can serve it: of 2, 1 does not have the engine x, 1 is other hardware than was asked for.",
  ],
  [
    [
      device("is busy with another run"),
      device("is busy with another run"),
      device("is quarantined"),
    ],
    { ahead: 3 },
    "It waits for a device: of 3 that can serve it, 2 is busy with another run, 1 is quarantined; 3 runs are ahead of it.",
  ],
  [[device(null)], {}, "It is about to be offered: 1 device ready for it."],
  [
    [device(null)],
    { notBefore: new Date(0) },
    "It is tried again after 1970-01-01T00:00:00.000Z; 1 device can serve it.",
  ],
] as [Candidate[], Partial<WhyInput>, string][])(
  "a queued run %#",
  (candidates, over, sentence) => {
    expect(queued(candidates, over)).toBe(sentence);
  },
);
