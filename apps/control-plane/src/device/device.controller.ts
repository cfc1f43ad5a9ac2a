import { Problem, routes, type Device } from "@benchfarm/contracts";
import { Controller } from "@nestjs/common";
import { Config } from "../platform/config.js";
import { Database } from "../platform/database/database.js";
import { listEvents } from "../platform/events.store.js";
import { Handles, type Call } from "../platform/http/handles.js";
import { orgOf } from "../platform/http/principal.js";
import { createEnrolment } from "./create-enrolment.js";
import { listDevices, readDevice } from "./device.store.js";
import { enrolAgent } from "./enrol-agent.js";
import { listEnrolments } from "./enrolment.store.js";
import { updateDevice } from "./update-device.js";

/** Devices and enrolments. */
@Controller()
export class DeviceController {
  readonly #database: Database;
  readonly #leaseMs: number;

  constructor(database: Database, config: Config) {
    this.#database = database;
    this.#leaseMs = config.timers.leaseMs;
  }

  @Handles(routes.listDevices)
  async list(call: Call<typeof routes.listDevices>) {
    return listDevices(this.#database.prisma, orgOf(call), call.query, this.#leaseMs);
  }

  @Handles(routes.readDevice)
  async read(call: Call<typeof routes.readDevice>) {
    return this.#read(orgOf(call), call.params.id);
  }

  @Handles(routes.updateDevice)
  async update(call: Call<typeof routes.updateDevice>) {
    const orgId = orgOf(call);
    const { id } = call.params;
    await this.#database.inTransaction((tx) =>
      updateDevice(tx, orgId, id, call.body, call.principal.actor),
    );
    return this.#read(orgId, id);
  }

  @Handles(routes.listDeviceEvents)
  async events(call: Call<typeof routes.listDeviceEvents>) {
    const orgId = orgOf(call);
    await this.#read(orgId, call.params.id);
    return listEvents(this.#database.prisma, orgId, "device", call.params.id, call.query);
  }

  @Handles(routes.createEnrolment)
  async createEnrolment(call: Call<typeof routes.createEnrolment>) {
    return this.#database.inTransaction((tx) =>
      createEnrolment(tx, orgOf(call), call.principal.actor, call.body),
    );
  }

  @Handles(routes.listEnrolments)
  async listEnrolments(call: Call<typeof routes.listEnrolments>) {
    return listEnrolments(this.#database.prisma, orgOf(call), call.query);
  }

  @Handles(routes.enrolAgent)
  async enrol(call: Call<typeof routes.enrolAgent>) {
    return this.#database.inTransaction((tx) => enrolAgent(tx, call.body));
  }

  async #read(orgId: string, id: string): Promise<Device> {
    const device = await readDevice(this.#database.prisma, orgId, id, this.#leaseMs);
    if (device === null) throw new Problem("not_found", `there is no device ${id} in this org`);
    return device;
  }
}
