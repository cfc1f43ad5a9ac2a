import { routes, type Route } from "@benchfarm/contracts";
import { Injectable } from "@nestjs/common";
import { PATH_METADATA } from "@nestjs/common/constants.js";
import { DiscoveryService, MetadataScanner } from "@nestjs/core";
import { OPEN_METADATA, ROUTE_METADATA } from "./call.js";

/** A program whose HTTP surface is not the one that the contracts write down; it must not start. */
export class RouteTableError extends Error {
  constructor(faults: string[]) {
    super(`the HTTP routes are not in order:\n  ${faults.join("\n  ")}`);
    this.name = "RouteTableError";
  }
}

/** Holds the controllers against the route table of the contracts. */
@Injectable()
export class RouteTable {
  readonly #discovery: DiscoveryService;
  readonly #scanner: MetadataScanner;

  constructor(discovery: DiscoveryService, scanner: MetadataScanner) {
    this.#discovery = discovery;
    this.#scanner = scanner;
  }

  /**
   * Throws RouteTableError unless every route handler says who may call it, and every route of the table has exactly one handler.
   * `partial` leaves out the check for routes without a handler.
   */
  check(options: { partial?: boolean } = {}): void {
    const faults: string[] = [];
    const handlers = new Map<Route, string[]>();
    for (const { instance, metatype } of this.#discovery.getControllers()) {
      if (instance === null || instance === undefined) continue;
      const prototype = Object.getPrototypeOf(instance) as Record<string, unknown>;
      for (const method of this.#scanner.getAllMethodNames(prototype)) {
        const handler = prototype[method] as object;
        if (Reflect.getMetadata(PATH_METADATA, handler) === undefined) continue;
        const name = `${metatype?.name}.${method}`;
        const route = Reflect.getMetadata(ROUTE_METADATA, handler) as Route | undefined;
        if (route !== undefined) handlers.set(route, [...(handlers.get(route) ?? []), name]);
        else if (Reflect.getMetadata(OPEN_METADATA, handler) !== true) {
          faults.push(`${name} does not say who may call it; decorate it with @Handles(routes.…)`);
        }
      }
    }
    const table = new Map<Route, string>(
      Object.entries(routes).map(([name, route]) => [route as unknown as Route, name]),
    );
    for (const [route, names] of handlers) {
      if (!table.has(route)) {
        faults.push(`${names.join(", ")} handles a route that is not in the contracts' table`);
      }
      if (names.length > 1)
        faults.push(`${table.get(route)} has two handlers: ${names.join(", ")}`);
    }
    if (options.partial !== true) {
      for (const [route, name] of table) {
        if (!handlers.has(route))
          faults.push(`${name} (${route.method} ${route.path}) has no handler`);
      }
    }
    if (faults.length > 0) throw new RouteTableError(faults);
  }
}
