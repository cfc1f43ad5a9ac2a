import {
  createClient,
  ServerProblem,
  type CallInput,
  type Route,
  type RouteReply,
} from "@benchfarm/contracts";
import {
  keepPreviousData,
  QueryClient,
  useInfiniteQuery,
  useQuery,
  type UseQueryResult,
} from "@tanstack/react-query";
import { currentApiKey, useApiKey } from "./api-key.js";

/** A problem that asking again does not change: the request itself, or the right to make it, is at fault. */
export function isLasting(error: unknown): boolean {
  return error instanceof ServerProblem && error.status < 500 && error.status !== 429;
}

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      retry: (failures, error) => !isLasting(error) && failures < 2,
      retryDelay: (attempt, error) =>
        (error instanceof ServerProblem ? error.retryAfterMs : null) ?? 500 * 2 ** attempt,
      staleTime: 2000,
      refetchOnWindowFocus: true,
    },
  },
});

function call<R extends Route>(route: R, input: CallInput<R>, signal: AbortSignal) {
  const apiKey = currentApiKey();
  const client = createClient({
    baseUrl: window.location.origin,
    ...(apiKey === null ? {} : { apiKey }),
  });
  return client.call(route, { ...input, signal });
}

/**
 * One read of a route, kept in the cache by its input. `everyMs` says how long after an answer to ask again (false: only when the page
 * is looked at again); it may look at the answer, so that finished things are left alone.
 */
export function useFarmQuery<R extends Route>(
  route: R,
  input: CallInput<R>,
  everyMs: number | false | ((reply: RouteReply<R> | undefined) => number | false) = false,
): UseQueryResult<RouteReply<R>> {
  const apiKey = useApiKey();
  return useQuery({
    queryKey: [route.method, route.path, input, apiKey],
    queryFn: ({ signal }) => call(route, input, signal),
    refetchInterval: (query) =>
      typeof everyMs === "function"
        ? everyMs(query.state.data as RouteReply<R> | undefined)
        : everyMs,
    // Another filter of the same list may keep showing the old answer; another thing may not.
    ...(route.path.includes("{") ? {} : { placeholderData: keepPreviousData }),
  }) as UseQueryResult<RouteReply<R>>;
}

interface Page<T> {
  items: T[];
  nextCursor: string | null;
}

/** A cursor-paginated list as one growing array; `fetchNextPage` asks for more while `hasNextPage`. */
export function useFarmList<T>(
  route: Route,
  input: { params?: Record<string, string>; query?: Record<string, unknown> },
  everyMs: number | false | ((items: T[]) => number | false) = false,
) {
  const apiKey = useApiKey();
  return useInfiniteQuery({
    queryKey: [route.method, route.path, "pages", input, apiKey],
    queryFn: async ({ pageParam, signal }) =>
      (await call(
        route,
        {
          ...input,
          query: { ...input.query, ...(pageParam === null ? {} : { cursor: pageParam }) },
        } as CallInput<Route>,
        signal,
      )) as Page<T>,
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.nextCursor,
    select: (data) => data.pages.flatMap((page) => page.items),
    refetchInterval: (query) =>
      typeof everyMs === "function"
        ? everyMs(query.state.data?.pages.flatMap((page) => page.items) ?? [])
        : everyMs,
  });
}
