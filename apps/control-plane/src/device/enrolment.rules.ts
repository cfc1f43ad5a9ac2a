import { createHash } from "node:crypto";

/** Without letters and digits that are read for one another (0 O, 1 I L, U V): 30 symbols, 78 bits in 16. */
const ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ";

/** A new one-time code, such as `7KQM-2XRP-V9DA-HC4T`, drawn with `pick` (a number from 0 up to `below`). */
export function newEnrolmentCode(pick: (below: number) => number): string {
  const letters = Array.from({ length: 16 }, () => ALPHABET[pick(ALPHABET.length)]).join("");
  return letters.replaceAll(/(.{4})(?!$)/g, "$1-");
}

/** The stored form of a code: SHA-256, hex, whatever its case, dashes and spaces were. */
export function enrolmentCodeDigest(code: string): string {
  return createHash("sha256")
    .update(code.toUpperCase().replaceAll(/[^0-9A-Z]/g, ""))
    .digest("hex");
}

/** What is known of an enrolment when its code is presented. */
export interface PresentedEnrolment {
  expired: boolean;
  /** The key that used the code before, or null. */
  usedByKey: string | null;
  maxDevices: number;
}

export type EnrolmentVerdict = "exchange" | "repeat" | "used" | "expired" | "too_many_devices";

/** Whether a code may be exchanged: the key that used it gets the same answer again, for ever; nobody else does. */
export function judgeEnrolment(
  enrolment: PresentedEnrolment,
  publicKey: string,
  deviceCount: number,
): EnrolmentVerdict {
  if (enrolment.usedByKey !== null) return enrolment.usedByKey === publicKey ? "repeat" : "used";
  if (enrolment.expired) return "expired";
  return deviceCount > enrolment.maxDevices ? "too_many_devices" : "exchange";
}
