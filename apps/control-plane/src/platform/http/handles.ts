import type { Route } from "@benchfarm/contracts";
import {
  createParamDecorator,
  RequestMapping,
  RequestMethod,
  Res,
  SetMetadata,
  UseInterceptors,
  type ExecutionContext,
} from "@nestjs/common";
import type { FastifyRequest } from "fastify";
import { ROUTE_METADATA, send, SENT, type Call, type HandlerReply } from "./call.js";
import { IdempotencyInterceptor } from "./idempotency.js";

export { bytesOf, Sent, SENT, type Call, type HandlerReply } from "./call.js";
export { agentOf, orgOf, type Principal } from "./principal.js";

const CallParameter = createParamDecorator(
  (_: unknown, context: ExecutionContext) =>
    context.switchToHttp().getRequest<FastifyRequest>().benchfarmCall,
);

/**
 * Makes a controller method the one handler of a route of the contracts: its method, path, access and status. The method gets one
 * argument, the parsed `Call`, and returns what the route's reply schema takes, which is sent parsed by that schema (so nothing that
 * it lacks can leak), or `SENT`. Errors are thrown as `Problem`.
 */
export function Handles<R extends Route>(route: R) {
  return <T extends (call: Call<R>) => Promise<HandlerReply<R>>>(
    target: object,
    key: string,
    descriptor: TypedPropertyDescriptor<T>,
  ): void => {
    const handler = descriptor.value as T;
    const handle = async function (this: unknown, call: Call<R>): Promise<unknown> {
      call.response.status(route.status);
      const reply = await handler.call(this, call);
      if (route.idempotent === true && reply !== SENT) return route.reply?.parse(reply);
      return send(route, call.response, reply);
    };
    Object.defineProperty(handle, "name", { value: key });
    descriptor.value = handle as unknown as T;
    CallParameter()(target, key, 0);
    // Tells Nest that the reply is not its to send.
    Res()(target, key, 1);
    SetMetadata(ROUTE_METADATA, route)(target, key, descriptor);
    RequestMapping({
      method: RequestMethod[route.method],
      path: route.path.replace(/\{(\w+)\}/g, ":$1"),
    })(target, key, descriptor);
    if (route.idempotent === true) UseInterceptors(IdempotencyInterceptor)(target, key, descriptor);
  };
}
