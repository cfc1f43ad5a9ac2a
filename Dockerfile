# One image for every part of the farm: `benchfarm serve` (api, worker), `benchfarm agent`, and the command line.
FROM node:20-slim AS build
WORKDIR /benchfarm
COPY . .
# The same entry as on a laptop: installs by the lock file without test tools, then builds programs and dashboard.
RUN --mount=type=cache,target=/root/.npm npm run build

FROM node:20-slim
ENV NODE_ENV=production \
    BENCHFARM_DATA_DIR=/data \
    BENCHFARM_DASHBOARD_DIR=/benchfarm/apps/dashboard/dist
WORKDIR /benchfarm
COPY --from=build --chown=node:node /benchfarm /benchfarm
RUN ln -s /benchfarm/apps/cli/bin/benchfarm.mjs /usr/local/bin/benchfarm \
    && chmod +x /benchfarm/apps/cli/bin/benchfarm.mjs \
    && install -d -o node -g node /data /agent
USER node
EXPOSE 8787
ENTRYPOINT ["benchfarm"]
CMD ["--help"]
