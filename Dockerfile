# The service as an image, on Deno's own one. Everything is fetched while it is built, exactly as deno.lock says; a
# container fetches nothing when it starts. By itself it keeps its database in /data; compose.yaml uses a server for that.

ARG DENO_VERSION=2.9.6

FROM denoland/deno:${DENO_VERSION} AS fetched
WORKDIR /app
COPY . .
# Threads start with the last one, which main.ts does not import.
RUN deno cache --frozen main.ts runtime/worker/runners/thread_main.ts runtime/worker/stand_in_main.ts

FROM denoland/deno:${DENO_VERSION}
RUN install --directory --mode=0700 --owner=deno --group=deno /data
# Deno keeps compiled code beside what it fetched. Its image names user 1993 deno.
COPY --from=fetched --chown=deno:deno /deno-dir /deno-dir
COPY --from=fetched /app /app
WORKDIR /app
USER 1993
VOLUME /data

# Others than this container are to reach it, so it does not start without API_KEYS. Nobody would read that there is a
# newer Deno: to ask for it, each start would call its makers.
ENV HOST=0.0.0.0 PORT=8000 KV_PATH=/data/errand.kv STOP_GRACE_MS=8000 NO_COLOR=1 DENO_NO_UPDATE_CHECK=1
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["deno", "eval", "const { ok } = await fetch(`http://127.0.0.1:${Deno.env.get('PORT')}/healthz`); Deno.exit(ok ? 0 : 1)"]

# `docker stop` waits for 10 s. Deno's image has a first process that hands signals on.
CMD ["run", "--cached-only", "--frozen", "-A", "main.ts"]
