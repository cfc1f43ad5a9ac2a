/** Every background task of the farm. A name here without exactly one handler fails the boot of a worker. */
export const TASKS = ["expire-leases", "fold-cell", "settle-sweep"] as const;

export type TaskName = (typeof TASKS)[number];
